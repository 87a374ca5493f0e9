import { cloneJson } from '@podwire/kube';
import type { MergeRule } from '../seam.ts';
import { isObject, type JsonObject } from './patches.ts';
import { badRequest } from './status.ts';

/** What the schema says about the list or map at a path of field names. */
export type RuleAt = (path: readonly string[]) => MergeRule | undefined;
type Path = readonly string[];

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';
const SET_ORDER = '$setElementOrder/';

/**
 * Kubernetes' strategic merge patch: as a merge patch, but lists with a merge key are merged by it, and the directives
 * $patch, $retainKeys, $deleteFromPrimitiveList and $setElementOrder are obeyed. Neither argument is changed.
 */
export function strategicPatch(target: unknown, patch: unknown, ruleAt: RuleAt): unknown {
  return mergeObject(isObject(target) ? target : {}, expectObject(patch, []), { ruleAt, path: [] });
}

interface Place {
  readonly ruleAt: RuleAt;
  readonly path: Path;
}

const below = ({ ruleAt, path }: Place, field: string): Place => ({ ruleAt, path: [...path, field] });

function expectObject(value: unknown, path: Path): JsonObject {
  if (!isObject(value))
    throw badRequest(`unable to apply strategic merge patch: ${path.join('.') || 'the patch'} is not an object`);
  return value;
}

function mergeObject(target: JsonObject, patch: JsonObject, place: Place): JsonObject {
  if (patch[DIRECTIVE] === 'replace') return clean(omit(patch, [DIRECTIVE])) as JsonObject;
  if (patch[DIRECTIVE] === 'delete') return {};
  let result: JsonObject = { ...target };
  const retained = patch[RETAIN_KEYS];
  if (Array.isArray(retained)) {
    result = Object.fromEntries(Object.entries(result).filter(([key]) => retained.includes(key)));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(SET_ORDER)) continue;
    if (key.startsWith(DELETE_PRIMITIVES)) {
      deletePrimitives(result, key.slice(DELETE_PRIMITIVES.length), value);
      continue;
    }
    const merged = mergeField(result[key], value, { place: below(place, key), order: patch[SET_ORDER + key] });
    if (merged === undefined) delete result[key];
    else result[key] = merged;
  }
  orderUntouched(result, patch, place);
  return result;
}

/** A list may be put in order without being patched otherwise. */
function orderUntouched(result: JsonObject, patch: JsonObject, place: Place): void {
  for (const [key, order] of Object.entries(patch)) {
    const field = key.startsWith(SET_ORDER) ? key.slice(SET_ORDER.length) : undefined;
    const list = field !== undefined && patch[field] === undefined ? result[field] : undefined;
    if (field === undefined || !Array.isArray(list) || !Array.isArray(order)) continue;
    const ordered = { merged: list, order, server: list };
    result[field] = inOrder(ordered, place.ruleAt([...place.path, field])?.patchMergeKey);
  }
}

function deletePrimitives(result: JsonObject, field: string, values: unknown): void {
  const list = result[field];
  if (!Array.isArray(list) || !Array.isArray(values)) return;
  const deleted = new Set(values.map(textOf));
  result[field] = list.filter((value) => !deleted.has(textOf(value)));
}

/** What is the same has the same: items of sets and values of keys are no objects. */
const textOf = (value: unknown): string => JSON.stringify(value) ?? '';

function mergeField(target: unknown, patch: unknown, { place, order }: { place: Place; order: unknown }): unknown {
  if (patch === null) return undefined;
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, { place, order });
  if (!isObject(patch)) return patch;
  if (patch[DIRECTIVE] === 'delete') return undefined;
  if (place.ruleAt(place.path)?.patchStrategy.includes('replace')) return clean(patch);
  return mergeObject(isObject(target) ? target : {}, patch, place);
}

interface ListPlace {
  readonly place: Place;
  readonly order: unknown;
}

interface Ordered {
  readonly merged: readonly unknown[];
  readonly order: readonly unknown[];
  readonly server: readonly unknown[];
}

function mergeList(target: readonly unknown[], patch: readonly unknown[], { place, order }: ListPlace): unknown {
  const rule = place.ruleAt(place.path);
  if (!rule?.patchStrategy.includes('merge')) return clean(patch.filter((item) => !isDirective(item, 'replace')));
  const key = rule.patchMergeKey;
  const isReplaced = key !== undefined && patch.some((item) => isOnlyReplace(item));
  // An item that only says {$patch: replace} makes the whole list the patch's.
  if (isReplaced) return clean(patch.filter((item) => !isDirective(item, 'replace')));
  const merged = key === undefined ? mergeSet(target, patch) : mergeByKey(target, patch, { key, place });
  return inOrder({ merged, order: Array.isArray(order) ? order : patch, server: target }, key);
}

function isDirective(item: unknown, directive: string): boolean {
  return isObject(item) && item[DIRECTIVE] === directive;
}

function isOnlyReplace(item: unknown): boolean {
  return isDirective(item, 'replace') && Object.keys(item as JsonObject).length === 1;
}

function mergeSet(target: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const present = new Set(target.map(textOf));
  return [...target, ...patch.filter((value) => !present.has(textOf(value)))];
}

function mergeByKey(
  target: readonly unknown[],
  patch: readonly unknown[],
  { key, place }: { key: string; place: Place },
): unknown[] {
  const result: unknown[] = [...target];
  const deleted = new Set<number>();
  const places = new Map<string, number>();
  for (let at = target.length - 1; at >= 0; at--) {
    const present = target[at];
    if (isObject(present)) places.set(textOf(present[key]), at);
  }
  for (const raw of patch) {
    const item = expectObject(raw, place.path);
    if (item[key] === undefined) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    }
    const text = textOf(item[key]);
    const at = places.get(text);
    if (item[DIRECTIVE] === 'delete') {
      if (at !== undefined) deleted.add(at);
      places.delete(text);
    } else if (at === undefined) {
      places.set(text, result.push(mergeObject({}, item, place)) - 1);
    } else {
      result[at] = mergeObject(result[at] as JsonObject, item, place);
    }
  }
  return result.filter((_, at) => !deleted.has(at));
}

/**
 * Kubernetes' order: listed items as they are listed, the server's other items in the server's order; one of these comes
 * before a listed item only if the server has that, too, and has it later.
 */
function inOrder({ merged, order, server }: Ordered, key: string | undefined): unknown[] {
  const identity = (item: unknown) => textOf(key !== undefined && isObject(item) ? item[key] : item);
  const ranks = (items: readonly unknown[]) => new Map(items.map((item, at) => [identity(item), at]));
  const rank = ranks(order);
  const place = ranks(server);
  const by = (known: ReadonlyMap<string, number>) => (a: unknown, b: unknown) =>
    (known.get(identity(a)) ?? 0) - (known.get(identity(b)) ?? 0);
  const listed = merged.filter((item) => rank.has(identity(item))).sort(by(rank));
  const others = merged.filter((item) => !rank.has(identity(item))).sort(by(place));
  const result: unknown[] = [];
  let passed = 0;
  for (const item of listed) {
    const own = place.get(identity(item));
    while (own !== undefined && passed < others.length && (place.get(identity(others[passed])) ?? 0) < own)
      result.push(others[passed++]);
    result.push(item);
  }
  return [...result, ...others.slice(passed)];
}

function omit(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** A patch value taken as it is: without directives and nulls. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isDirective(item, 'delete')).map(clean);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key, member]) => !key.startsWith('$') && member !== null);
  return cloneJson(Object.fromEntries(kept.map(([key, member]) => [key, clean(member)])));
}
