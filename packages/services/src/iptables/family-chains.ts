import { Claims, udpOf } from '../claims.ts';
import type { UdpEntries } from '../stale-flow.ts';
import { type ChainChange, type Chains, compareChains, countRules, spliceChain } from './chain-change.ts';
import { type ChainId, chainId, partsOf as partsOfId } from './layout.ts';
import { type Chain, linesOf, type Rule } from './rule.ts';
import { type EntryPlan, PLACES, type Place, type PlacedRule, type ServicePlan } from './service-plan.ts';
import { SharedChain } from './shared-chain.ts';

/** What stands in chains whatever the services are. */
export interface Frame {
  /** Chains that no service writes to. */
  readonly chains: readonly Chain[];
  /** In chains that services share: before what they write, and after it. */
  readonly before: readonly PlacedRule[];
  readonly after: readonly PlacedRule[];
}

/** What an exchange of some services' plans for others comes to. */
export interface ChainsChange {
  readonly chains: readonly ChainChange[];
  /** The UDP entries it is about, as they were and as they are. */
  readonly udpBefore: UdpEntries;
  readonly udpAfter: UdpEntries;
}

/** Lines for shared chains. */
type Parts = ReadonlyMap<Place, string>;
const NONE: Chains = new Map();

/**
 * One family's chains and the plans they are made of, kept so that a change costs what changed:
 *
 *   frame ──────────────────┬──▶ fixed chains
 *   plans ─ who has what? ──┼──▶ a part of each chain that services share
 *                           └──▶ chains of their own
 *
 * What it holds depends on the plans that are in, not on how they came.
 */
export class FamilyChains {
  readonly #frame: Frame;
  readonly #plans: Map<string, ServicePlan>;
  readonly #claims: Claims<EntryPlan>;
  readonly #shared: ReadonlyMap<Place, SharedChain>;

  /** Plans by key: `namespace/name`. */
  constructor(frame: Frame, plans: ReadonlyMap<string, ServicePlan>) {
    this.#frame = frame;
    this.#plans = new Map(plans);
    this.#claims = new Claims(plans.values());
    const parts = new Map(PLACES.map((place) => [place, new Map<string, string>()]));
    const add = (key: string, rules: Parts): void => {
      for (const [place, part] of rules) parts.get(place)?.set(key, part);
    };
    add(BEFORE, partsOf(frame.before));
    for (const [key, plan] of plans) add(partKey(key, plan), this.#partsOf(plan));
    add(AFTER, partsOf(frame.after));
    this.#shared = new Map([...parts].map(([place, all]) => [place, new SharedChain(all)]));
  }

  /** Every chain of ours, and our rules in the kernel's chains; fixed ones first, then by service. */
  chains(): Chains {
    const chains = new Map<ChainId, string>();
    for (const chain of this.#frame.chains) chains.set(chainId(chain), linesOf(chain.name, chain.rules));
    for (const [place, shared] of this.#shared) chains.set(place, shared.rules());
    for (const plan of this.#sorted()) for (const [id, rules] of plan.chains) chains.set(id, rules);
    return chains;
  }

  /** Those that take effect, by service. */
  entries(): EntryPlan[] {
    return this.#sorted().flatMap(({ entries }) => entries.filter((one) => this.#wins(one)));
  }

  get claims(): Pick<Claims<EntryPlan>, 'size' | 'conflicts' | 'udp'> {
    return this.#claims;
  }

  get sizes(): { readonly chains: number; readonly rules: number } {
    const sizes = { chains: this.#frame.chains.length + this.#shared.size, rules: 0 };
    for (const { rules } of this.#frame.chains) sizes.rules += rules.length;
    for (const { length } of this.#shared.values()) sizes.rules += length;
    for (const { chains } of this.#plans.values()) {
      sizes.chains += chains.size;
      for (const lines of chains.values()) sizes.rules += countRules(lines);
    }
    return sizes;
  }

  /** Other plans, or none, for some keys. */
  exchange(plans: ReadonlyMap<string, ServicePlan | undefined>): ChainsChange {
    const exchanges = [...plans].map(([key, after]) => ({ before: this.#plans.get(key), after }));
    const winners = this.#claims.exchange(exchanges);
    for (const [key, plan] of plans) {
      if (plan) this.#plans.set(key, plan);
      else this.#plans.delete(key);
    }
    const services = new Set<string>();
    for (const { before, after } of winners.values())
      for (const entry of [before, after]) if (entry) services.add(entry.service);
    const own = exchanges.flatMap(({ before, after }) => compareChains(before?.chains ?? NONE, after?.chains ?? NONE));
    const chains = [...this.#sharedChanges(exchanges, services), ...own];
    return { chains, ...udpOf(winners) };
  }

  /** `services`: also those that win or lose an address because others changed. */
  #sharedChanges(
    exchanges: readonly { readonly before: ServicePlan | undefined; readonly after: ServicePlan | undefined }[],
    services: ReadonlySet<string>,
  ): ChainChange[] {
    const parts = new Map(PLACES.map((place) => [place, new Map<string, string>()]));
    const put = (key: string, rules: Parts): void => {
      for (const [place, changed] of parts) changed.set(key, rules.get(place) ?? '');
    };
    for (const { before } of exchanges) if (before) put(partKey(before.service, before), new Map());
    for (const { after } of exchanges) if (after) put(partKey(after.service, after), this.#partsOf(after));
    for (const key of services) {
      const plan = this.#plans.get(key);
      if (plan) put(partKey(key, plan), this.#partsOf(plan));
    }
    return [...this.#shared].flatMap(([place, chain]) => {
      const splices = chain.replace(parts.get(place) ?? new Map());
      return splices.length ? [spliceChain(place, splices, chain)] : [];
    });
  }

  /** What the service writes into each of the shared chains. */
  #partsOf(plan: ServicePlan): Parts {
    const effective = plan.entries.filter((entry) => this.#wins(entry));
    return partsOf(plan.placed(effective.map(({ entry }) => entry)));
  }

  #wins(entry: EntryPlan): boolean {
    return this.#claims.winner(entry.id) === entry;
  }

  #sorted(): ServicePlan[] {
    return [...this.#plans].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, plan]) => plan);
  }
}

function partsOf(placed: readonly PlacedRule[]): Parts {
  const rules = new Map<Place, Rule[]>();
  for (const [place, rule] of placed) {
    const list = rules.get(place);
    if (list) list.push(rule);
    else rules.set(place, [rule]);
  }
  const parts = new Map<Place, string>();
  for (const [place, list] of rules) parts.set(place, linesOf(NAME[place], list));
  return parts;
}

const NAME = Object.fromEntries(PLACES.map((place) => [place, partsOfId(place).name])) as Record<Place, string>;

/** Keys of parts: the first sign puts them in order. */
const BEFORE = '0';
const AFTER = '3';
/** Addresses that are somebody else's come before rules that refuse whatever is left. */
const partKey = (key: string, { foreign }: ServicePlan): string => `${foreign ? 1 : 2}${key}`;
