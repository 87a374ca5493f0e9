import type { Family } from '@podwire/base';
import type { Table } from '@podwire/nft';
import type { ServicesView } from '../model.ts';
import type { Synced } from '../proxy.ts';
import type { ServicePlan } from '../ruleset/service-plan.ts';
import type { Exchange, Settlement } from '../ruleset/settlement.ts';
import { entriesBefore, type UdpEntries } from '../stale-flow.ts';
import type { KernelCapture } from './apply.ts';
import { LISTENERS } from './layout.ts';
import type { ListenerPlan, PortOf } from './listener-plan.ts';
import { listenerElement, settle, tableOf } from './plan.ts';
import type { RelayPlan } from './service-plan.ts';

/** One family's part of a pass: what services want now, with their listeners open. */
export interface Pass {
  readonly view: ServicesView;
  readonly kernel: KernelCapture;
  readonly portOf: PortOf;
  /** By service; undefined where one has gone. All of them, or those that changed. */
  readonly plans: ReadonlyMap<string, RelayPlan | undefined>;
  readonly look: boolean;
}

/** One family's table and the plans it is made of, kept so that a change costs what changed. */
export class FamilyCapture {
  readonly family: Family;
  readonly #plans = new Map<string, ServicePlan>();
  readonly #relays = new Map<string, RelayPlan>();
  readonly #listeners = new Map<string, ListenerPlan>();
  #settlement: Settlement | undefined;
  /** Set while the kernel may not have what is settled: the UDP entries of the rules it had last, if any are known. */
  #unwritten: { readonly udp: UdpEntries | undefined } | undefined;

  constructor(family: Family) {
    this.family = family;
  }

  get settlement(): Settlement | undefined {
    return this.#settlement;
  }

  /** Listeners in use. */
  get listeners(): ReadonlyMap<string, ListenerPlan> {
    return this.#listeners;
  }

  /** What the table is by now. */
  table(portOf: PortOf): Table | undefined {
    return this.#settlement && tableOf(this.#settlement, this.family, { listeners: this.#listeners, portOf });
  }

  /** Everything is planned anew. */
  syncAll({ view, kernel, portOf, plans, look }: Pass): Synced {
    this.#unwritten ??= { udp: this.#settlement?.udp() };
    this.#plans.clear();
    this.#relays.clear();
    this.#listeners.clear();
    for (const key of [...plans.keys()].sort()) this.#enter(key, plans.get(key), portOf);
    const settlement = settle(view, this.family, this.#plans.values());
    this.#settlement = settlement;
    const commands = kernel.apply(tableOf(settlement, this.family, { listeners: this.#listeners, portOf }), look);
    kernel.forgetFlows(this.#unwritten.udp, settlement.udp());
    this.#unwritten = undefined;
    return { commands };
  }

  /** `ended`: listeners that nothing leads to any more. */
  sync(settlement: Settlement, { kernel, portOf, plans, look }: Pass): Synced & { readonly ended: readonly string[] } {
    const exchanges: Exchange[] = [];
    const [removed, added] = [new Map<string, ListenerPlan>(), new Map<string, ListenerPlan>()];
    for (const [key, plan] of plans) {
      const before = this.#plans.get(key);
      for (const listener of this.#relays.get(key)?.listeners ?? []) removed.set(listener.id, listener);
      for (const listener of plan?.listeners ?? []) added.set(listener.id, listener);
      this.#leave(key);
      exchanges.push({ before, after: this.#enter(key, plan, portOf) });
    }
    const change = settlement.exchange(exchanges);
    const elementsOf = (listeners: ReadonlyMap<string, ListenerPlan>) =>
      [...listeners.values()].flatMap((listener) => listenerElement(listener, this.family, portOf));
    const listening = { set: LISTENERS, remove: elementsOf(removed), add: elementsOf(added) };
    const ended = [...removed.keys()].filter((id) => !added.has(id));
    try {
      const commands = look
        ? kernel.apply(tableOf(settlement, this.family, { listeners: this.#listeners, portOf }), true)
        : kernel.change(this.family, [...change.elements, listening]);
      kernel.forgetFlows(change.udpBefore, change.udpAfter);
      return { commands, ended };
    } catch (error) {
      this.#unwritten = { udp: entriesBefore(settlement.udp(), change) };
      throw error;
    }
  }

  #enter(key: string, relay: RelayPlan | undefined, portOf: PortOf): ServicePlan | undefined {
    if (!relay) return undefined;
    const plan = relay.elements(portOf);
    this.#plans.set(key, plan);
    this.#relays.set(key, relay);
    for (const listener of relay.listeners) this.#listeners.set(listener.id, listener);
    return plan;
  }

  #leave(key: string): void {
    for (const { id } of this.#relays.get(key)?.listeners ?? []) this.#listeners.delete(id);
    this.#plans.delete(key);
    this.#relays.delete(key);
  }
}
