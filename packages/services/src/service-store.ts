import type { IpAddress } from '@podwire/base';
import type { EndpointSlice, Service, ServiceCIDR } from '@podwire/kube';
import type { ClusterModel, NodeModel, ServiceModel, ServicesView } from './model.ts';
import { clusterAddresses, proxiedBy, serviceFromApi } from './model-from-api.ts';
import type { Changes } from './proxy.ts';
import { ServiceRanges } from './service-ranges.ts';
import { SlowStarts } from './slow-start.ts';
import { serviceKey, serviceKeyOfSlice } from './snapshot.ts';

/**
 * Services, their slices and what the room makes of them, by name. A change marks one service dirty, and only dirty ones are
 * read again; the outcome depends on the present objects only, not on how they came, but for endpoints in a slow start.
 */
export class ServiceStore implements ServicesView {
  readonly services = new Map<string, ServiceModel>();
  readonly foreign = new Map<string, readonly IpAddress[]>();
  readonly #objects = new Map<string, Objects>();
  readonly #dirty = new Set<string>();
  readonly #starts = new SlowStarts();
  readonly #now: () => number;
  readonly #ranges: ServiceRanges;
  #cluster: ClusterModel;
  #node: NodeModel;
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
    const key = serviceKey(service);
    this.#put(key, service, this.#objects.get(key)?.slices);
  }

  removeService(service: Service): void {
    const key = serviceKey(service);
    this.#put(key, undefined, this.#objects.get(key)?.slices);
  }

  putSlice(slice: EndpointSlice): void {
    const key = serviceKeyOfSlice(slice);
    const { service, slices } = this.#objects.get(key) ?? NOTHING;
    const at = indexOf(slices, slice);
    this.#put(key, service, at < 0 ? [...slices, slice] : slices.with(at, slice));
  }

  removeSlice(slice: EndpointSlice): void {
    const key = serviceKeyOfSlice(slice);
    const { service, slices } = this.#objects.get(key) ?? NOTHING;
    const at = indexOf(slices, slice);
    this.#put(key, service, at < 0 ? slices : slices.toSpliced(at, 1));
  }

  #put(key: string, service: Service | undefined, slices: readonly EndpointSlice[] = []): void {
    if (service || slices.length > 0) this.#objects.set(key, { service, slices });
    else this.#objects.delete(key);
    this.#dirty.add(key);
  }

  /** Reads what is dirty again, or whose weights have to change, and tells what that was. */
  refresh(): Changes {
    for (const key of this.#starts.due(this.#now())) this.#dirty.add(key);
    const changes: Changes = this.#all ? 'all' : new Set(this.#dirty);
    if (this.#all) for (const key of this.#objects.keys()) this.#dirty.add(key);
    for (const key of this.#dirty) this.#read(key);
    this.#dirty.clear();
    this.#all = false;
    return changes;
  }

  #read(key: string): void {
    const { service, slices } = this.#objects.get(key) ?? NOTHING;
    const proxy = service && proxiedBy(service);
    if (service && proxy === 'other') this.foreign.set(key, clusterAddresses(service));
    else this.foreign.delete(key);
    if (service && proxy === 'us') {
      const after = serviceFromApi(service, slices, this.#node.name);
      this.services.set(key, this.#starts.weigh(key, { before: this.services.get(key), after }, this.#now()));
    } else {
      this.services.delete(key);
      this.#starts.forget(key);
    }
  }
}

/** What the API server has of one service. */
interface Objects {
  readonly service: Service | undefined;
  /** Each name once. */
  readonly slices: readonly EndpointSlice[];
}

const NOTHING: Objects = { service: undefined, slices: [] };

function indexOf(slices: readonly EndpointSlice[], { metadata }: EndpointSlice): number {
  return slices.findIndex((slice) => slice.metadata?.name === metadata?.name);
}
