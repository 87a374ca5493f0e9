import type { IpAddress } from '@podwire/base';
import type { EndpointSlice, Service } from '@podwire/kube';
import type { ClusterModel, NodeModel, ServiceModel, ServicesView } from './model.ts';
import { clusterAddresses, proxiedBy, serviceFromApi } from './model-from-api.ts';
import type { Changes } from './proxy.ts';
import { SlowStarts } from './slow-start.ts';
import { serviceKey, serviceKeyOfSlice } from './snapshot.ts';

/**
 * Services, their slices and what the room makes of them, by name. A change marks one service dirty, and only dirty ones are
 * read again; the outcome depends on the present objects only, not on how they came, but for endpoints in a slow start.
 */
export class ServiceStore implements ServicesView {
  readonly cluster: ClusterModel;
  readonly services = new Map<string, ServiceModel>();
  readonly foreign = new Map<string, readonly IpAddress[]>();
  readonly #objects = new Map<string, Service>();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #dirty = new Set<string>();
  readonly #starts = new SlowStarts();
  readonly #now: () => number;
  #node: NodeModel;
  #all = true;

  /** `now`: a clock in ms that only goes forward. */
  constructor(cluster: ClusterModel, node: NodeModel, now: () => number = () => performance.now()) {
    this.cluster = cluster;
    this.#node = node;
    this.#now = now;
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

  putService(service: Service): void {
    const key = serviceKey(service);
    this.#objects.set(key, service);
    this.#dirty.add(key);
  }

  removeService(service: Service): void {
    this.#objects.delete(serviceKey(service));
    this.#dirty.add(serviceKey(service));
  }

  putSlice(slice: EndpointSlice): void {
    const key = serviceKeyOfSlice(slice);
    const slices = this.#slices.get(key) ?? new Map<string, EndpointSlice>();
    this.#slices.set(key, slices.set(slice.metadata?.name ?? '', slice));
    this.#dirty.add(key);
  }

  removeSlice(slice: EndpointSlice): void {
    const key = serviceKeyOfSlice(slice);
    const slices = this.#slices.get(key);
    slices?.delete(slice.metadata?.name ?? '');
    if (slices?.size === 0) this.#slices.delete(key);
    this.#dirty.add(key);
  }

  /** Reads what is dirty again, or whose weights have to change, and tells what that was. */
  refresh(): Changes {
    for (const key of this.#starts.due(this.#now())) this.#dirty.add(key);
    const changes: Changes = this.#all ? 'all' : new Set(this.#dirty);
    for (const key of this.#all ? new Set([...this.#objects.keys(), ...this.#dirty]) : this.#dirty) this.#read(key);
    this.#dirty.clear();
    this.#all = false;
    return changes;
  }

  #read(key: string): void {
    const service = this.#objects.get(key);
    const proxy = service && proxiedBy(service);
    if (service && proxy === 'other') this.foreign.set(key, clusterAddresses(service));
    else this.foreign.delete(key);
    if (service && proxy === 'us') {
      const slices = [...(this.#slices.get(key)?.values() ?? [])];
      const after = serviceFromApi(service, slices, this.#node.name);
      this.services.set(key, this.#starts.weigh(key, { before: this.services.get(key), after }, this.#now()));
    } else {
      this.services.delete(key);
      this.#starts.forget(key);
    }
  }
}
