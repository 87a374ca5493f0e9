import type { EndpointSlice, Service } from '@podwire/kube';
import type { ClusterModel, NodeModel } from './model.ts';
import { clusterAddresses, proxiedBy, serviceFromApi } from './model-from-api.ts';
import { assemble, type Desired, tooMany } from './plan.ts';
import { planService, type ServicePlan } from './service-plan.ts';
import { serviceKey, serviceKeyOfSlice } from './snapshot.ts';

interface Entry {
  readonly service: Service;
  plan?: ServicePlan | undefined;
  problems: readonly string[];
}

/**
 * Services, their slices and their plans, by name. A change marks one service dirty, and only dirty ones are planned again;
 * the outcome depends on the present objects only, not on how they came.
 */
export class ServiceIndex {
  readonly #cluster: ClusterModel;
  readonly #services = new Map<string, Entry>();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #dirty = new Set<string>();
  #node: NodeModel;
  #desired: Desired | undefined;

  constructor(cluster: ClusterModel, node: NodeModel) {
    this.#cluster = cluster;
    this.#node = node;
  }

  get dirty(): boolean {
    return !this.#desired || this.#dirty.size > 0;
  }

  setNode(node: NodeModel): boolean {
    if (JSON.stringify(node) === JSON.stringify(this.#node)) return false;
    this.#node = node;
    for (const key of this.#services.keys()) this.#dirty.add(key);
    this.#desired = undefined;
    return true;
  }

  putService(service: Service): void {
    const key = serviceKey(service);
    this.#services.set(key, { service, problems: [] });
    this.#dirty.add(key);
  }

  removeService(service: Service): void {
    this.#services.delete(serviceKey(service));
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

  /** Brings the plans up to date and joins them. */
  desired(): Desired {
    if (!this.dirty && this.#desired) return this.#desired;
    for (const key of this.#dirty) this.#plan(key);
    this.#dirty.clear();
    const entries = [...this.#services.values()];
    const foreign = entries.filter(({ service }) => proxiedBy(service) === 'other');
    this.#desired = assemble(
      {
        cluster: this.#cluster,
        node: this.#node,
        foreignAddresses: foreign.flatMap(({ service }) => clusterAddresses(service)),
      },
      {
        services: entries.map(({ plan }) => plan).filter((plan) => plan !== undefined),
        problems: entries.flatMap(({ problems }) => problems),
        previous: this.#desired,
      },
    );
    return this.#desired;
  }

  #plan(key: string): void {
    const entry = this.#services.get(key);
    if (!entry) return;
    const slices = [...(this.#slices.get(key)?.values() ?? [])];
    const model =
      proxiedBy(entry.service) === 'us' ? serviceFromApi(entry.service, slices, this.#node.name) : undefined;
    entry.plan = model && planService(model, this.#node);
    entry.problems = model ? tooMany([model]) : [];
  }
}
