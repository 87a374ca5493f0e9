import { isObject, type JsonObject } from './patches.ts';

/**
 * The same data as `next`, with the very parts of `old` wherever the two agree: `old` itself when they agree in all.
 * What did not change then needs no second look (a comparison by identity says so), no freezing and no memory.
 */
export function sharing<T>(next: T, old: unknown): T {
  return shared(next, old) as T;
}

function shared(next: unknown, old: unknown): unknown {
  if (next === old) return old;
  if (Array.isArray(next)) return Array.isArray(old) ? sharedList(next, old) : next;
  return isObject(next) && isObject(old) ? sharedObject(next, old) : next;
}

function sharedObject(next: JsonObject, old: JsonObject): JsonObject {
  const keys = Object.keys(next);
  const result: JsonObject = {};
  let differs = false;
  for (const key of keys) {
    const part = shared(next[key], old[key]);
    result[key] = part;
    differs ||= part === undefined || part !== old[key];
  }
  return differs || keys.length !== Object.keys(old).length ? result : old;
}

function sharedList(next: readonly unknown[], old: readonly unknown[]): readonly unknown[] {
  const result = next.map((item, index) => shared(item, old[index]));
  return result.length === old.length && result.every((item, index) => item === old[index]) ? old : result;
}
