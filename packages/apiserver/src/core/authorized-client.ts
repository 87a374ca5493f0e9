import type {
  CallOptions,
  DeleteOptions,
  KindName,
  KubeClient,
  ObjectKey,
  ObjectOf,
  Page,
  PageOptions,
  PatchOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '@podwire/kube';
import type { Namespace } from 'kubernetes-types/core/v1.js';
import { attributesOf } from '../authorization/attributes.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { User } from '../seam.ts';
import type { KindRegistry } from './kind-registry.ts';

export interface ClientIdentity {
  readonly user: User;
  readonly authorizer: Authorizer;
  readonly kinds: KindRegistry;
}

/** Where an object is, or a list; `fieldSelector` may name one. */
interface Place {
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly subresource?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** Does with another client what roles let a user do; fails with KUBE_FORBIDDEN otherwise. */
export class AuthorizedClient implements KubeClient {
  readonly #client: KubeClient;
  readonly #identity: ClientIdentity;

  constructor(client: KubeClient, identity: ClientIdentity) {
    this.#client = client;
    this.#identity = identity;
  }

  async get<K extends KindName>(kind: K, key: ObjectKey, options?: CallOptions): Promise<ObjectOf<K> | undefined> {
    this.#require('GET', kind, key);
    return this.#client.get(kind, key, options);
  }

  async list<K extends KindName>(kind: K, options: PageOptions = {}): Promise<Page<ObjectOf<K>>> {
    this.#require('GET', kind, options);
    return this.#client.list(kind, options);
  }

  async create<K extends KindName>(kind: K, object: ObjectOf<K>, options?: WriteOptions): Promise<ObjectOf<K>> {
    this.#require('POST', kind, { namespace: placeOf(object).namespace });
    return this.#client.create(kind, object, options);
  }

  async update<K extends KindName>(
    kind: K,
    object: ObjectOf<K>,
    subresource?: 'status' | 'approval',
    options?: WriteOptions,
  ): Promise<ObjectOf<K>> {
    this.#require('PUT', kind, { ...placeOf(object), subresource });
    return this.#client.update(kind, object, subresource, options);
  }

  async patch<K extends KindName>(
    kind: K,
    key: ObjectKey,
    patch: unknown,
    options: PatchOptions = {},
  ): Promise<ObjectOf<K>> {
    this.#require('PATCH', kind, { ...key, subresource: options.subresource });
    // An apply makes what is not there.
    if (options.type === 'apply' && !(await this.#client.get(kind, key)))
      this.#require('POST', kind, { namespace: key.namespace });
    return this.#client.patch(kind, key, patch, options);
  }

  async delete(kind: KindName, key: ObjectKey, options?: DeleteOptions): Promise<boolean> {
    this.#require('DELETE', kind, key);
    return this.#client.delete(kind, key, options);
  }

  async bind(pod: ObjectKey, nodeName: string): Promise<void> {
    this.#require('POST', 'Pod', { ...pod, subresource: 'binding' });
    return this.#client.bind(pod, nodeName);
  }

  async finalizeNamespace(namespace: Namespace): Promise<void> {
    this.#require('PUT', 'Namespace', { ...placeOf(namespace), subresource: 'finalize' });
    return this.#client.finalizeNamespace(namespace);
  }

  async watch<K extends KindName>(
    kind: K,
    options: WatchOptions,
    onEvent: (event: WatchEvent<ObjectOf<K>>) => void,
  ): Promise<void> {
    this.#require('GET', kind, options, { watch: 'true' });
    return this.#client.watch(kind, options, onEvent);
  }

  close(): void {
    this.#client.close();
  }

  #require(method: string, id: KindName, place: Place, query: Record<string, string> = {}): void {
    const { user, authorizer, kinds } = this.#identity;
    const kind = kinds.withId(id);
    // The client behind says that there is no such kind.
    if (!kind) return;
    const { namespace, name, subresource, fieldSelector = '' } = place;
    const path = {
      kind,
      apiVersion: kind.apiVersion,
      namespace: kind.namespaced ? (namespace ?? (name ? 'default' : undefined)) : undefined,
      name,
      subresource,
    };
    const asked = { method, path: '', query: new URLSearchParams({ fieldSelector, ...query }) };
    authorizer.require(user, attributesOf(asked, path));
  }
}

function placeOf({ metadata }: { metadata?: { name?: string; namespace?: string } }): Place {
  return { name: metadata?.name ?? '', namespace: metadata?.namespace };
}
