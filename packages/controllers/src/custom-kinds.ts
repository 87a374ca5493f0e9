import {
  createResourceCache,
  type DynamicClient,
  type Informer,
  type ManifestObject,
  type ObjectCache,
  type ObjectOf,
  type ResourceClient,
  type WorkQueue,
} from '@podwire/kube';
import { type Controller, type ControllerContext, nameOf } from './context.ts';
import { startReconciler } from './reconciler.ts';

type Definition = ObjectOf<'CustomResourceDefinition'>;

/** Longest wait, in ms, for the lists of all kinds: one that cannot be listed must not hold up all others for good. */
const PATIENCE = 30_000;

/** A kind that a CustomResourceDefinition defines, named by it: `widgets.example.com`. */
export interface CustomKind {
  readonly id: string;
  readonly group: string;
  readonly client: ResourceClient;
  readonly cache: ObjectCache<ManifestObject>;
}

/** For controllers of kinds that are not all built in. */
export interface CustomContext extends ControllerContext {
  readonly custom: CustomKinds;
}

type CachedKind = CustomKind & { readonly cache: { stop(): void } };

/** The custom resources there are now, with all their objects. Without a dynamic client: none. */
export class CustomKinds implements Controller {
  readonly #kinds = new Map<string, CachedKind>();
  /** Waited for in vain: not again. */
  readonly #givenUp = new Set<string>();
  readonly #listeners = new Set<(kind: CustomKind, change: 'came' | 'went') => void>();
  readonly #definitions: Informer<'CustomResourceDefinition'>;
  readonly #dynamic: DynamicClient | undefined;
  readonly #queue: WorkQueue;
  readonly #end: () => void;

  constructor({ informers, dynamic, logger }: ControllerContext) {
    this.#dynamic = dynamic;
    this.#definitions = informers.of('CustomResourceDefinition');
    const reconcile = async (id: string): Promise<undefined> => this.#settle(id);
    this.#queue = startReconciler({ name: 'custom-kinds', logger, reconcile });
    this.#end = this.#definitions.subscribe(({ object }) => this.#queue.add(nameOf(object)));
  }

  all(): readonly CustomKind[] {
    return [...this.#kinds.values()];
  }

  get(id: string): CustomKind | undefined {
    return this.#kinds.get(id);
  }

  /** Calls back when a kind comes, at once for those that are there, and when one goes. */
  subscribe(listener: (kind: CustomKind, change: 'came' | 'went') => void): () => void {
    this.#listeners.add(listener);
    for (const kind of this.#kinds.values()) listener(kind, 'came');
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the objects of all kinds that are defined now are known, as far as they can be. */
  async synced(): Promise<void> {
    const names = this.#dynamic ? this.#definitions.list().filter(isServed).map(nameOf) : [];
    const open = (): string[] =>
      names.filter((name) => !this.#kinds.get(name)?.cache.hasSynced && !this.#givenUp.has(name));
    for (let waited = 0; waited < PATIENCE && open().length > 0; waited += 10)
      await new Promise((resolve) => setTimeout(resolve, 10).unref());
    for (const name of open()) this.#givenUp.add(name);
  }

  stop(): void {
    this.#end();
    this.#queue.shutDown();
    for (const { cache } of this.#kinds.values()) cache.stop();
  }

  async #settle(id: string): Promise<undefined> {
    const definition = this.#definitions.get(id);
    if (!definition || !isServed(definition)) this.#leave(id);
    else if (this.#dynamic && !this.#kinds.has(id)) await this.#enter(this.#dynamic, definition);
  }

  async #enter(dynamic: DynamicClient, definition: Definition): Promise<void> {
    const { group, versions } = definition.spec;
    const version = versions.find(({ served }) => served)?.name;
    const client = await dynamic.of(`${group}/${version}`, definition.status?.acceptedNames?.kind ?? '');
    const kind: CachedKind = { id: nameOf(definition), group, client, cache: createResourceCache(client) };
    this.#kinds.set(kind.id, kind);
    for (const listener of this.#listeners) listener(kind, 'came');
  }

  #leave(id: string): void {
    const kind = this.#kinds.get(id);
    if (!kind) return;
    this.#kinds.delete(id);
    this.#givenUp.delete(id);
    kind.cache.stop();
    for (const listener of this.#listeners) listener(kind, 'went');
  }
}

function isServed({ status }: Definition): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') ?? false;
}
