import { type LabelSelector, type Labels, selectorMatches } from '@podwire/base';
import type { Kind } from '@podwire/kube';
import type { ApiObject, User } from '../seam.ts';

/** A write that policies have a say in. */
export interface Attempt {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly kind: Kind;
  readonly subresource?: string | undefined;
  /** Absent when it is deleted. */
  readonly object?: ApiObject | undefined;
  /** Absent when it is new. */
  readonly old?: ApiObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
}

/** NamedRuleWithOperations of admissionregistration.k8s.io/v1. */
interface ResourceRule {
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly operations?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly scope?: string;
}

/** MatchResources of admissionregistration.k8s.io/v1. */
export interface MatchResources {
  readonly resourceRules?: readonly ResourceRule[];
  readonly excludeResourceRules?: readonly ResourceRule[];
  readonly matchPolicy?: string;
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
}

/** Whether a write is one of those; `namespace` is that of the object, absent for kinds without. */
export function isMatched(match: MatchResources, attempt: Attempt, namespace: ApiObject | undefined): boolean {
  const { resourceRules, excludeResourceRules = [], namespaceSelector = {}, objectSelector = {} } = match;
  const isExact = match.matchPolicy === 'Exact';
  const isOf = (rule: ResourceRule): boolean => hasResource(rule, attempt, isExact);
  if (resourceRules && !resourceRules.some(isOf)) return false;
  if (excludeResourceRules.some(isOf)) return false;
  const objects = [attempt.object, attempt.old].filter((one) => one !== undefined);
  if (!objects.some(({ metadata }) => selectorMatches(objectSelector, metadata.labels))) return false;
  const labels = namespaceLabels(attempt, namespace);
  return labels === undefined || selectorMatches(namespaceSelector, labels);
}

/** Of a namespace its own; undefined where there is none to look at. */
function namespaceLabels({ kind, object, old }: Attempt, namespace: ApiObject | undefined): Labels | undefined {
  if (kind.id === 'Namespace') return (object ?? old)?.metadata.labels ?? {};
  return kind.namespaced ? (namespace?.metadata.labels ?? {}) : undefined;
}

function hasResource(rule: ResourceRule, { kind, subresource, operation, object, old }: Attempt, isExact: boolean) {
  const { apiGroups = [], apiVersions = [], operations = [], resources = [], resourceNames = [], scope = '*' } = rule;
  const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);
  const name = (object ?? old)?.metadata.name ?? '';
  return (
    has(operations, operation) &&
    has(apiGroups, kind.group) &&
    (!isExact || has(apiVersions, kind.version)) &&
    resources.some((resource) => isResource(resource, kind.plural, subresource)) &&
    (resourceNames.length === 0 || resourceNames.includes(name)) &&
    (scope === '*' || (scope === 'Namespaced') === kind.namespaced)
  );
}

/** `pods`, `pods/status`, `pods/*`, `*`, `*` + `/status` or all of all. */
function isResource(pattern: string, plural: string, subresource = ''): boolean {
  const [resource, below] = pattern.split('/');
  if (resource !== '*' && resource !== plural) return false;
  return below === '*' || (below ?? '') === subresource;
}
