import type { Family } from '@podwire/base';
import type { PlanEntry } from '@podwire/kube';
import { describeEntry } from '../entry.ts';
import { familiesOf, type ServicesView } from '../model.ts';
import type { Changes, ProxyContext, ServiceProxy, Synced } from '../proxy.ts';
import { FAMILIES, KernelChains, type PerFamily } from './apply.ts';
import { BALANCES, limitsOf } from './limits.ts';
import { observeDrift } from './observe.ts';
import { assemble, type Desired, UNUSED } from './plan.ts';
import { planService, type ServicePlan } from './service-plan.ts';

/** The classic chains, by iptables-restore; a change rewrites the chains of its service. */
export function createIptablesProxy(context: ProxyContext): ServiceProxy {
  return new IptablesProxy(context);
}

class IptablesProxy implements ServiceProxy {
  readonly mode = 'iptables';
  readonly routesLoopback = true;
  readonly #kernel: KernelChains;
  readonly #plans: PerFamily<Map<string, ServicePlan>> = { ipv4: new Map(), ipv6: new Map() };
  #desired: PerFamily<Desired> | undefined;

  constructor({ netns }: ProxyContext) {
    this.#kernel = new KernelChains(netns);
  }

  sync(view: ServicesView, changes: Changes, look: boolean): Promise<Synced> {
    return this.#kernel.apply(this.#planned(view, changes), look);
  }

  plan(view: ServicesView): readonly PlanEntry[] {
    const desired = this.#current(view);
    return FAMILIES.flatMap((family) =>
      desired[family].entries.map((entry) => ({ what: describeEntry(entry, BALANCES), why: entry.why })),
    );
  }

  diff(view: ServicesView): Promise<readonly PlanEntry[]> {
    return observeDrift(this.#kernel, this.#current(view));
  }

  problems(view: ServicesView): readonly string[] {
    const desired = this.#current(view);
    const conflicts = FAMILIES.flatMap((family) => desired[family].problems);
    return [...conflicts, ...limitsOf(view.services.values(), view.node)];
  }

  facts(): Readonly<Record<string, string | number>> {
    const all = FAMILIES.map((family) => this.#desired?.[family]).filter((one) => one !== undefined);
    const sum = (size: (desired: Desired) => number) => all.reduce((total, one) => total + size(one), 0);
    return {
      variant: this.#kernel.variant ?? 'unknown',
      addresses: sum(({ entries }) => entries.length),
      chains: sum(({ chains }) => chains.size),
      rules: sum(({ chains }) => [...chains.values()].reduce((total, rules) => total + rules.length, 0)),
    };
  }

  close(): void {
    this.#kernel.close();
  }

  cleanup(): Promise<void> {
    return this.#kernel.delete();
  }

  #current(view: ServicesView): PerFamily<Desired> {
    return this.#desired ?? this.#planned(view, 'all');
  }

  #planned(view: ServicesView, changes: Changes): PerFamily<Desired> {
    this.#desired = { ipv4: this.#plannedOf('ipv4', view, changes), ipv6: this.#plannedOf('ipv6', view, changes) };
    return this.#desired;
  }

  /** Plans what changed and joins it with the rest. */
  #plannedOf(family: Family, view: ServicesView, changes: Changes): Desired {
    if (!familiesOf(view.cluster).includes(family)) return UNUSED;
    const plans = this.#plans[family];
    const where = { cluster: view.cluster, node: view.node, family };
    if (changes === 'all') plans.clear();
    for (const key of changes === 'all' ? view.services.keys() : changes) {
      const service = view.services.get(key);
      if (service) plans.set(key, planService(service, where));
      else plans.delete(key);
    }
    return assemble({ ...where, foreignAddresses: [...view.foreign.values()].flat() }, plans.values());
  }
}
