import { isObject, jsonPatch } from '../../core/patches.ts';
import type { ApiObject } from '../../seam.ts';

/**
 * An object after a JSON patch of who has a say in it. Throws what jsonPatch() does, and where nothing is left that could be
 * written: options of a connection have no metadata, all else has.
 */
export function patchedObject(object: ApiObject, operations: unknown): ApiObject {
  const patched = jsonPatch(object, operations);
  if (!isObject(patched)) throw new TypeError('the patch leaves no object');
  if (object.metadata && !isObject(patched.metadata))
    throw new TypeError('the patch leaves an object without metadata');
  return patched as ApiObject;
}
