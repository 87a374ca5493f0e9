import type { IpAddress } from '@podwire/base';
import type { EndpointSlice, Service, ServiceCIDR, ServiceImport } from '@podwire/kube';
import type { ClusterModel, NodeModel, ServiceModel, ServicesView } from './model.ts';
import { clusterAddresses, proxiedBy, serviceFromApi } from './model-from-api.ts';
import { NOBODY, type Peers } from './peers.ts';
import type { Changes } from './proxy.ts';
import { importKey, isProxied, serviceFromImport } from './service-import.ts';
import { ServiceRanges } from './service-ranges.ts';
import { SlowStarts } from './slow-start.ts';
import { keysOfSlice, serviceKey } from './snapshot.ts';

/**
 * Services, ServiceImports, their slices and what the room makes of them, by name. A change marks one service dirty, and only dirty ones are
 * read again; the outcome depends on the present objects only, not on how they came, but for endpoints in a slow start.
 */
export class ServiceStore implements ServicesView {
  readonly services = new Map<string, ServiceModel>();
  readonly foreign = new Map<string, readonly IpAddress[]>();
  readonly #objects = new Map<string, Objects>();
  #dirty = new Set<string>();
  readonly #starts = new SlowStarts();
  readonly #now: () => number;
  readonly #ranges: ServiceRanges;
  #cluster: ClusterModel;
  #node: NodeModel;
  #peers: Peers | undefined;
  /** Services with direct server return. */
  readonly #direct = new Set<string>();
  #all = true;

  /** `now`: a clock in ms that only goes forward. */
  constructor(cluster: ClusterModel, node: NodeModel, now: () => number = () => performance.now()) {
    this.#ranges = new ServiceRanges(cluster);
    this.#cluster = cluster;
    this.#node = node;
    this.#now = now;
  }

  get cluster(): ClusterModel {
    return this.#cluster;
  }

  get node(): NodeModel {
    return this.#node;
  }

  get peers(): Peers | undefined {
    return this.#peers;
  }

  /** Some service depends on what the other nodes are. */
  get wantsPeers(): boolean {
    return this.#direct.size > 0;
  }

  /** Returns the keys of the services it makes a difference to. */
  setPeers(peers: Peers): ReadonlySet<string> {
    if (textOf(peers) === textOf(this.#peers ?? NOBODY)) return NONE;
    this.#peers = peers;
    return this.#direct;
  }

  get dirty(): boolean {
    return this.#all || this.#dirty.size > 0;
  }

  /** Milliseconds until weights change without any event; undefined: they do not. */
  get nextStep(): number | undefined {
    const { next } = this.#starts;
    return next === undefined ? undefined : Math.max(0, next - this.#now());
  }

  setNode(node: NodeModel): boolean {
    if (JSON.stringify(node) === JSON.stringify(this.#node)) return false;
    this.#node = node;
    this.#all = true;
    return true;
  }

  putRange(range: ServiceCIDR): void {
    this.#ranges.put(range);
    this.#setCluster(this.#ranges.model());
  }

  removeRange(range: ServiceCIDR): void {
    this.#ranges.remove(range);
    this.#setCluster(this.#ranges.model());
  }

  #setCluster(cluster: ClusterModel): void {
    if (cluster.serviceCidrs.join() === this.#cluster.serviceCidrs.join()) return;
    this.#cluster = cluster;
    this.#all = true;
  }

  putService(service: Service): void {
    this.#at(serviceKey(service)).service = service;
  }

  removeService(service: Service): void {
    this.#at(serviceKey(service)).service = undefined;
  }

  putImport(imported: ServiceImport): void {
    this.#at(importKey(imported)).imported = imported;
  }

  removeImport(imported: ServiceImport): void {
    this.#at(importKey(imported)).imported = undefined;
  }

  putSlice(slice: EndpointSlice): void {
    for (const key of keysOfSlice(slice)) {
      const objects = this.#at(key);
      const at = indexOf(objects.slices, slice);
      objects.slices = at < 0 ? objects.slices.concat(slice) : objects.slices.with(at, slice);
    }
  }

  removeSlice(slice: EndpointSlice): void {
    for (const key of keysOfSlice(slice)) {
      const objects = this.#at(key);
      const at = indexOf(objects.slices, slice);
      if (at >= 0) objects.slices = objects.slices.toSpliced(at, 1);
    }
  }

  /** What is there under the key, to be changed. */
  #at(key: string): Objects {
    this.#dirty.add(key);
    let objects = this.#objects.get(key);
    if (!objects) {
      objects = { ...NOTHING };
      this.#objects.set(key, objects);
    }
    return objects;
  }

  /** Reads what is dirty again, or whose weights have to change, and tells what that was. */
  refresh(): Changes {
    const dirty = this.#dirty;
    for (const key of this.#starts.due(this.#now())) dirty.add(key);
    if (this.#all) for (const key of this.#objects.keys()) dirty.add(key);
    for (const key of dirty) this.#read(key);
    const changes: Changes = this.#all ? 'all' : dirty;
    this.#dirty = new Set();
    this.#all = false;
    return changes;
  }

  #read(key: string): void {
    const objects = this.#objects.get(key) ?? NOTHING;
    const { service, imported, slices } = objects;
    if (!service && !imported && slices.length === 0) this.#objects.delete(key);
    if (service && proxiedBy(service) === 'other') this.foreign.set(key, clusterAddresses(service));
    else this.foreign.delete(key);
    const after = this.#model(objects);
    if (after?.forwarding) this.#direct.add(key);
    else this.#direct.delete(key);
    if (after) {
      this.services.set(key, this.#starts.weigh(key, { before: this.services.get(key), after }, this.#now()));
    } else {
      this.services.delete(key);
      this.#starts.forget(key);
    }
  }

  /** Undefined when it is not for this room. */
  #model({ service, imported, slices }: Readonly<Objects>): ServiceModel | undefined {
    if (service && proxiedBy(service) === 'us') return serviceFromApi(service, slices, this.#node.name);
    if (imported && isProxied(imported)) return serviceFromImport(imported, slices, this.#node);
    return undefined;
  }
}

/** What the API server has under one key. */
interface Objects {
  service: Service | undefined;
  imported: ServiceImport | undefined;
  /** Each name once. */
  slices: readonly EndpointSlice[];
}

const NONE: ReadonlySet<string> = new Set();
const textOf = ({ nodes, withoutDup = [] }: Peers): string => JSON.stringify([...nodes, withoutDup]);

const NOTHING: Readonly<Objects> = { service: undefined, imported: undefined, slices: [] };

function indexOf(slices: readonly EndpointSlice[], { metadata }: EndpointSlice): number {
  return slices.findIndex((slice) => slice.metadata?.name === metadata?.name);
}
