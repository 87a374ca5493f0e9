import type { PlanEntry } from '@podwire/kube';
import { conflictsOf } from '../claims.ts';
import type { ServicesView } from '../model.ts';
import type { Changes, ProxyContext, ServiceProxy, Synced } from '../proxy.ts';
import { FAMILIES, KernelChains } from './apply.ts';
import type { FamilyChains } from './family-chains.ts';
import { FamilyProxy } from './family-proxy.ts';
import { limitsOf } from './limits.ts';
import { observeDrift } from './observe.ts';
import { planFamily } from './plan.ts';

/** The classic chains, by iptables-restore; a change rewrites the chains of its service. */
export function createIptablesProxy(context: ProxyContext): ServiceProxy {
  return new IptablesProxy(context);
}

class IptablesProxy implements ServiceProxy {
  readonly mode = 'iptables';
  readonly routesLoopback = true;
  readonly #kernel: KernelChains;
  readonly #families = FAMILIES.map((family) => new FamilyProxy(family));

  constructor(context: ProxyContext) {
    this.#kernel = new KernelChains(context);
  }

  async sync(view: ServicesView, changes: Changes, look: boolean): Promise<Synced> {
    let commands = 0;
    for (const family of this.#families)
      commands += (await family.sync(this.#kernel, { view, changes, look })).commands;
    return { commands };
  }

  plan(view: ServicesView): readonly PlanEntry[] {
    return this.#planned(view).flatMap(({ planned }) => planned?.entries().map((entry) => entry.describe()) ?? []);
  }

  diff(view: ServicesView): Promise<readonly PlanEntry[]> {
    return observeDrift(this.#kernel, this.#planned(view));
  }

  problems(view: ServicesView): readonly string[] {
    return this.#planned(view).flatMap(({ planned }) => (planned ? conflictsOf(planned.claims) : []));
  }

  limits(view: ServicesView): readonly string[] {
    return limitsOf(view.services.values(), view.node);
  }

  facts(): Readonly<Record<string, string | number>> {
    const planned = this.#families.flatMap((family) => family.planned ?? []);
    const sum = (size: (chains: FamilyChains) => number) => planned.reduce((total, one) => total + size(one), 0);
    return {
      variant: this.#kernel.variant ?? 'unknown',
      addresses: sum(({ claims }) => claims.size),
      chains: sum(({ sizes }) => sizes.chains),
      rules: sum(({ sizes }) => sizes.rules),
    };
  }

  /** Nothing is open between passes. */
  close(): void {}

  cleanup(): Promise<void> {
    return this.#kernel.delete();
  }

  /** As of the last pass, or before there was one, as the view has it. */
  #planned(view: ServicesView): Pick<FamilyProxy, 'family' | 'planned'>[] {
    if (this.#families.some(({ planned }) => planned)) return this.#families;
    return FAMILIES.map((family) => ({ family, planned: planFamily(view, family) }));
  }
}
