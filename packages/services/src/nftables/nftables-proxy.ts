import type { PlanEntry } from '@podwire/kube';
import { conflictsOf } from '../claims.ts';
import { familiesOf, type ServicesModel, type ServicesView } from '../model.ts';
import type { Changes, ProxyContext, ServiceProxy, Synced } from '../proxy.ts';
import { KernelRules } from './apply.ts';
import { FamilyRules } from './family-rules.ts';
import { observeDrift } from './observe.ts';
import { limitsOf, plan } from './plan.ts';

/** Shared maps and constant rules in one nft table per family; a change is a few elements. */
export function createNftablesProxy(context: ProxyContext): NftablesProxy {
  return new NftablesProxy(context);
}

export class NftablesProxy implements ServiceProxy {
  readonly mode = 'nftables';
  readonly routesLoopback = true;
  readonly #context: ProxyContext;
  #families: readonly FamilyRules[] | undefined;
  #kernel: KernelRules | undefined;

  constructor(context: ProxyContext) {
    this.#context = context;
  }

  sync(view: ServicesView, changes: Changes, look: boolean): Synced {
    const kernel = this.#rules();
    this.#families ??= this.#takeOver(view);
    const pass = { view, changes, look: look && kernel.touched() };
    try {
      let commands = 0;
      for (const family of this.#families) commands += family.sync(kernel, pass).commands;
      return { commands };
    } catch (error) {
      kernel.doubt();
      throw error;
    }
  }

  /** A family that is no longer in use may have left its table. */
  #takeOver({ cluster }: ServicesView): FamilyRules[] {
    const used = familiesOf(cluster);
    for (const family of ['ipv4', 'ipv6'] as const) if (!used.includes(family)) this.#rules().delete(family);
    return used.map((family) => new FamilyRules(family));
  }

  plan(view: ServicesView): readonly PlanEntry[] {
    return plan(modelOf(view)).entries;
  }

  diff(view: ServicesView): readonly PlanEntry[] {
    return observeDrift(this.#rules().nft, plan(modelOf(view)));
  }

  limits(view: ServicesView): readonly string[] {
    return limitsOf([...view.services.values()], view);
  }

  /** Which addresses of services belong to others already. */
  problems(view: ServicesView): readonly string[] {
    if (!this.#families) return plan(modelOf(view)).conflicts;
    return this.#families.flatMap(({ settlement }) => conflictsOf(settlement));
  }

  facts(): Readonly<Record<string, number>> {
    const total = (size: (rules: FamilyRules) => number): number =>
      (this.#families ?? []).reduce((sum, rules) => sum + size(rules), 0);
    return {
      addresses: total(({ settlement }) => settlement.size),
      slots: total(({ settlement }) => settlement.sizes.ep),
      refused: total(({ settlement }) => settlement.sizes.rejected),
      dropped: total(({ settlement }) => settlement.sizes.dropped),
    };
  }

  close(): void {
    this.#kernel?.close();
    this.#kernel = undefined;
    this.#families = undefined;
  }

  cleanup(): void {
    for (const family of ['ipv4', 'ipv6'] as const) this.#rules().delete(family);
    this.#families = undefined;
  }

  #rules(): KernelRules {
    this.#kernel ??= new KernelRules(this.#context);
    return this.#kernel;
  }
}

function modelOf({ cluster, node, services, foreign, peers }: ServicesView): ServicesModel {
  return { cluster, node, peers, services: [...services.values()], foreignAddresses: [...foreign.values()].flat() };
}
