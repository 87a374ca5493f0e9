import { Readable } from 'node:stream';
import { statusOf } from '@podwire/kube';
import type { ApiObject, ApiResponse, Surface } from '../seam.ts';
import type { ResourcePath } from './request-path.ts';
import type { Matcher } from './selectors.ts';
import { tooOld } from './status.ts';
import type { Store, StoreEvent } from './store.ts';
import { selectEvent } from './watch.ts';

export interface WatchOptions {
  readonly path: ResourcePath;
  readonly matcher: Matcher | undefined;
  readonly query: URLSearchParams;
  /** The Table renderer when the client wants Tables, with what each row carries. */
  readonly table: { readonly surface: Surface; readonly includeObject: 'Metadata' | 'Object' | 'None' } | undefined;
  /** To the version the client asked for. */
  readonly convert: (object: ApiObject) => ApiObject;
  readonly signal: AbortSignal;
}

const BOOKMARK_INTERVAL = 10_000;
const DEFAULT_TIMEOUT = 30 * 60;
/** A reader this far behind, in bytes, is let go: it lists again. */
const MAX_BACKLOG = 32 * 1024 * 1024;

/** Bytes of the newest event: all watchers of a kind get it one after the other, most of them in the same form. */
let newest: { object: ApiObject; type: string; line: Buffer } | undefined;

function plainLine(type: string, object: ApiObject): Buffer {
  if (newest?.object === object && newest.type === type) return newest.line;
  const line = Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`);
  newest = { object, type, line };
  return line;
}

/** The endless answer to a watch: one JSON line per event. */
export class WatchResponse {
  readonly #store: Store;
  readonly #options: WatchOptions;
  readonly #stream = new Readable({ read: () => {} });
  #unsubscribe: (() => void) | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #columnsSent = false;
  /** Bytes of the state sent at the beginning, which nobody could read yet. */
  #initialBytes = 0;
  #ended = false;

  constructor(store: Store, options: WatchOptions) {
    this.#store = store;
    this.#options = options;
  }

  start(): ApiResponse {
    const { signal } = this.#options;
    this.#begin();
    const end = () => this.#end();
    this.#stream.once('close', end);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    return { status: 200, headers: { 'content-type': 'application/json' }, stream: this.#stream };
  }

  #begin(): void {
    const { path, matcher, query } = this.#options;
    const asked = query.get('resourceVersion');
    const store = this.#store;
    const withState = !asked || asked === '0' || query.get('sendInitialEvents') === 'true';
    if (withState) {
      for (const object of store.list(path.kind.id)) if (!matcher || matcher(object)) this.#send('ADDED', object);
    }
    if (query.get('sendInitialEvents') === 'true') this.#bookmark({ 'k8s.io/initial-events-end': 'true' });
    this.#initialBytes = this.#stream.readableLength;
    const since = withState ? store.revision : Number(asked);
    this.#unsubscribe = store.watch(path.kind.id, since, (event) => this.#take(event));
    if (!this.#unsubscribe) {
      this.#refuse(asked ?? '0');
      return;
    }
    if (this.#ended) {
      this.#unsubscribe();
      return;
    }
    const seconds = Number(query.get('timeoutSeconds')) || DEFAULT_TIMEOUT * (1 + Math.random());
    this.#timers.push(setTimeout(() => this.#end(), Math.min(seconds, 86_400) * 1000));
    if (query.get('allowWatchBookmarks') === 'true' || query.get('allowWatchBookmarks') === '1') {
      this.#timers.push(setInterval(() => this.#bookmark(), BOOKMARK_INTERVAL));
    }
  }

  #refuse(asked: string): void {
    const status = statusOf(tooOld(asked, this.#store.oldestRevision(this.#options.path.kind.id)));
    this.#stream.push(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    this.#stream.push(null);
  }

  #take(event: StoreEvent): void {
    if (this.#ended) return;
    try {
      const selected = selectEvent(event, this.#options.matcher);
      if (selected) this.#send(selected.type, selected.object);
    } catch (error) {
      this.#cut();
      throw error;
    }
    if (this.#stream.readableLength > MAX_BACKLOG + this.#initialBytes) this.#cut();
  }

  #send(type: string, object: ApiObject): void {
    const { table, path, convert } = this.#options;
    if (table) {
      const { resourceVersion = '' } = object.metadata;
      const options = {
        includeObject: table.includeObject,
        columns: !this.#columnsSent,
        listMeta: { resourceVersion },
        apiVersion: path.apiVersion,
      };
      this.#columnsSent = true;
      this.#stream.push(`${JSON.stringify({ type, object: table.surface.table(path.kind, [object], options) })}\n`);
    } else {
      const isStored = path.apiVersion === path.kind.apiVersion && object.apiVersion === path.apiVersion;
      this.#stream.push(isStored ? plainLine(type, object) : `${JSON.stringify({ type, object: convert(object) })}\n`);
    }
  }

  /** Tells how far the watch has come; Table readers do not expect one. */
  #bookmark(annotations?: Record<string, string>): void {
    const { path, table } = this.#options;
    if (table) return;
    const metadata = {
      resourceVersion: String(this.#store.revision),
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    };
    const object = { kind: path.kind.kind, apiVersion: path.apiVersion, metadata };
    this.#stream.push(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  /** Ends at once and lets go of what was not read. */
  #cut(): void {
    this.#end();
    this.#stream.destroy();
  }

  #end(): void {
    this.#ended = true;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    if (!this.#stream.readableEnded && !this.#stream.destroyed) this.#stream.push(null);
  }
}
