import type { ApiObject } from '../seam.ts';

/** Bytes kept in one of the two halves of the cache. */
const HALF = 32 * 1024 * 1024;

let young = new Map<ApiObject, Buffer>();
let old = new Map<ApiObject, Buffer>();
let youngBytes = 0;

/**
 * A stored object as JSON. Each version of an object is made into bytes once: its writer's answer, lists and all who watch
 * share them. What is used least is forgotten; an object that is not frozen may change, so it is made anew each time.
 */
export function jsonBytes(object: ApiObject): Buffer {
  const recent = young.get(object);
  if (recent) return recent;
  const bytes = old.get(object) ?? Buffer.from(JSON.stringify(object));
  if (Object.isFrozen(object)) keep(object, bytes);
  return bytes;
}

function keep(object: ApiObject, bytes: Buffer): void {
  if (youngBytes + bytes.length > HALF) {
    old = young;
    young = new Map();
    youngBytes = 0;
  }
  young.set(object, bytes);
  youngBytes += bytes.length;
}
