import { messageOf, PodwireError } from '@podwire/base';
import type { Status } from 'kubernetes-types/meta/v1.js';
import type { DeleteOptions, KubeClient, ListOptions, ObjectKey, PatchOptions, WatchEvent } from './client.ts';
import { statusError } from './errors.ts';
import { type Answer, type Endpoint, type Exchange, H2Connection } from './h2-connection.ts';
import { type KindName, kindNamed, type Namespace, type ObjectOf } from './kinds.ts';
import { LineSplitter } from './line-splitter.ts';

/** Where the API server is, and as whom to speak; a unix socket needs no credentials. */
export type KubeClientOptions = Endpoint;

/** The API over HTTP/2: one connection for everything. Connects at the first request and again after a loss. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  return new HttpClient(new H2Connection(options));
}

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** Servers send a bookmark at least every minute; a watch silent for longer than this, in ms, is dead. */
const WATCH_SILENCE = 150_000;

type Query = Readonly<Record<string, string | undefined>>;

class HttpClient implements KubeClient {
  readonly #connection: H2Connection;
  readonly #closed = new AbortController();

  constructor(connection: H2Connection) {
    this.#connection = connection;
  }

  async get<K extends KindName>(kind: K, key: ObjectKey): Promise<ObjectOf<K> | undefined> {
    try {
      return (await this.#call({ method: 'GET', path: pathOf(kind, key) })) as ObjectOf<K>;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async list<K extends KindName>(
    kind: K,
    options: ListOptions = {},
  ): Promise<{ items: ObjectOf<K>[]; resourceVersion: string }> {
    const path = pathOf(kind, { ...options, name: '' }) + queryOf(selection(options));
    const { items, metadata } = (await this.#call({ method: 'GET', path })) as ListBody<K>;
    const { apiVersion } = kindNamed(kind);
    // Servers leave the type out of list items.
    for (const item of items ?? []) Object.assign(item, { apiVersion, kind });
    return { items: items ?? [], resourceVersion: metadata?.resourceVersion ?? '' };
  }

  async create<K extends KindName>(kind: K, object: ObjectOf<K>): Promise<ObjectOf<K>> {
    const path = pathOf(kind, { ...placeOf(kind, object), name: '' });
    return (await this.#call({ method: 'POST', path, ...json(kind, object) })) as ObjectOf<K>;
  }

  async update<K extends KindName>(kind: K, object: ObjectOf<K>, subresource?: 'status'): Promise<ObjectOf<K>> {
    const path = pathOf(kind, placeOf(kind, object), subresource);
    return (await this.#call({ method: 'PUT', path, ...json(kind, object) })) as ObjectOf<K>;
  }

  async patch<K extends KindName>(
    kind: K,
    key: ObjectKey,
    patch: unknown,
    options: PatchOptions = {},
  ): Promise<ObjectOf<K>> {
    const { type = 'merge', subresource, fieldManager, force } = options;
    const manager = fieldManager ?? (type === 'apply' ? 'podwire' : undefined);
    const query = queryOf({ fieldManager: manager, force: force ? 'true' : undefined });
    const path = pathOf(kind, key, subresource) + query;
    const answer = await this.#call({
      method: 'PATCH',
      path,
      contentType: PATCH_TYPES[type],
      body: JSON.stringify(patch),
    });
    if (subresource !== 'scale') return answer as ObjectOf<K>;
    return (await this.#call({ method: 'GET', path: pathOf(kind, key) })) as ObjectOf<K>;
  }

  async delete(kind: KindName, key: ObjectKey, options: DeleteOptions = {}): Promise<boolean> {
    const { uid, ...rest } = options;
    const body = JSON.stringify({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...rest,
      ...(uid ? { preconditions: { uid } } : {}),
    });
    try {
      await this.#call({ method: 'DELETE', path: pathOf(kind, key), contentType: 'application/json', body });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async bind(pod: ObjectKey, nodeName: string): Promise<void> {
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: pod,
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    const path = pathOf('Pod', pod, 'binding');
    await this.#call({ method: 'POST', path, contentType: 'application/json', body: JSON.stringify(binding) });
  }

  async finalizeNamespace(namespace: Namespace): Promise<void> {
    const path = pathOf('Namespace', { name: namespace.metadata?.name ?? '' }, 'finalize');
    await this.#call({ method: 'PUT', path, ...json('Namespace', namespace) });
  }

  async watch<K extends KindName>(
    kind: K,
    options: ListOptions & { readonly resourceVersion: string; readonly signal?: AbortSignal },
    onEvent: (event: WatchEvent<ObjectOf<K>>) => void,
  ): Promise<void> {
    const timeoutSeconds = String(300 + Math.floor(Math.random() * 300));
    const query = {
      ...selection(options),
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      timeoutSeconds,
    };
    const path = pathOf(kind, { ...options, name: '' }) + queryOf(query);
    const lines = new LineSplitter((line) => {
      const event = JSON.parse(line) as WatchEvent<ObjectOf<K>> | { readonly type: 'ERROR'; readonly object: Status };
      if (event.type === 'ERROR') throw statusError(event.object);
      onEvent(event);
    });
    const signal = options.signal ? AbortSignal.any([options.signal, this.#closed.signal]) : this.#closed.signal;
    const onChunk = (chunk: Buffer) => lines.push(chunk);
    const answer = await this.#connection.stream({ method: 'GET', path }, { onChunk, signal, idle: WATCH_SILENCE });
    if (answer.status !== 200 && !signal.aborted) throw failureOf(answer);
  }

  close(): void {
    this.#closed.abort();
    this.#connection.close();
  }

  async #call(exchange: Exchange): Promise<unknown> {
    const answer = await this.#connection.request(exchange);
    if (answer.status >= 400) throw failureOf(answer);
    return parsed(answer);
  }
}

interface ListBody<K extends KindName> {
  readonly items?: ObjectOf<K>[] | null;
  readonly metadata?: { readonly resourceVersion?: string };
}

function pathOf(kind: KindName, { namespace, name }: ObjectKey, subresource?: string): string {
  const { group, apiVersion, plural, namespaced } = kindNamed(kind);
  // Of a namespaced kind one object is always in a namespace; a list may be of all.
  const inside = namespaced ? (namespace ?? (name ? 'default' : undefined)) : undefined;
  const segments = [
    group ? 'apis' : 'api',
    ...apiVersion.split('/'),
    ...(inside ? ['namespaces', inside] : []),
    plural,
  ];
  return ['', ...segments, ...(name ? [name] : []), ...(subresource ? [subresource] : [])]
    .map(encodeURIComponent)
    .join('/');
}

function placeOf<K extends KindName>(kind: K, { metadata }: ObjectOf<K>): ObjectKey {
  const name = metadata?.name ?? '';
  return kindNamed(kind).namespaced ? { namespace: metadata?.namespace ?? 'default', name } : { name };
}

function json<K extends KindName>(kind: K, object: ObjectOf<K>): { contentType: string; body: string } {
  const body = JSON.stringify({ ...object, apiVersion: kindNamed(kind).apiVersion, kind });
  return { contentType: 'application/json', body };
}

function selection({ labelSelector, fieldSelector }: ListOptions): Query {
  return { labelSelector, fieldSelector };
}

function queryOf(query: Query): string {
  const pairs = Object.entries(query).flatMap(([key, value]) => (value ? [`${key}=${encodeURIComponent(value)}`] : []));
  return pairs.length > 0 ? `?${pairs.join('&')}` : '';
}

function parsed({ status, body }: Answer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    const why = `the API server answered ${status} with a body that is not JSON: ${messageOf(cause)}`;
    throw new PodwireError('KUBE_API', why, { cause });
  }
}

function failureOf(answer: Answer): PodwireError {
  const text = answer.body.toString('utf8');
  const fallback: Status = {
    kind: 'Status',
    status: 'Failure',
    code: answer.status,
    message: text.slice(0, 200).trim() || `HTTP status ${answer.status}`,
  };
  try {
    const body = JSON.parse(text) as Status;
    return statusError(body.kind === 'Status' ? body : fallback);
  } catch {
    return statusError(fallback);
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof PodwireError && error.code === 'KUBE_NOT_FOUND';
}
