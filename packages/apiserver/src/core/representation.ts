import type { ApiObject, ApiRequest, ApiResponse, Surface } from '../seam.ts';
import { fromStored } from './conversion.ts';
import { jsonBytes } from './json-bytes.ts';
import type { ResourcePath } from './request-path.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** What decides how objects are shown. */
export interface Shape {
  readonly request: ApiRequest;
  readonly path: ResourcePath;
}

/** An object as its reader wants it: as it is, without all but metadata, or as a Table. */
export function objectAnswer(
  status: number,
  object: ApiObject,
  shape: Shape,
  surface: Surface | undefined,
): ApiResponse {
  const includeObject = wantsTable(shape.request);
  if (!includeObject || !surface)
    return { status, headers: JSON_TYPE, body: Buffer.from(jsonBytes(shapeOf(object, shape))) };
  const { path } = shape;
  const listMeta = { resourceVersion: object.metadata.resourceVersion ?? '' };
  const options = { includeObject, columns: true, listMeta, apiVersion: path.apiVersion };
  return { status, body: surface.table(path.kind, [object], options) };
}

/** The object in the version and the amount of detail asked for. */
export function shapeOf(object: ApiObject, { request, path }: Shape): ApiObject {
  if (wantsMetadata(request))
    return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
  return fromStored(path.kind, object, path.apiVersion);
}

/** What the rows of a Table shall carry; undefined when no Table is wanted. The first offer decides. */
export function wantsTable({ headers, query }: ApiRequest): 'Metadata' | 'Object' | 'None' | undefined {
  if (!/^[^,]*;as=Table/.test(headers.accept ?? '')) return undefined;
  const asked = query.get('includeObject');
  return asked === 'Object' || asked === 'None' ? asked : 'Metadata';
}

export function wantsMetadata({ headers }: ApiRequest): boolean {
  return /^[^,]*;as=PartialObjectMetadata/.test(headers.accept ?? '');
}
