import { isObject, type JsonObject } from './patches.ts';

/**
 * The same data as `next`, with the very parts of `old` wherever the two agree: `old` itself when they agree in all, `next`
 * itself when they agree in none.
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
  let [copy, isSame, count]: [JsonObject | undefined, boolean, number] = [undefined, true, 0];
  // Not of Object.keys, and no copy unless it is needed: every write comes here twice.
  for (const key in next) {
    const part = shared(next[key], old[key]);
    if (part !== next[key]) {
      copy ??= { ...next };
      copy[key] = part;
    }
    isSame &&= part !== undefined && part === old[key];
    count++;
  }
  if (isSame) for (const _ in old) count--;
  return isSame && count === 0 ? old : (copy ?? next);
}

function sharedList(next: readonly unknown[], old: readonly unknown[]): readonly unknown[] {
  let [copy, isSame]: [unknown[] | undefined, boolean] = [undefined, next.length === old.length];
  for (let index = 0; index < next.length; index++) {
    const part = shared(next[index], old[index]);
    if (part !== next[index]) {
      copy ??= next.slice();
      copy[index] = part;
    }
    isSame &&= part === old[index];
  }
  return isSame ? old : (copy ?? next);
}
