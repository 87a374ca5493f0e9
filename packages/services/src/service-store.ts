import type { IpAddress } from '@podwire/base';
import type { EndpointSlice, Service } from '@podwire/kube';
import type { ClusterModel, NodeModel, ServiceModel, ServicesView } from './model.ts';
import { clusterAddresses, proxiedBy, serviceFromApi } from './model-from-api.ts';
import type { Changes } from './proxy.ts';
import { serviceKey, serviceKeyOfSlice } from './snapshot.ts';

/**
 * Services, their slices and what the room makes of them, by name. A change marks one service dirty, and only dirty ones are
 * read again; the outcome depends on the present objects only, not on how they came.
 */
export class ServiceStore implements ServicesView {
  readonly cluster: ClusterModel;
  readonly services = new Map<string, ServiceModel>();
  readonly foreign = new Map<string, readonly IpAddress[]>();
  readonly #objects = new Map<string, Service>();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #dirty = new Set<string>();
  #node: NodeModel;
  #all = true;

  constructor(cluster: ClusterModel, node: NodeModel) {
    this.cluster = cluster;
    this.#node = node;
  }

  get node(): NodeModel {
    return this.#node;
  }

  get dirty(): boolean {
    return this.#all || this.#dirty.size > 0;
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

  /** Reads what is dirty again, and tells what that was. */
  refresh(): Changes {
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
      this.services.set(key, serviceFromApi(service, slices, this.#node.name));
    } else this.services.delete(key);
  }
}
