import type { Family } from '@podwire/base';
import type { IpvsServiceKey } from '@podwire/kernel/genetlink';
import type { ElementChange, SetElement, Table } from '@podwire/nft';
import type { ServicesView } from '../model.ts';
import type { Changes, Synced } from '../proxy.ts';
import { type Exchange, type SettledChange, Settlement } from '../ruleset/settlement.ts';
import { entriesBefore, type UdpEntries } from '../stale-flow.ts';
import type { KernelServers } from './apply.ts';
import type { IpvsKernel } from './ipvs-kernel.ts';
import { DRAINING, type EntryKey, entryId, INWARD, keyOnly, TABLES } from './layout.ts';
import { MarkNumbers } from './mark-numbers.ts';
import { familyOfKey, type ObservedEntries } from './observe.ts';
import { planKey, serversOf, settle, sortedKeys, tableOf } from './plan.ts';
import type { IpvsPlan } from './service-plan.ts';
import type { VirtualServer } from './virtual-server.ts';

/** What is to be brought in step. */
export interface Pass {
  readonly view: ServicesView;
  readonly changes: Changes;
  readonly look: boolean;
}

/** One change, as it is brought to the kernel. */
interface Written {
  readonly servers: Iterable<VirtualServer>;
  /** Ids of those that go. */
  readonly removed: ReadonlySet<string>;
  readonly change: SettledChange;
}

/**
 * One family's virtual servers and table, and the plans they are made of, kept so that a change costs what changed.
 *
 *   virtual servers that come ─▶ elements of the table ─▶ virtual servers that go ─▶ those that could not go yet
 */
export class FamilyServers {
  readonly family: Family;
  readonly #plans = new Map<string, IpvsPlan>();
  readonly #marks = new MarkNumbers();
  readonly #desired = new Map<string, VirtualServer>();
  /** As the table has them. */
  #draining = new Map<string, SetElement>();
  /** Those an earlier process left; kept as long as anything drains. */
  #inherited: readonly EntryKey[];
  #settlement: Settlement | undefined;
  /** Set while the kernel may not have what is settled: the UDP entries of the rules it had last, if any are known. */
  #unwritten: { readonly udp: UdpEntries | undefined } | undefined;

  /** `observed`: what an earlier process wrote; the virtual servers it left have been looked at. */
  constructor(family: Family, { marks, draining }: ObservedEntries, { held }: KernelServers) {
    this.family = family;
    this.#inherited = draining;
    for (const [key, mark] of marks) this.#marks.adopt(entryId(key), mark);
    for (const { key } of held) if ('fwmark' in key && this.#isOf(key)) this.#marks.reserve(key.fwmark);
  }

  get settlement(): Settlement {
    this.#settlement ??= new Settlement();
    return this.#settlement;
  }

  get servers(): readonly VirtualServer[] {
    return [...this.#desired.values()];
  }

  /** What the table is by now. */
  table({ node }: ServicesView): Table {
    return tableOf(this.settlement, node, this.family, [...this.#draining.values()]);
  }

  sync(kernel: IpvsKernel, pass: Pass): Synced {
    if (pass.changes === 'all' || !this.#settlement || pass.look || this.#unwritten) return this.#syncAll(kernel, pass);
    return this.#change(kernel, pass.view, pass.changes, this.#settlement);
  }

  #syncAll(kernel: IpvsKernel, { view, look }: Pass): Synced {
    this.#unwritten ??= { udp: this.#settlement?.udp() };
    this.#plans.clear();
    for (const key of sortedKeys(view)) {
      const plan = this.#plan(view, key);
      if (plan) this.#plans.set(key, plan);
    }
    const settlement = settle(view, this.family, this.#plans.values());
    this.#settlement = settlement;
    this.#desired.clear();
    let commands = 0;
    for (const server of serversOf(settlement, this.#plans.values())) {
      this.#desired.set(server.id, server);
      commands += kernel.servers.bring(server);
    }
    const going = kernel.servers.held.filter(({ id, key }) => this.#isOf(key) && !this.#desired.has(id));
    this.#draining = elementsOf([...this.#inherited, ...going.flatMap(({ entry }) => (entry ? [entry] : []))]);
    if (look) kernel.nft.forget(TABLES[this.family].family, TABLES[this.family].name);
    commands += kernel.nft.apply(this.table(view)).commands;
    for (const { id } of going) commands += kernel.servers.remove(id);
    commands += this.settle(kernel);
    this.#freeMarks(kernel);
    kernel.flows.forget(this.#unwritten.udp, settlement.udp());
    this.#unwritten = undefined;
    return { commands };
  }

  #change(kernel: IpvsKernel, view: ServicesView, changes: ReadonlySet<string>, settlement: Settlement): Synced {
    const exchanges: Exchange[] = [];
    const [removed, added] = [new Set<string>(), new Map<string, VirtualServer>()];
    const ids = new Set<string>();
    for (const key of changes) {
      const before = this.#plans.get(key);
      const after = this.#plan(view, key);
      for (const { id } of [...(before?.entries ?? []), ...(after?.entries ?? [])]) ids.add(id);
      exchanges.push({ before, after });
    }
    for (const id of ids) for (const { id: server } of this.#serversFor(id, settlement)) removed.add(server);
    for (const [i, key] of [...changes].entries()) {
      const after = exchanges[i]?.after as IpvsPlan | undefined;
      if (after) this.#plans.set(key, after);
      else this.#plans.delete(key);
    }
    const change = settlement.exchange(exchanges);
    for (const id of ids) for (const server of this.#serversFor(id, settlement)) added.set(server.id, server);
    for (const server of added.values()) {
      removed.delete(server.id);
      this.#desired.set(server.id, server);
    }
    for (const id of removed) this.#desired.delete(id);
    try {
      const commands = this.#write(kernel, { servers: added.values(), removed, change });
      kernel.flows.forget(change.udpBefore, change.udpAfter);
      return { commands };
    } catch (error) {
      this.#unwritten = { udp: entriesBefore(settlement.udp(), change) };
      throw error;
    }
  }

  #write(kernel: IpvsKernel, { servers, removed, change }: Written): number {
    let commands = 0;
    for (const server of servers) commands += kernel.servers.bring(server);
    const going = [...removed].map((id) => kernel.servers.get(id)?.entry).filter((entry) => entry !== undefined);
    const draining = this.#drainingChange([...this.#leaving(kernel), ...going]);
    commands += kernel.nft.change(TABLES[this.family], [...change.elements.flatMap(withInward), draining]).commands;
    for (const id of removed) commands += kernel.servers.remove(id);
    commands += this.settle(kernel);
    if ([...removed].some((id) => id.startsWith('mark'))) this.#freeMarks(kernel);
    return commands;
  }

  /** Takes entries whose last connection has ended out of the table; returns the number of commands. */
  settle(kernel: IpvsKernel): number {
    const leaving = this.#leaving(kernel);
    if (leaving.length === 0) this.#inherited = [];
    const change = this.#drainingChange(leaving);
    if (change.remove.length + change.add.length === 0) return 0;
    return kernel.nft.change(TABLES[this.family], [change]).commands;
  }

  #leaving({ servers }: IpvsKernel): EntryKey[] {
    return servers.leaving.flatMap(({ key, entry }) => (entry && this.#isOf(key) ? [entry] : []));
  }

  #freeMarks({ servers }: IpvsKernel): void {
    const marks = servers.held.flatMap(({ key }) => ('fwmark' in key && this.#isOf(key) ? [key.fwmark] : []));
    this.#marks.keep(new Set(marks), (id) => this.settlement.has(id));
  }

  /** From the entries that drain by now to these. */
  #drainingChange(keys: readonly EntryKey[]) {
    const before = this.#draining;
    this.#draining = elementsOf([...this.#inherited, ...keys]);
    return {
      set: DRAINING,
      remove: [...before].flatMap(([id, element]) => (this.#draining.has(id) ? [] : [element])),
      add: [...this.#draining].flatMap(([id, element]) => (before.has(id) ? [] : [element])),
    };
  }

  #serversFor(id: string, settlement: Settlement): readonly VirtualServer[] {
    const winner = settlement.winner(id);
    return (winner && this.#plans.get(winner.service)?.servers.get(winner)) ?? [];
  }

  #isOf(key: IpvsServiceKey): boolean {
    return familyOfKey(key) === this.family;
  }

  #plan(view: ServicesView, key: string): IpvsPlan | undefined {
    return planKey(view, key, { family: this.family, markOf: (id) => this.#marks.of(id) });
  }
}

const elementsOf = (keys: readonly EntryKey[]): Map<string, SetElement> =>
  new Map(keys.map((key) => [entryId(key), { key }]));

/** What is written to a map that cannot be asked for a key goes into its set of keys too. */
function withInward(change: {
  readonly set: string;
  readonly add: SetElement[];
  readonly remove: SetElement[];
}): ElementChange[] {
  if (change.set !== 'inside') return [change];
  return [change, { set: INWARD, add: change.add.map(keyOnly), remove: change.remove.map(keyOnly) }];
}
