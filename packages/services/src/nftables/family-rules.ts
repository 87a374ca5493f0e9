import type { Family } from '@podwire/base';
import type { ElementChange, Table } from '@podwire/nft';
import type { ServicesView } from '../model.ts';
import { NOBODY, type Peers } from '../peers.ts';
import type { Changes, Synced } from '../proxy.ts';
import { planConstants, planForeign } from '../ruleset/constants.ts';
import type { ServicePlan } from '../ruleset/service-plan.ts';
import { type Exchange, type SettledChange, Settlement } from '../ruleset/settlement.ts';
import { entriesBefore, type UdpEntries } from '../stale-flow.ts';
import { type ChoiceChains, choiceChains } from './choice-chains.ts';
import { nodeChanges } from './direct-sets.ts';
import { tableOf } from './plan.ts';
import { planService } from './service-plan.ts';

/** Where a family's table is written to. */
export interface TableWriter {
  /** Returns the number of commands. `look`: compare with what is there instead of trusting what was written last. */
  apply(table: Table, look: boolean): number;
  change(family: Family, changes: readonly ElementChange[]): number;
  /** Forgets UDP flows led astray by older rules (SVC-25); with all entries, or with those that are not as before. */
  forgetFlows(before: UdpEntries | undefined, after: UdpEntries): void;
}

/** What is to be brought in step. */
export interface Pass {
  readonly view: ServicesView;
  readonly changes: Changes;
  readonly look: boolean;
}

/**
 * One family's table and the plans it is made of, kept so that a change costs what changed. The table as a whole is made
 * only when everything is new, when it is compared with the kernel, and when a way to choose needs chains.
 */
export class FamilyRules {
  readonly #family: Family;
  readonly #plans = new Map<string, ServicePlan>();
  #settlement: Settlement | undefined;
  #choices: ChoiceChains | undefined;
  /** Those whose marks are in the table, when it has any. */
  #peers: Peers = NOBODY;
  /** Set while the kernel may not have what is settled: the UDP entries of the rules it had last, if any are known. */
  #unwritten: { readonly udp: UdpEntries | undefined } | undefined;

  constructor(family: Family) {
    this.#family = family;
  }

  get settlement(): Settlement {
    this.#settlement ??= new Settlement();
    return this.#settlement;
  }

  sync(writer: TableWriter, { view, changes, look }: Pass): Synced {
    if (changes === 'all' || !this.#settlement || this.#unwritten) return this.#syncAll(writer, view, look);
    const change = this.#exchange(this.#settlement, view, changes);
    try {
      const commands =
        look || this.#needChains(change)
          ? writer.apply(this.#table(this.#settlement, view), look)
          : writer.change(this.#family, [...change.elements, ...this.#movedPeers(view)]);
      writer.forgetFlows(change.udpBefore, change.udpAfter);
      return { commands };
    } catch (error) {
      this.#unwritten = { udp: entriesBefore(this.#settlement.udp(), change) };
      throw error;
    }
  }

  #syncAll(writer: TableWriter, view: ServicesView, look: boolean): Synced {
    this.#unwritten ??= { udp: this.#settlement?.udp() };
    this.#plans.clear();
    for (const key of [...view.services.keys(), ...view.foreign.keys()].sort()) {
      const plan = this.#plan(view, key);
      if (plan) this.#plans.set(key, plan);
    }
    const settlement = new Settlement([planConstants(view, this.#family), ...this.#plans.values()]);
    this.#settlement = settlement;
    const commands = writer.apply(this.#table(settlement, view), look);
    writer.forgetFlows(this.#unwritten.udp, settlement.udp());
    this.#unwritten = undefined;
    return { commands };
  }

  #exchange(settlement: Settlement, view: ServicesView, changes: ReadonlySet<string>): SettledChange {
    const exchanges: Exchange[] = [];
    for (const key of changes) {
      const before = this.#plans.get(key);
      const after = this.#plan(view, key);
      if (after) this.#plans.set(key, after);
      else this.#plans.delete(key);
      exchanges.push({ before, after });
    }
    return settlement.exchange(exchanges);
  }

  #plan({ cluster, services, foreign, node, peers }: ServicesView, key: string): ServicePlan | undefined {
    const service = services.get(key);
    if (service) return planService(service, { cluster, node, family: this.#family, peers });
    const addresses = foreign.get(key);
    return addresses && planForeign(key, addresses, this.#family);
  }

  #needChains({ otherChoices }: SettledChange): boolean {
    if (!otherChoices) return false;
    const { signature } = choiceChains(this.settlement.choices, this.#family, this.#choices);
    return signature !== this.#choices?.signature;
  }

  #movedPeers({ node, peers = NOBODY }: ServicesView): ElementChange[] {
    const before = this.#peers;
    if (peers === before || !this.#choices?.direct) return [];
    this.#peers = peers;
    return nodeChanges(this.#family, node, [before, peers]);
  }

  #table(settlement: Settlement, { node, peers = NOBODY }: ServicesView) {
    this.#choices = choiceChains(settlement.choices, this.#family, this.#choices);
    this.#peers = peers;
    return tableOf(settlement, { node, family: this.#family, peers }, this.#choices);
  }
}
