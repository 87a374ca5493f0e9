import { type Informers, ObjectIndex, type ObjectOf } from '@podwire/kube';
import { keyOf, splitKey } from '../context.ts';
import { serviceKeyOf } from '../slices.ts';

/** A cluster of the set, and what its API server says. */
export interface ClusterSource {
  readonly name: string;
  readonly informers: Informers;
}

/** What one cluster of the set exports. */
export class ClusterMember {
  readonly name: string;
  readonly #informers: Informers;
  readonly #slices: ObjectIndex<'EndpointSlice'>;
  readonly #ends: (() => void)[];
  #isStopped = false;

  /** Calls back with the keys of Services whose export may be another one now, and with all once everything is known. */
  constructor({ name, informers }: ClusterSource, onChange: (key: string) => void) {
    this.name = name;
    this.#informers = informers;
    this.#slices = new ObjectIndex(informers.of('EndpointSlice'), (slice) => [serviceKeyOf(slice)]);
    const touch = (key: string): void => {
      if (this.exportAt(key)) onChange(key);
    };
    this.#ends = [
      this.#slices.stop,
      informers.of('ServiceExport').subscribe(({ object }) => onChange(keyOf(object))),
      informers.of('Service').subscribe(({ object }) => touch(keyOf(object))),
      informers.of('EndpointSlice').subscribe((event) => {
        touch(serviceKeyOf(event.object));
        if (event.type === 'modified') touch(serviceKeyOf(event.previous));
      }),
    ];
  }

  /** Calls back once, when everything is known. */
  onSynced(listener: () => void): void {
    const all = (['ServiceExport', 'Service', 'EndpointSlice'] as const).map((kind) => this.#informers.of(kind).synced);
    void Promise.all(all).then(() => {
      if (!this.#isStopped) listener();
    });
  }

  get isSynced(): boolean {
    return (['ServiceExport', 'Service', 'EndpointSlice'] as const).every((kind) => this.#informers.of(kind).hasSynced);
  }

  stop(): void {
    this.#isStopped = true;
    for (const end of this.#ends) end();
  }

  /** Undefined: there is none, or it is being deleted. */
  exportAt(key: string): ObjectOf<'ServiceExport'> | undefined {
    const { name, namespace } = splitKey(key);
    const found = this.#informers.of('ServiceExport').get(name, namespace);
    return found?.metadata?.deletionTimestamp ? undefined : found;
  }

  serviceAt(key: string): ObjectOf<'Service'> | undefined {
    const { name, namespace } = splitKey(key);
    return this.#informers.of('Service').get(name, namespace);
  }

  slicesAt(key: string): readonly ObjectOf<'EndpointSlice'>[] {
    return this.#slices.get(key);
  }

  /** Of all exports there are, those being deleted included. */
  exportKeys(): readonly string[] {
    return this.#informers.of('ServiceExport').list().map(keyOf);
  }
}
