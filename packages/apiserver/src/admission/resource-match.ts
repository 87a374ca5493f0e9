import { type LabelSelector, type Labels, selectorMatches } from '@podwire/base';
import type { ApiObject } from '../seam.ts';
import { type Attempt, placeOf, versionOf } from './attempt.ts';

/** RuleWithOperations and NamedRuleWithOperations of admissionregistration.k8s.io/v1. */
export interface ResourceRule {
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

/**
 * The version of its kind in which something is one of those: the one it was asked in, or unless they are Exact another
 * one; undefined for none. `namespace` is that of the object, absent for kinds without.
 */
export function matchedVersion(
  match: MatchResources,
  attempt: Attempt,
  namespace: ApiObject | undefined,
): string | undefined {
  const { resourceRules, excludeResourceRules = [], namespaceSelector = {}, objectSelector = {} } = match;
  const versions = match.matchPolicy === 'Exact' ? [askedVersion(attempt)] : versionsOf(attempt);
  const versionIn = (rules: readonly ResourceRule[]) =>
    versions.find((version) => rules.some((rule) => isOfRule(rule, attempt, version)));
  const version = resourceRules ? versionIn(resourceRules) : askedVersion(attempt);
  if (version === undefined || versionIn(excludeResourceRules) !== undefined) return undefined;
  if (!isSelected(objectSelector, attempt)) return undefined;
  const labels = namespaceLabels(attempt, namespace);
  return labels === undefined || selectorMatches(namespaceSelector, labels) ? version : undefined;
}

const askedVersion = ({ apiVersion, kind }: Attempt): string => apiVersion ?? kind.apiVersion;

function versionsOf(attempt: Attempt): readonly string[] {
  const { apiVersion, otherVersions } = attempt.kind;
  return [...new Set([askedVersion(attempt), apiVersion, ...otherVersions])];
}

/** By the labels of either object; what has none is not selected by any. */
function isSelected(selector: LabelSelector, { object, old }: Attempt): boolean {
  const objects = [object, old].filter((one) => one?.metadata !== undefined);
  if (objects.length === 0) return selectorMatches(selector, {});
  return objects.some((one) => selectorMatches(selector, one?.metadata.labels));
}

/** Of a namespace its own; undefined where there is none to look at. */
function namespaceLabels({ kind, object, old }: Attempt, namespace: ApiObject | undefined): Labels | undefined {
  if (kind.id === 'Namespace') return (object ?? old)?.metadata.labels ?? {};
  return kind.namespaced ? (namespace?.metadata.labels ?? {}) : undefined;
}

function isOfRule(rule: ResourceRule, attempt: Attempt, apiVersion: string): boolean {
  const { kind, subresource, operation } = attempt;
  const { apiGroups = [], apiVersions = [], operations = [], resources = [], resourceNames = [], scope = '*' } = rule;
  const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);
  const { group, version } = versionOf(apiVersion);
  return (
    has(operations, operation) &&
    has(apiGroups, group) &&
    has(apiVersions, version) &&
    resources.some((resource) => isResource(resource, kind.plural, subresource)) &&
    (resourceNames.length === 0 || resourceNames.includes(placeOf(attempt).name)) &&
    (scope === '*' || (scope === 'Namespaced') === kind.namespaced)
  );
}

/** `pods`, `pods/status`, `pods/*`, `*`, `*` + `/status` or all of all. */
function isResource(pattern: string, plural: string, subresource = ''): boolean {
  const [resource, below] = pattern.split('/');
  if (resource !== '*' && resource !== plural) return false;
  return below === '*' || (below ?? '') === subresource;
}
