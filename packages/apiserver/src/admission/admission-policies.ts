import { kindNamed } from '@podwire/kube';
import { failure, qualified } from '../core/status.ts';
import type { Store } from '../core/store.ts';
import { DYN } from '../custom/cel/value-type.ts';
import type { ApiObject } from '../seam.ts';
import { expressionsOf, type Facts } from './policy-expressions.ts';
import { type Violation, violationsOf } from './policy-violations.ts';
import { type Attempt, isMatched, type MatchResources } from './resource-match.ts';

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
export function checkPolicies(store: Store, attempt: Attempt, warn: (text: string) => void): void {
  if (store.size(BINDING) === 0 || attempt.kind.id === POLICY || attempt.kind.id === BINDING) return;
  const { namespace: name } = (attempt.object ?? attempt.old)?.metadata ?? {};
  const namespace = name === undefined ? undefined : store.latest('Namespace', name);
  let facts: Facts | undefined;
  for (const binding of store.latestOf(BINDING)) {
    const bound = (binding.spec ?? {}) as BindingFields;
    const policy = store.latest(POLICY, bound.policyName ?? '');
    const fields = (policy?.spec ?? {}) as PolicyFields;
    // A policy with parameters says nothing: whoever binds it is warned.
    if (!policy || fields.paramKind !== undefined) continue;
    const matches = [fields.matchConstraints ?? {}, bound.matchResources ?? {}];
    if (!matches.every((match) => isMatched(match, attempt, namespace))) continue;
    facts ??= factsOf(attempt, namespace);
    const title = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
    for (const violation of violationsOf(expressionsOf(policy), facts, fields.failurePolicy !== 'Ignore')) {
      if (bound.validationActions?.includes('Warn')) warn(`Validation failed for ${title}: ${violation.message}`);
      if (bound.validationActions?.includes('Deny')) throw denial(attempt, title, violation);
    }
  }
}

function denial({ kind, object, old }: Attempt, title: string, { message, reason }: Violation): Error {
  const name = (object ?? old)?.metadata.name ?? '';
  const why = `${title} denied request: ${message}`;
  const details = { name, kind: kind.plural, ...(kind.group ? { group: kind.group } : {}), causes: [{ message: why }] };
  return failure(CODES[reason] ?? 422, reason, `${qualified(kind)} "${name}" is forbidden: ${why}`, details);
}

function factsOf(attempt: Attempt, namespace: ApiObject | undefined): Facts {
  const { kind, object, old, operation, subresource, user, dryRun } = attempt;
  const { name = '', namespace: within = '' } = (object ?? old)?.metadata ?? {};
  const { group, version } = kind;
  const [asKind, resource] = [
    { group, version, kind: kind.kind },
    { group, version, resource: kind.plural },
  ];
  const { name: username, groups, uid = '', extra = {} } = user;
  const request = {
    ...{ kind: asKind, requestKind: asKind, resource, requestResource: resource },
    ...{ name, namespace: within, operation, dryRun, subResource: subresource ?? '' },
    ...{ requestSubResource: subresource ?? '', userInfo: { username, groups, uid, extra }, options: {} },
  };
  const value = (data: unknown): unknown => (data === undefined ? null : DYN.convert(data));
  return {
    object: value(object),
    oldObject: value(old),
    request: value(request),
    params: null,
    namespaceObject: value(namespace),
  };
}
