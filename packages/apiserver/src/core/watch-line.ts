import type { ApiObject, Surface } from '../seam.ts';
import { jsonBytes } from './json-bytes.ts';
import type { ResourcePath } from './request-path.ts';

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** How a client wants to see events. */
export interface WatchForm {
  readonly path: ResourcePath;
  /** The Table renderer when the client wants Tables, with what each row carries. */
  readonly table: { readonly surface: Surface; readonly includeObject: 'Metadata' | 'Object' | 'None' } | undefined;
  /** The version and the detail the client asked for; the object itself when that is what is stored. */
  readonly convert: (object: ApiObject) => ApiObject;
}

const HEAD: Readonly<Record<EventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};
const END = Buffer.from('}\n');

/** An event as its line of JSON, in pieces that watchers share. */
export function eventLine(type: EventType, object: ApiObject, form: WatchForm, isFirst: boolean): readonly Buffer[] {
  const { table, path, convert } = form;
  if (!table) return [HEAD[type], jsonBytes(convert(object)), END];
  const { resourceVersion = '' } = object.metadata;
  const { includeObject, surface } = table;
  const options = { includeObject, columns: isFirst, listMeta: { resourceVersion }, apiVersion: path.apiVersion };
  return [HEAD[type], Buffer.from(JSON.stringify(surface.table(path.kind, [object], options))), END];
}

/** Tells how far the watch has come; empty for readers of Tables, who expect none. */
export function bookmarkLine(revision: number, { path, table }: WatchForm, isInitialEnd: boolean): readonly Buffer[] {
  if (table) return [];
  const annotations = isInitialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...annotations };
  const object = { kind: path.kind.kind, apiVersion: path.apiVersion, metadata };
  return [Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)];
}

export function errorLine(status: object | undefined): readonly Buffer[] {
  return [Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)];
}
