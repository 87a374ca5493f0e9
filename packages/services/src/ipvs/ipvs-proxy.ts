import type { PlanEntry } from '@podwire/kube';
import { conflictsOf } from '../claims.ts';
import { servicesError } from '../errors.ts';
import { familiesOf, type ServicesView } from '../model.ts';
import type { Changes, ProxyContext, ProxyMode, ServiceProxy, Synced } from '../proxy.ts';
import { clusterModel } from '../snapshot.ts';
import { type Departure, depart } from './departure.ts';
import { FamilyServers } from './family-servers.ts';
import { IpvsKernel } from './ipvs-kernel.ts';
import { TABLES } from './layout.ts';
import { familyOfKey, observeDrift } from './observe.ts';
import { limitsOf, plan } from './plan.ts';

/** Virtual servers of the kernel's load balancer choose endpoints; one nft table per family brings packets to them. */
export function createIpvsProxy(context: ProxyContext): ServiceProxy {
  return new IpvsProxy(context);
}

class IpvsProxy implements ServiceProxy {
  readonly mode = 'ipvs';
  departure: Departure | undefined;
  readonly #context: ProxyContext;
  #kernel: IpvsKernel | undefined;
  #families: readonly FamilyServers[] | undefined;
  #view: Pick<ServicesView, 'cluster' | 'node'> | undefined;

  constructor(context: ProxyContext) {
    this.#context = context;
  }

  sync(view: ServicesView, changes: Changes, look: boolean): Synced {
    const kernel = this.#open();
    this.#view = view;
    const first = !this.#families;
    if (!first && look) kernel.look(view.cluster);
    this.#families ??= this.#takeOver(kernel, view);
    const pass = { view, changes, look: look || first };
    let commands = 0;
    if (pass.look) commands += kernel.routing.bring(familiesOf(view.cluster), kernel.servers.netlink);
    for (const family of this.#families) commands += family.sync(kernel, pass).commands;
    // what drained is gone of its own accord
    const drained = look && kernel.servers.waiting > 0 ? this.#sweep(kernel, this.#families) : 0;
    return { commands: commands + drained, repairs: commands };
  }

  #sweep(kernel: IpvsKernel, families: readonly FamilyServers[]): number {
    const commands = kernel.servers.sweep();
    return families.reduce((sum, family) => sum + family.settle(kernel), commands);
  }

  /** A family that is no longer in use may have left its part. */
  #takeOver(kernel: IpvsKernel, { cluster }: ServicesView): FamilyServers[] {
    if (kernel.routing.hasKubeProxy)
      throw servicesError(
        'SERVICES_FOREIGN_PROXY',
        'a kube-proxy in mode ipvs has its link kube-ipvs0 here; stop it and run `kube-proxy --cleanup`, or delete the link when it is a remnant',
      );
    const observed = kernel.adopt(cluster);
    const used = familiesOf(cluster);
    for (const { id, key } of kernel.servers.held) if (!used.includes(familyOfKey(key))) kernel.servers.remove(id);
    for (const family of ['ipv4', 'ipv6'] as const)
      if (!used.includes(family)) kernel.nft.delete(TABLES[family].family, TABLES[family].name);
    return used.map((family) => new FamilyServers(family, observed[family], kernel.servers));
  }

  plan(view: ServicesView): readonly PlanEntry[] {
    return plan(view).entries;
  }

  diff(view: ServicesView): readonly PlanEntry[] {
    const [kernel, families] = [this.#kernel, this.#families];
    if (!kernel || !families) return [];
    return observeDrift(kernel, {
      tables: families.map((family) => family.table(view)),
      servers: families.flatMap(({ servers }) => servers.filter(({ id }) => !kernel.servers.isForeign(id))),
      families: familiesOf(view.cluster),
    });
  }

  problems(view: ServicesView): readonly string[] {
    if (!this.#kernel || !this.#families) return plan(view).conflicts;
    const conflicts = this.#families.flatMap(({ settlement }) => conflictsOf(settlement));
    return [...conflicts, ...this.#kernel.servers.refused];
  }

  limits(view: ServicesView): readonly string[] {
    const schedulers = [...(this.#kernel?.servers.lacking ?? [])].map(
      (name) => `this kernel has no scheduler ${name} (module ip_vs_${name}), so it is rr where it is asked for`,
    );
    return [...limitsOf(view), ...schedulers];
  }

  facts(): Readonly<Record<string, number>> {
    const settled = (this.#families ?? []).map(({ settlement }) => settlement);
    const sum = (size: (one: (typeof settled)[number]) => number) =>
      settled.reduce((total, one) => total + size(one), 0);
    return {
      addresses: sum(({ size }) => size),
      virtualServers: this.#kernel?.servers.size ?? 0,
      draining: this.#kernel?.servers.waiting ?? 0,
      refused: sum(({ sizes }) => sizes.rejected),
      dropped: sum(({ sizes }) => sizes.dropped),
    };
  }

  /** The kernel goes on; what waits for its last connection is removed by the next one. */
  close(): void {
    this.#kernel?.close();
    this.#kernel = undefined;
    this.#families = undefined;
  }

  /** When another mode follows, connections go on until they end. */
  cleanup(successor?: ProxyMode): void {
    const { config } = this.#context;
    const view = this.#view ?? { cluster: clusterModel(config), node: NOWHERE };
    const kernel = this.#open();
    if (!this.#families) this.#find(kernel, view);
    this.#kernel = undefined;
    this.#families = undefined;
    if (successor !== undefined) {
      this.departure = depart(kernel, view);
      return;
    }
    kernel.clear();
    kernel.close();
  }

  /** A kernel without IPVS has no virtual servers, but may have the rest. */
  #find(kernel: IpvsKernel, { cluster }: Pick<ServicesView, 'cluster'>): void {
    try {
      kernel.adopt(cluster);
    } catch {
      return;
    }
  }

  #open(): IpvsKernel {
    this.#kernel ??= new IpvsKernel(this.#context);
    return this.#kernel;
  }
}

const NOWHERE: ServicesView['node'] = { name: '', addresses: [], nodePortAddresses: [], podCidrs: [] };
