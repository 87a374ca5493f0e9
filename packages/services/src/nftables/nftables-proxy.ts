import type { PlanEntry } from '@podwire/kube';
import { type Nft, openNft } from '@podwire/nft';
import type { ServicesView } from '../model.ts';
import type { Changes, ProxyContext, ServiceProxy, Synced } from '../proxy.ts';
import { KernelRules } from './apply.ts';
import { observeDrift } from './observe.ts';
import { assemble, type Desired, tooMany } from './plan.ts';
import { planService, type ServicePlan } from './service-plan.ts';

/** Shared maps and constant rules in one nft table; a change is a few elements. */
export function createNftablesProxy(context: ProxyContext): ServiceProxy {
  return new NftablesProxy(context);
}

class NftablesProxy implements ServiceProxy {
  readonly mode = 'nftables';
  readonly #context: ProxyContext;
  readonly #plans = new Map<string, ServicePlan>();
  #rules: KernelRules | undefined;
  #nft: Nft | undefined;
  #desired: Desired | undefined;

  constructor(context: ProxyContext) {
    this.#context = context;
  }

  sync(view: ServicesView, changes: Changes, look: boolean): Synced {
    this.#rules ??= new KernelRules(this.#openNft(), this.#context.netns);
    return this.#rules.apply(this.#planned(view, changes), look);
  }

  plan(view: ServicesView): readonly PlanEntry[] {
    return (this.#desired ?? this.#planned(view, 'all')).entries;
  }

  diff(view: ServicesView): readonly PlanEntry[] {
    return observeDrift(this.#openNft(), this.#desired ?? this.#planned(view, 'all'));
  }

  problems(view: ServicesView): readonly string[] {
    return (this.#desired ?? this.#planned(view, 'all')).problems;
  }

  facts(): Readonly<Record<string, number>> {
    const sets = this.#desired?.table.sets ?? [];
    const size = (name: string): number => sets.find((set) => set.name === name)?.elements.length ?? 0;
    return {
      addresses: this.#desired?.entries.length ?? 0,
      slots: size('ep'),
      refused: size('rejected'),
      dropped: size('dropped'),
    };
  }

  close(): void {
    if (this.#rules) this.#rules.close();
    else this.#nft?.close();
    this.#rules = undefined;
    this.#nft = undefined;
  }

  cleanup(): void {
    new KernelRules(this.#openNft(), this.#context.netns).delete();
  }

  #openNft(): Nft {
    this.#nft ??= openNft(this.#context.netns);
    return this.#nft;
  }

  /** Plans what changed and joins it with the rest. */
  #planned(view: ServicesView, changes: Changes): Desired {
    if (changes === 'all') this.#plans.clear();
    for (const key of changes === 'all' ? view.services.keys() : changes) {
      const service = view.services.get(key);
      if (service) this.#plans.set(key, planService(service, view.node));
      else this.#plans.delete(key);
    }
    const { cluster, node, services, foreign } = view;
    this.#desired = assemble(
      { cluster, node, foreignAddresses: [...foreign.values()].flat() },
      { services: this.#plans.values(), problems: tooMany(services.values()), previous: this.#desired },
    );
    return this.#desired;
  }
}
