import type { Kind, KindId } from '@podwire/kube';
import { timestamp } from '../core/lifecycle.ts';
import type { Registry } from '../core/registry.ts';
import type { ApiObject } from '../seam.ts';
import { CLEANUP, type CustomResources, DEFINITION } from './custom-resources.ts';
import { withCondition } from './definition/accepted-names.ts';
import { asDefinition } from './definition/definition.ts';

/** Deletes the objects of a definition that is being deleted, and of a namespace that is; lets the definition go after. */
export class CustomCleanup {
  readonly #registry: Registry;
  readonly #custom: CustomResources;
  readonly #stops: (() => void)[] = [];
  /** Watches of the objects of definitions that are being deleted. */
  readonly #waiting = new Map<KindId, () => void>();

  constructor(registry: Registry, custom: CustomResources) {
    this.#registry = registry;
    this.#custom = custom;
    const { store } = registry;
    for (const definition of store.latestOf(DEFINITION)) this.#settle(definition);
    this.#watch(DEFINITION, (object) => this.#settle(object));
    this.#watch('Namespace', (object) => this.#empty(object));
  }

  stop(): void {
    for (const stop of [...this.#stops, ...this.#waiting.values()]) stop();
  }

  #watch(kind: KindId, listener: (object: ApiObject) => void): void {
    const { store } = this.#registry;
    const stop = store.watch(kind, store.revision, ({ type, object }) => {
      if (type !== 'DELETED' && object.metadata.deletionTimestamp) listener(object);
    });
    if (stop) this.#stops.push(stop);
  }

  #settle(definition: ApiObject): void {
    const { metadata } = definition;
    if (!metadata.deletionTimestamp || !metadata.finalizers?.includes(CLEANUP)) return;
    const kind = this.#custom.definition(metadata.name as KindId)?.kind;
    const { store } = this.#registry;
    const objects = kind ? store.latestOf(kind.id) : [];
    if (!kind || objects.length === 0) {
      this.#release(definition);
      return;
    }
    if (this.#waiting.has(kind.id)) return;
    const stop = store.watch(kind.id, store.revision, ({ type }) => {
      if (type === 'DELETED' && store.latestOf(kind.id).length === 0) this.#release(definition);
    });
    if (stop) this.#waiting.set(kind.id, stop);
    this.#mark(definition);
    this.#remove(kind, objects);
  }

  #mark(definition: ApiObject): void {
    const { status } = asDefinition(definition);
    const message = 'CustomResource deletion is in progress';
    const said = { type: 'Terminating', status: 'True', reason: 'InstanceDeletionInProgress', message };
    const conditions = withCondition(status?.conditions ?? [], said, timestamp());
    this.#registry.store.put(DEFINITION, { ...definition, status: { ...status, conditions } }).catch(ignore);
  }

  #remove(kind: Kind, objects: readonly ApiObject[]): void {
    for (const { metadata } of objects) {
      const { namespace, name = '', deletionTimestamp } = metadata;
      if (!deletionTimestamp) this.#registry.remove({ kind, namespace, name }, {}, false).catch(ignore);
    }
  }

  #release({ metadata }: ApiObject): void {
    const { store } = this.#registry;
    this.#waiting.get(metadata.name as KindId)?.();
    this.#waiting.delete(metadata.name as KindId);
    const definition = store.latest(DEFINITION, metadata.name ?? '');
    if (!definition) return;
    const finalizers = definition.metadata.finalizers?.filter((name) => name !== CLEANUP) ?? [];
    const left = { ...definition, metadata: { ...definition.metadata, finalizers } };
    (finalizers.length > 0 ? store.put(DEFINITION, left) : store.remove(DEFINITION, left)).catch(ignore);
  }

  #empty({ metadata: { name } }: ApiObject): void {
    for (const { kind } of this.#custom.all()) {
      if (!kind.namespaced) continue;
      const objects = this.#registry.store.latestOf(kind.id).filter(({ metadata }) => metadata.namespace === name);
      this.#remove(kind, objects);
    }
  }
}

/** An object that is gone already, or a server that refuses all writes and tells whoever asks. */
function ignore(): void {}
