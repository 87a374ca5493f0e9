import { kindNamed } from '@podwire/kube';
import { failure, qualified } from '../core/status.ts';
import type { Store } from '../core/store.ts';
import { type Attempt, type Listener, placeOf } from './attempt.ts';
import { celValue, factsOf } from './facts.ts';
import { expressionsOf } from './policy-expressions.ts';
import { type Violation, violationsOf } from './policy-violations.ts';
import { type MatchResources, matchedVersion } from './resource-match.ts';

interface PolicyFields {
  readonly failurePolicy?: string;
  readonly matchConstraints?: MatchResources;
  readonly paramKind?: unknown;
}

interface BindingFields {
  readonly policyName?: string;
  readonly matchResources?: MatchResources;
  readonly validationActions?: readonly string[];
}

const CODES: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413 };
const POLICY = kindNamed('ValidatingAdmissionPolicy').id;
const BINDING = kindNamed('ValidatingAdmissionPolicyBinding').id;

/**
 * What ValidatingAdmissionPolicies that are bound say to a write: throws the Status of the first that denies it, in the words
 * of Kubernetes, and gives `warn` what others warn of. Policies have no say in policies, so that they can be taken back.
 */
export function checkPolicies(store: Store, attempt: Attempt, { warn }: Listener): void {
  if (store.size(BINDING) === 0 || attempt.kind.id === POLICY || attempt.kind.id === BINDING) return;
  const { namespace: name } = placeOf(attempt);
  const namespace = name ? store.latest('Namespace', name) : undefined;
  for (const binding of store.latestOf(BINDING)) {
    const bound = (binding.spec ?? {}) as BindingFields;
    const policy = store.latest(POLICY, bound.policyName ?? '');
    const fields = (policy?.spec ?? {}) as PolicyFields;
    // A policy with parameters says nothing: whoever binds it is warned.
    if (!policy || fields.paramKind !== undefined) continue;
    const version = matchedVersion(fields.matchConstraints ?? {}, attempt, namespace);
    if (version === undefined || matchedVersion(bound.matchResources ?? {}, attempt, namespace) === undefined) continue;
    const facts = { ...factsOf(attempt, version), params: null, namespaceObject: celValue(namespace) };
    const title = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
    for (const violation of violationsOf(expressionsOf(policy), facts, fields.failurePolicy !== 'Ignore')) {
      if (bound.validationActions?.includes('Warn')) warn(`Validation failed for ${title}: ${violation.message}`);
      if (bound.validationActions?.includes('Deny')) throw denial(attempt, title, violation);
    }
  }
}

function denial(attempt: Attempt, title: string, { message, reason }: Violation): Error {
  const { kind } = attempt;
  const { name } = placeOf(attempt);
  const why = `${title} denied request: ${message}`;
  const details = { name, kind: kind.plural, ...(kind.group ? { group: kind.group } : {}), causes: [{ message: why }] };
  return failure(CODES[reason] ?? 422, reason, `${qualified(kind)} "${name}" is forbidden: ${why}`, details);
}
