import { cloneJson, type Kind } from '@podwire/kube';
import type { ApiObject, Schema } from '../seam.ts';
import { applyPatch } from './apply-patch.ts';
import { timestamp } from './lifecycle.ts';
import { isObject, type JsonObject, jsonPatch, mergePatch } from './patches.ts';
import { badRequest, failure } from './status.ts';
import { strategicPatch } from './strategic-patch.ts';

export type PatchType = 'merge' | 'strategic' | 'json' | 'apply';

export interface Patch {
  readonly type: PatchType;
  readonly body: unknown;
  readonly fieldManager?: string | undefined;
}

/** The stored object with the patch applied; `old` is undefined only for an apply that creates. */
export function patchObject(kind: Kind, old: ApiObject | undefined, patch: Patch, schema: Schema): ApiObject {
  const result = patched(kind, old, patch, schema);
  if (!isObject(result) || !isObject(result.metadata)) throw badRequest('the patch leaves no object with metadata');
  if (old && (result.metadata as { name?: string }).name !== old.metadata.name) {
    const why = `metadata.name: Invalid value: ${JSON.stringify((result.metadata as { name?: string }).name ?? '')}: field is immutable`;
    throw failure(422, 'Invalid', `${kind.kind} ${JSON.stringify(old.metadata.name)} is invalid: ${why}`);
  }
  return { ...result, apiVersion: old?.apiVersion ?? kind.apiVersion, kind: kind.kind } as unknown as ApiObject;
}

function patched(kind: Kind, old: ApiObject | undefined, { type, body, fieldManager }: Patch, schema: Schema): unknown {
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
      const applied = appliedObject(kind, body, fieldManager);
      const options = { fieldManager: fieldManager ?? '', apiVersion: kind.apiVersion, ruleAt, now: timestamp() };
      return applyPatch(old as unknown as JsonObject | undefined, applied, options);
    }
  }
}

function appliedObject(kind: Kind, body: unknown, fieldManager: string | undefined): JsonObject {
  if (!isObject(body)) throw badRequest('error decoding YAML: the body is not an object');
  if (!fieldManager) {
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  }
  if (body.kind !== kind.kind) throw badRequest(`invalid object type: ${body.apiVersion}, Kind=${body.kind}`);
  const metadata = isObject(body.metadata) ? body.metadata : {};
  if (Array.isArray(metadata.managedFields) && metadata.managedFields.length > 0) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const copy = cloneJson(body);
  return { ...copy, metadata: cloneJson(metadata) };
}
