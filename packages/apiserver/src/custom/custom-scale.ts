import type { ApiObject } from '../seam.ts';
import type { ScalePaths } from './definition/definition.ts';
import { parseJsonPath } from './json-path.ts';
import { isObject, type JsonObject } from './json-schema.ts';

/** What a custom resource has that a Scale shows, where a workload would have it. */
export function customScale(object: ApiObject, paths: ScalePaths): object {
  const at = (path: string | undefined): unknown => (path ? parseJsonPath(path)?.(object)[0] : undefined);
  return {
    spec: { replicas: at(paths.specReplicasPath) },
    status: { replicas: at(paths.statusReplicasPath), selector: at(paths.labelSelectorPath) },
  };
}

/** The object with another number at the path of its replicas. */
export function withCustomReplicas(object: ApiObject, { specReplicasPath }: ScalePaths, replicas: number): ApiObject {
  const names = specReplicasPath.split('.').slice(1);
  return withValue(object as unknown as JsonObject, names, replicas) as unknown as ApiObject;
}

function withValue(object: JsonObject, [name = '', ...rest]: readonly string[], value: unknown): JsonObject {
  const below = object[name];
  return { ...object, [name]: rest.length === 0 ? value : withValue(isObject(below) ? below : {}, rest, value) };
}
