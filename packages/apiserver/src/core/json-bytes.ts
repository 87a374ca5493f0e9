import type { ApiObject } from '../seam.ts';
import { JsonSlabs } from './json-slabs.ts';

/** Slabs, of 1 MiB, in one of the two halves of the cache. */
const HALF = 32;

let young = new JsonSlabs(HALF);
let old = new JsonSlabs(HALF);

/**
 * A stored object as JSON. Each version of an object is made into bytes once: its writer's answer, lists and all who watch
 * share them. What is used least is forgotten; an object that is not frozen may change, so it is made anew each time.
 *
 * The bytes are the caller's until it gives up its turn of the event loop: later ones take their place, some 32 MiB of others
 * from now at the earliest. Who needs them for longer makes a copy.
 */
export function jsonBytes(object: ApiObject): Buffer {
  const recent = young.get(object);
  if (recent) return recent;
  const known = old.get(object);
  if (known) return kept(object, known);
  const text = JSON.stringify(object);
  return Object.isFrozen(object) && JsonSlabs.fits(text) ? kept(object, text) : Buffer.from(text);
}

function kept(object: ApiObject, text: string | Buffer): Buffer {
  const place = young.add(object, text);
  if (place) return place;
  [young, old] = [old, young];
  young.clear();
  return young.add(object, text) ?? Buffer.from(text);
}
