import type { MergeRule } from '../seam.ts';
import { isObject, type JsonObject } from './patches.ts';

/** Of the keys of lists only `protocol` has a default; an item without it is the same as one with it. */
const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { protocol: 'TCP' };

/** How server-side apply names an item of a list (`k:{"name":"a"}`, `v:"a"`); undefined when the list is atomic. */
export function itemElement(item: unknown, rule: MergeRule | undefined): string | undefined {
  const keys = mapKeysOf(rule);
  if (keys) {
    if (!isObject(item)) return undefined;
    const named: JsonObject = {};
    for (const key of keys.length > 1 ? keys.toSorted() : keys) named[key] = item[key] ?? KEY_DEFAULTS[key];
    return `k:${JSON.stringify(named)}`;
  }
  return isSet(rule) ? `v:${JSON.stringify(item)}` : undefined;
}

/** The items by their elements, in order; undefined when the list is atomic or not what its rule says. */
export function itemsByElement(
  list: readonly unknown[],
  rule: MergeRule | undefined,
): Map<string, unknown> | undefined {
  if (!mapKeysOf(rule) && !isSet(rule)) return undefined;
  const items = new Map<string, unknown>();
  for (const item of list) {
    const element = itemElement(item, rule);
    if (element === undefined) return undefined;
    items.set(element, item);
  }
  return items;
}

export function mapKeysOf(rule: MergeRule | undefined): readonly string[] | undefined {
  if (rule?.listType === 'atomic' || rule?.listType === 'set') return undefined;
  if (rule?.listType === 'map' && rule.listMapKeys?.length) return rule.listMapKeys;
  return rule?.patchStrategy.includes('merge') && rule.patchMergeKey ? [rule.patchMergeKey] : undefined;
}

function isSet(rule: MergeRule | undefined): boolean {
  if (rule?.listType !== undefined) return rule.listType === 'set';
  return Boolean(rule?.patchStrategy.includes('merge') && !rule.patchMergeKey);
}
