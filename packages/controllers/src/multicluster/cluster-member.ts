import { type Informers, ObjectIndex, type ObjectOf } from '@podwire/kube';
import { keyOf, splitKey } from '../context.ts';
import { serviceKeyOf } from '../slices.ts';
import { hindranceOf } from './export-status.ts';
import type { ExportedService } from './import-plan.ts';

type EndpointSlice = ObjectOf<'EndpointSlice'>;

/** A cluster of the set, and what its API server says. */
export interface ClusterSource {
  readonly name: string;
  readonly informers: Informers;
}

const KINDS = ['ServiceExport', 'Service', 'EndpointSlice'] as const;

/** What one cluster of the set exports. */
export class ClusterMember {
  readonly name: string;
  readonly #informers: Informers;
  readonly #slices: ObjectIndex<'EndpointSlice'>;
  readonly #ends: (() => void)[];

  /** Calls back with the keys of Services whose export may be another one than it was. */
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

  /** Resolves when everything there is, is known. */
  get synced(): Promise<unknown> {
    return Promise.all(KINDS.map((kind) => this.#informers.of(kind).synced));
  }

  get hasSynced(): boolean {
    return KINDS.every((kind) => this.#informers.of(kind).hasSynced);
  }

  /** Whether what is known of it may be old. */
  get isAway(): boolean {
    const informers = KINDS.map((kind) => this.#informers.of(kind));
    return informers.some(({ hasSynced, failure }) => !hasSynced || failure !== undefined);
  }

  stop(): void {
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

  /** Undefined unless the Service is exported and can be. */
  exportedAt(key: string): ExportedService | undefined {
    const [exported, service] = [this.exportAt(key), this.serviceAt(key)];
    return exported && service && !hindranceOf(service) ? { cluster: this.name, exported, service } : undefined;
  }

  exportedSlicesAt(key: string): readonly EndpointSlice[] {
    return this.exportedAt(key) ? this.#slices.get(key) : [];
  }

  exportKeys(): readonly string[] {
    return this.#informers.of('ServiceExport').list().map(keyOf);
  }
}
