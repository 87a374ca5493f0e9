import type {
  CallOptions,
  DeleteOptions,
  KubeClient,
  ObjectKey,
  Page,
  PageOptions,
  PatchOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { Connection } from './connection/connection.ts';
import type { Endpoint } from './connection/endpoint.ts';
import { type KindName, kindNamed, type Namespace, type ObjectOf } from './kinds.ts';
import { RestClient, type Target } from './rest-client.ts';

/** Where the API server is, and as whom to speak; a unix socket needs no credentials. */
export type KubeClientOptions = Endpoint;

/** The API over HTTP/2: one connection for everything; HTTP/1.1 where the server has no other. Connects at the first request and again after a loss. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  return new HttpClient(new RestClient(new Connection(options)));
}

class HttpClient implements KubeClient {
  readonly streamsLists = true;
  readonly #rest: RestClient;

  constructor(rest: RestClient) {
    this.#rest = rest;
  }

  async get<K extends KindName>(kind: K, key: ObjectKey, options?: CallOptions): Promise<ObjectOf<K> | undefined> {
    return (await this.#rest.get(target(kind, key), options?.signal)) as ObjectOf<K> | undefined;
  }

  async list<K extends KindName>(kind: K, options: PageOptions = {}): Promise<Page<ObjectOf<K>>> {
    return (await this.#rest.list(kindNamed(kind), options)) as Page<ObjectOf<K>>;
  }

  async create<K extends KindName>(kind: K, object: ObjectOf<K>, options?: WriteOptions): Promise<ObjectOf<K>> {
    return (await this.#rest.create(target(kind, placeOf(kind, object)), typed(kind, object), options)) as ObjectOf<K>;
  }

  async update<K extends KindName>(
    kind: K,
    object: ObjectOf<K>,
    subresource?: 'status' | 'approval',
    options?: WriteOptions,
  ): Promise<ObjectOf<K>> {
    const place = target(kind, placeOf(kind, object), subresource);
    return (await this.#rest.update(place, typed(kind, object), options)) as ObjectOf<K>;
  }

  async patch<K extends KindName>(
    kind: K,
    key: ObjectKey,
    patch: unknown,
    options: PatchOptions = {},
  ): Promise<ObjectOf<K>> {
    const { type = 'merge', subresource } = options;
    const fieldManager = options.fieldManager ?? (type === 'apply' ? 'podwire' : undefined);
    const answer = await this.#rest.patch(target(kind, key, subresource), patch, { ...options, type, fieldManager });
    if (subresource !== 'scale') return answer as ObjectOf<K>;
    return (await this.#rest.get(target(kind, key), options.signal)) as ObjectOf<K>;
  }

  delete(kind: KindName, key: ObjectKey, options?: DeleteOptions): Promise<boolean> {
    return this.#rest.delete(target(kind, key), options);
  }

  async bind(pod: ObjectKey, nodeName: string): Promise<void> {
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: pod,
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    await this.#rest.create(target('Pod', pod, 'binding'), binding);
  }

  async finalizeNamespace(namespace: Namespace): Promise<void> {
    const key = { name: namespace.metadata?.name ?? '' };
    await this.#rest.update(target('Namespace', key, 'finalize'), typed('Namespace', namespace));
  }

  watch<K extends KindName>(
    kind: K,
    options: WatchOptions,
    onEvent: (event: WatchEvent<ObjectOf<K>>) => void,
  ): Promise<void> {
    return this.#rest.watch(kindNamed(kind), options, (event) => onEvent(event as WatchEvent<ObjectOf<K>>));
  }

  close(): void {
    this.#rest.close();
  }
}

function target(kind: KindName, key: ObjectKey, subresource?: string): Target {
  return { resource: kindNamed(kind), key, subresource };
}

function placeOf<K extends KindName>(kind: K, { metadata }: ObjectOf<K>): ObjectKey {
  const name = metadata?.name ?? '';
  return kindNamed(kind).namespaced ? { namespace: metadata?.namespace ?? 'default', name } : { name };
}

function typed<K extends KindName>(kind: K, object: ObjectOf<K>): object {
  return { ...object, apiVersion: kindNamed(kind).apiVersion, kind };
}
