import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import type { Attributes, ResourceAttributes } from './attributes.ts';

/** Whether one rule of a role allows the request; rules only ever allow. */
export function ruleAllows(rule: PolicyRule, { verb, resource, path }: Attributes): boolean {
  if (!allows(rule.verbs, verb)) return false;
  return resource ? allowsResource(rule, resource) : allowsPath(rule.nonResourceURLs, path);
}

function allowsResource({ apiGroups, resources, resourceNames }: PolicyRule, asked: ResourceAttributes): boolean {
  if (!allows(apiGroups, asked.group) || !includesResource(resources, asked)) return false;
  return !resourceNames?.length || resourceNames.includes(asked.name);
}

function allows(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes(value) || list.includes('*'));
}

/** `pods`, `pods/log`, `*` for everything, and a star, slash and `scale` for one subresource of everything. */
function includesResource(list: readonly string[] | undefined, { resource, subresource }: ResourceAttributes): boolean {
  if (!list) return false;
  if (subresource === '') return allows(list, resource);
  return allows(list, `${resource}/${subresource}`) || list.includes(`*/${subresource}`);
}

/** Exactly, or up to a `*` at the end. */
export function allowsPath(list: readonly string[] | undefined, path: string): boolean {
  return list?.some((url) => (url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : url === path)) ?? false;
}

/**
 * The parts of `wanted`, each of one verb, group, resource and name (or one path), that no rule in `owned` covers.
 * Empty when who has `owned` may hand out `wanted`.
 */
export function missingRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap(singleRules).filter((single) => !owned.some((rule) => covers(rule, single)));
}

function singleRules({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): PolicyRule[] {
  const found: PolicyRule[] = [];
  for (const verb of verbs ?? []) {
    for (const url of nonResourceURLs ?? []) found.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of apiGroups ?? []) {
      for (const resource of resources ?? []) {
        const base = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (!resourceNames?.length) found.push(base);
        for (const name of resourceNames ?? []) found.push({ ...base, resourceNames: [name] });
      }
    }
  }
  return found;
}

function covers(
  rule: PolicyRule,
  { verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule,
): boolean {
  if (!allows(rule.verbs, verbs[0] ?? '')) return false;
  const [url] = nonResourceURLs ?? [];
  if (url !== undefined) return allowsPath(rule.nonResourceURLs, url);
  if (!allows(rule.apiGroups, apiGroups?.[0] ?? '')) return false;
  const [resource = '', subresource = ''] = (resources?.[0] ?? '').split('/');
  if (!includesResource(rule.resources, { resource, subresource } as ResourceAttributes)) return false;
  const [name] = resourceNames ?? [];
  return !rule.resourceNames?.length || (name !== undefined && rule.resourceNames.includes(name));
}

/** One line per group, resource and name with all its verbs, in the words of the Kubernetes API server, sorted. */
export function describeRules(singles: readonly PolicyRule[]): readonly string[] {
  const byTarget = new Map<string, PolicyRule>();
  for (const { verbs, ...target } of singles) {
    const key = JSON.stringify(target);
    byTarget.set(key, { ...target, verbs: [...(byTarget.get(key)?.verbs ?? []), ...verbs] });
  }
  return [...byTarget.values()].map(ruleText).sort();
}

function ruleText(rule: PolicyRule): string {
  const { apiGroups, resources, nonResourceURLs, resourceNames, verbs } = rule;
  const parts: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ];
  const texts = parts.filter(([, list]) => list?.length).map(([name, list = []]) => `${name}:${quoted(list)}`);
  return `{${texts.join(', ')}}`;
}

/** `["a" "b"]`. */
export function quoted(list: readonly string[]): string {
  return `[${list.map((item) => JSON.stringify(item)).join(' ')}]`;
}
