import type { ApiObject } from '../seam.ts';
import type { Listener } from './attempt.ts';
import type { Findings, Violation } from './policy-violations.ts';

/** Key of what bindings with the action Audit found: a list as JSON. */
const FAILURES = 'validation.policy.admission.k8s.io/validation_failure';

/** What all policies have to note of one write. */
export class PolicyAnnotations {
  readonly #values = new Map<string, Set<string>>();
  readonly #failures: object[] = [];

  /** By keys of the policy; what several say under one key is put together. */
  add({ metadata: { name } }: ApiObject, annotations: Findings['annotations']): void {
    for (const [key, value] of annotations) {
      const whole = `${name}/${key}`;
      this.#values.set(whole, (this.#values.get(whole) ?? new Set()).add(value));
    }
  }

  addViolation(policy: ApiObject, binding: ApiObject, { message, index }: Violation): void {
    const { validationActions } = binding.spec as { readonly validationActions?: readonly string[] };
    const [one, other] = [policy.metadata.name, binding.metadata.name];
    this.#failures.push({ message, policy: one, binding: other, expressionIndex: index, validationActions });
  }

  tell({ annotate }: Listener): void {
    for (const [key, values] of this.#values) annotate?.(key, [...values].join(', '));
    if (this.#failures.length > 0) annotate?.(FAILURES, JSON.stringify(this.#failures));
  }
}
