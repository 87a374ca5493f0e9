import { PodwireError } from '@podwire/base';
import {
  cloneJson,
  type DeleteOptions,
  type Kind,
  type KindName,
  type KubeClient,
  type ListOptions,
  type ObjectKey,
  type ObjectOf,
  type PatchOptions,
  type WatchEvent,
} from '@podwire/kube';
import type { Namespace } from 'kubernetes-types/core/v1.js';
import type { CustomResources } from '../custom/custom-resources.ts';
import type { ApiObject, Schema, User } from '../seam.ts';
import { indexedValue } from './field-index.ts';
import type { KindRegistry } from './kind-registry.ts';
import { patchObject } from './patch-object.ts';
import { isNotFound, keyFor, type Registry, type Target, type WriteOptions } from './registry.ts';
import { changeScale } from './scale.ts';
import { parseSelection } from './selectors.ts';
import { tooOld } from './status.ts';
import type { StoreEvent } from './store.ts';
import { consultedNode } from './subresource-attempt.ts';
import { selectEvent } from './watch.ts';

export interface LocalClientParts {
  readonly registry: Registry;
  readonly schema: Schema;
  readonly kinds: KindRegistry;
  /** Whom policies and webhooks take it for; absent: the server itself, in which they have no say. */
  readonly user?: User;
  readonly custom: CustomResources;
}

/**
 * A client without HTTP: calls the registry directly. Objects it returns are the stored ones, frozen in depth; objects
 * it is given are copied. Watch events arrive synchronously at the commit, before the writer's promise resolves. Watches
 * of custom resources end when their definition changes or goes.
 */
export class LocalClient implements KubeClient {
  readonly #registry: Registry;
  readonly #schema: Schema;
  readonly #kinds: KindRegistry;
  readonly #custom: CustomResources;
  readonly #closing = new AbortController();
  readonly #options: WriteOptions;
  /** Closed by its owner or with the server. */
  readonly #closed: AbortSignal;

  constructor({ registry, schema, kinds, custom, user }: LocalClientParts, stopped: AbortSignal) {
    this.#options = { fieldValidation: 'Strict', dryRun: false, warn: () => {}, ...(user ? { user } : {}) };
    this.#registry = registry;
    this.#schema = schema;
    this.#kinds = kinds;
    this.#custom = custom;
    this.#closed = AbortSignal.any([this.#closing.signal, stopped]);
  }

  async get<K extends KindName>(kind: K, { namespace, name }: ObjectKey): Promise<ObjectOf<K> | undefined> {
    this.#requireOpen();
    return typed<K>(this.#registry.store.get(kind, keyFor(this.#kindOf(kind), namespace, name)));
  }

  async list<K extends KindName>(
    kind: K,
    options: ListOptions = {},
  ): Promise<{ items: ObjectOf<K>[]; resourceVersion: string }> {
    this.#requireOpen();
    this.#kindOf(kind);
    const { store } = this.#registry;
    const matcher = parseSelection(kind, options);
    const indexed = indexedValue(kind, options.fieldSelector);
    const objects = indexed === undefined ? store.list(kind) : store.listOf(kind, indexed);
    const items = matcher ? objects.filter(matcher) : objects.slice();
    return { items: items as unknown as ObjectOf<K>[], resourceVersion: String(store.revision) };
  }

  async create<K extends KindName>(kind: K, object: ObjectOf<K>): Promise<ObjectOf<K>> {
    this.#requireOpen();
    const target = this.#kindOf(kind);
    const draft = draftOf(target, object);
    const namespace = namespaceOf(target, draft.metadata.namespace);
    return typed<K>(await this.#registry.create(target, namespace, { draft, options: this.#options }));
  }

  async update<K extends KindName>(
    kind: K,
    object: ObjectOf<K>,
    subresource?: 'status' | 'approval',
  ): Promise<ObjectOf<K>> {
    this.#requireOpen();
    const next = draftOf(this.#kindOf(kind), object);
    const target = this.#target(kind, { ...next.metadata, name: next.metadata.name ?? '' });
    return typed<K>(await this.#registry.update(target, next, { ...this.#options, subresource }));
  }

  async patch<K extends KindName>(
    kind: K,
    key: ObjectKey,
    patch: unknown,
    options: PatchOptions = {},
  ): Promise<ObjectOf<K>> {
    this.#requireOpen();
    const target = this.#target(kind, key);
    const { type = 'merge', subresource, fieldManager = 'podwire', force } = options;
    const body = type === 'merge' ? patch : cloneJson(patch);
    const parsed = { type, body, fieldManager, force, subresource };
    const operation = type === 'apply' ? 'Apply' : 'Update';
    const writeOptions = { ...this.#options, writer: { manager: fieldManager, operation, subresource } } as const;
    const make = (old: ApiObject | undefined) => patchObject(target.kind, old, parsed, this.#schema);
    if (subresource === 'scale') {
      await changeScale(this.#registry, { target }, make, writeOptions);
      return typed<K>(this.#registry.latest(target));
    }
    const isNew =
      type === 'apply' &&
      !subresource &&
      !this.#registry.store.latest(kind, keyFor(target.kind, target.namespace, target.name));
    if (isNew)
      return typed<K>(
        await this.#registry.create(target.kind, target.namespace, { draft: make(undefined), options: writeOptions }),
      );
    return typed<K>(await this.#registry.change(target, make, { ...writeOptions, subresource }));
  }

  async delete(kind: KindName, key: ObjectKey, options: DeleteOptions = {}): Promise<boolean> {
    this.#requireOpen();
    const { uid, ...rest } = options;
    try {
      const removal = uid ? { ...rest, preconditions: { uid } } : rest;
      const { user } = this.#options;
      await this.#registry.remove(this.#target(kind, key), removal, false, user && { user });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async bind({ namespace, name }: ObjectKey, nodeName: string): Promise<void> {
    this.#requireOpen();
    const pod = { kind: this.#kindOf('Pod'), namespace: namespace ?? '', name };
    const { user } = this.#options;
    const node = user ? await consultedNode(this.#registry, user, pod, nodeName) : nodeName;
    await this.#registry.bind(pod.namespace, name, node);
  }

  async finalizeNamespace(namespace: Namespace): Promise<void> {
    this.#requireOpen();
    await this.#registry.finalize(namespace.metadata?.name ?? '', draftOf(this.#kindOf('Namespace'), namespace));
  }

  async watch<K extends KindName>(
    kind: K,
    options: ListOptions & { readonly resourceVersion: string; readonly signal?: AbortSignal },
    onEvent: (event: WatchEvent<ObjectOf<K>>) => void,
  ): Promise<void> {
    this.#requireOpen();
    this.#kindOf(kind);
    const { store } = this.#registry;
    const matcher = parseSelection(kind, options);
    const ends = [options.signal, this.#custom.served(kind), this.#closed];
    const signal = AbortSignal.any(ends.filter((end) => end !== undefined));
    if (signal.aborted) return;
    let unsubscribe: (() => void) | undefined;
    let ended = false;
    const done = Promise.withResolvers<void>();
    const stop = () => {
      ended = true;
      unsubscribe?.();
      done.resolve();
    };
    const listener = (event: StoreEvent) => {
      if (ended) return;
      try {
        const selected = selectEvent(event, matcher);
        if (selected) onEvent({ type: selected.type, object: typed<K>(selected.object) });
      } catch (error) {
        // The listener's fault ends its own watch, not the commit.
        stop();
        done.reject(error);
      }
    };
    const indexed = indexedValue(kind, options.fieldSelector);
    unsubscribe = store.watch(kind, Number(options.resourceVersion), listener, indexed);
    if (!unsubscribe) throw tooOld(options.resourceVersion, store.oldestRevision(kind));
    if (ended) unsubscribe();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await done.promise;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  #requireOpen(): void {
    if (this.#closed.aborted) throw new PodwireError('KUBE_UNAVAILABLE', 'the client is closed');
  }

  #target(
    kind: KindName,
    { namespace, name }: { readonly namespace?: string | undefined; readonly name: string },
  ): Target {
    const found = this.#kindOf(kind);
    return { kind: found, namespace: namespaceOf(found, namespace), name };
  }

  /** That of a custom resource may be gone. */
  #kindOf(id: KindName): Kind {
    const kind = this.#kinds.withId(id);
    if (!kind) throw new PodwireError('KUBE_NO_KIND', `the server has no kind ${id} any more; its CRD was deleted`);
    return kind;
  }
}

function namespaceOf({ namespaced }: Kind, namespace: string | undefined): string | undefined {
  return namespaced ? (namespace ?? 'default') : undefined;
}

function draftOf<K extends KindName>({ apiVersion, kind }: Kind, object: ObjectOf<K>): ApiObject {
  const copy = cloneJson(object) as unknown as ApiObject;
  return { ...copy, apiVersion, kind, metadata: copy.metadata ?? {} };
}

function typed<K extends KindName>(object: ApiObject | undefined): ObjectOf<K>;
function typed<K extends KindName>(object: ApiObject | undefined): ObjectOf<K> | undefined {
  return object as unknown as ObjectOf<K> | undefined;
}
