import type { Kind } from '@podwire/kube';
import type { ApiObject, Schema } from '../seam.ts';
import { appliedObject } from './applied-object.ts';
import { applyPatch } from './apply-patch.ts';
import { timestamp } from './lifecycle.ts';
import { isObject, type JsonObject, jsonPatch, mergePatch } from './patches.ts';
import { badRequest, failure, qualifiedKind } from './status.ts';
import { strategicPatch } from './strategic-patch.ts';

export type PatchType = 'merge' | 'strategic' | 'json' | 'apply';

export interface Patch {
  readonly type: PatchType;
  readonly body: unknown;
  /** Of an apply: who it is by. */
  readonly fieldManager?: string | undefined;
  /** Of an apply: takes over fields of others. */
  readonly force?: boolean | undefined;
  readonly subresource?: string | undefined;
}

/** The stored object with the patch applied; `old` is undefined only for an apply that creates. */
export function patchObject(kind: Kind, old: ApiObject | undefined, patch: Patch, schema: Schema): ApiObject {
  const result = patched(kind, old, patch, schema);
  if (!isObject(result) || !isObject(result.metadata)) throw badRequest('the patch leaves no object with metadata');
  if (old && (result.metadata as { name?: string }).name !== old.metadata.name) {
    const why = `metadata.name: Invalid value: ${JSON.stringify((result.metadata as { name?: string }).name ?? '')}: field is immutable`;
    throw failure(422, 'Invalid', `${qualifiedKind(kind)} ${JSON.stringify(old.metadata.name)} is invalid: ${why}`);
  }
  return { ...result, apiVersion: old?.apiVersion ?? kind.apiVersion, kind: kind.kind } as unknown as ApiObject;
}

function patched(kind: Kind, old: ApiObject | undefined, patch: Patch, schema: Schema): unknown {
  const { type, body } = patch;
  const ruleAt = (path: readonly string[]) => schema.mergeRule(kind, path);
  switch (type) {
    case 'json':
      return jsonPatch(old, body);
    case 'merge':
      if (!isObject(body)) throw badRequest('error decoding patch: the body is not an object');
      return mergePatch(old, body);
    case 'strategic':
      return strategicPatch(old, body, ruleAt);
    case 'apply': {
      const { fieldManager: manager = '', force = false, subresource } = patch;
      const applied = appliedObject(kind, { body, schema, subresource });
      const owner = { manager, operation: 'Apply', apiVersion: kind.apiVersion, subresource } as const;
      return applyPatch(old as unknown as JsonObject | undefined, applied, { owner, force, ruleAt, now: timestamp() });
    }
  }
}
