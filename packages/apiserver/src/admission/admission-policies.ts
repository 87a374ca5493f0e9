import type { KindId } from '@podwire/kube';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { KindRegistry } from '../core/kind-registry.ts';
import { failure, qualified } from '../core/status.ts';
import type { Store } from '../core/store.ts';
import type { ApiObject } from '../seam.ts';
import { type Attempt, type Listener, placeOf } from './attempt.ts';
import { celValue, factsOf } from './facts.ts';
import { PolicyAnnotations } from './policy-annotations.ts';
import { expressionsOf, type Facts } from './policy-expressions.ts';
import { POLICY_KINDS } from './policy-kinds.ts';
import { type ParamKind, type ParamRef, PolicyParams } from './policy-params.ts';
import { findingsOf, type Violation } from './policy-violations.ts';
import { type MatchResources, matchedVersion } from './resource-match.ts';

interface PolicyFields {
  readonly failurePolicy?: string;
  readonly matchConstraints?: MatchResources;
  readonly paramKind?: ParamKind;
}

interface BindingFields {
  readonly policyName?: string;
  readonly paramRef?: ParamRef;
  readonly matchResources?: MatchResources;
  readonly validationActions?: readonly string[];
}

/** A policy and what binds it, for a write they are about. */
interface Bound {
  readonly policy: ApiObject;
  readonly binding: ApiObject;
  /** Of the kind of the write. */
  readonly version: string;
}

const CODES: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413 };
const POLICY: KindId = 'ValidatingAdmissionPolicy';
const BINDING: KindId = 'ValidatingAdmissionPolicyBinding';

/** ValidatingAdmissionPolicies that are bound. They have no say in policies, so that they can be taken back. */
export class AdmissionPolicies {
  readonly #store: Store;
  readonly #authorizer: Authorizer;
  readonly #params: PolicyParams;

  constructor(store: Store, kinds: KindRegistry, authorizer: Authorizer) {
    this.#store = store;
    this.#authorizer = authorizer;
    this.#params = new PolicyParams(store, kinds);
  }

  /** Throws the Status of the first that denies a write, in the words of Kubernetes, when all have been asked. */
  check(attempt: Attempt, listener: Listener): void {
    if (this.#store.size(BINDING) === 0 || POLICY_KINDS.has(attempt.kind.id)) return;
    const { namespace: name } = placeOf(attempt);
    const namespace = name ? this.#store.latest('Namespace', name) : undefined;
    const annotations = new PolicyAnnotations();
    const denials = this.#bound(attempt, namespace).flatMap((bound) => {
      const facts = {
        ...factsOf(attempt, bound.version, this.#authorizer),
        namespaceObject: celValue(namespace),
      };
      const title = `ValidatingAdmissionPolicy '${bound.policy.metadata.name}' with binding '${bound.binding.metadata.name}'`;
      const denied = this.#judge(bound, facts, { namespace: name, title, annotations, warn: listener.warn });
      return denied.map((violation) => ({ title, violation }));
    });
    annotations.tell(listener);
    const [first] = denials;
    if (first) throw denial(attempt, first.title, first.violation);
  }

  #bound(attempt: Attempt, namespace: ApiObject | undefined): readonly Bound[] {
    return this.#store.latestOf(BINDING).flatMap((binding) => {
      const { policyName = '', matchResources = {} } = (binding.spec ?? {}) as BindingFields;
      const policy = this.#store.latest(POLICY, policyName);
      const { matchConstraints = {} } = (policy?.spec ?? {}) as PolicyFields;
      if (!policy) return [];
      const version = matchedVersion(matchConstraints, attempt, namespace);
      if (version === undefined || matchedVersion(matchResources, attempt, namespace) === undefined) return [];
      return [{ policy, binding, version }];
    });
  }

  /** What is denied, for each parameter. */
  #judge({ policy, binding }: Bound, given: Facts, told: Told): readonly Denied[] {
    const { failurePolicy, paramKind } = policy.spec as PolicyFields;
    const { paramRef, validationActions: actions = [] } = binding.spec as BindingFields;
    const isStrict = failurePolicy !== 'Ignore';
    const params = this.#params.of({ paramKind, paramRef, namespace: told.namespace });
    if ('why' in params) return isStrict ? [unusable(`failed to configure binding: ${params.why}`)] : [];
    return params.flatMap((param) => {
      const facts = { ...given, params: celValue(param ?? undefined) };
      const { violations, annotations, faults } = findingsOf(expressionsOf(policy), facts, isStrict);
      for (const violation of violations) {
        if (actions.includes('Warn')) told.warn(`Validation failed for ${told.title}: ${violation.message}`);
        if (actions.includes('Audit')) told.annotations.addViolation(policy, binding, violation);
      }
      told.annotations.add(policy, annotations);
      return [...(actions.includes('Deny') ? violations : []), ...faults.map(unusable)];
    });
  }
}

interface Told extends Pick<Listener, 'warn'> {
  readonly namespace: string;
  readonly title: string;
  readonly annotations: PolicyAnnotations;
}

type Denied = Pick<Violation, 'message' | 'reason'>;

const unusable = (message: string): Denied => ({ message, reason: 'Invalid' });

function denial(attempt: Attempt, title: string, { message, reason }: Denied): Error {
  const { kind } = attempt;
  const { name } = placeOf(attempt);
  const why = `${title} denied request: ${message}`;
  const details = { name, kind: kind.plural, ...(kind.group ? { group: kind.group } : {}), causes: [{ message: why }] };
  return failure(CODES[reason] ?? 422, reason, `${qualified(kind)} "${name}" is forbidden: ${why}`, details);
}
