import { type Family, prefixContains } from '@podwire/base';
import { DatagramBatch } from '@podwire/kernel';
import type { PlanEntry } from '@podwire/kube';
import { conflictsOf } from '../claims.ts';
import { familiesOf, isOf, type NodeModel, type ServicesView } from '../model.ts';
import type { Changes, ProxyContext, ServiceProxy, Synced } from '../proxy.ts';
import { KernelCapture } from './apply.ts';
import { FamilyCapture } from './family-capture.ts';
import { type ListenerPlan, serviceOfListener } from './listener-plan.ts';
import { observeDrift } from './observe.ts';
import { limitsOf, plan, planKey, unaddressed } from './plan.ts';
import { LIMITS, newCounters, type RelayContext } from './relay.ts';
import { Relays } from './relays.ts';
import type { RelayPlan } from './service-plan.ts';

/** Connections come to listeners of this program, which relays them; one nft table per family brings them there. */
export function createUserspaceProxy(context: ProxyContext): ServiceProxy {
  return new UserspaceProxy(context);
}

class UserspaceProxy implements ServiceProxy {
  readonly mode = 'userspace';
  readonly #context: ProxyContext;
  readonly #counters = newCounters();
  readonly #relays: Relays;
  #families: readonly FamilyCapture[] | undefined;
  #kernel: KernelCapture | undefined;
  #node: NodeModel | undefined;

  constructor(context: ProxyContext) {
    this.#context = context;
    const relaying: RelayContext = {
      netns: context.netns,
      limits: LIMITS,
      counters: this.#counters,
      batch: new DatagramBatch({ count: 16, size: 65_535 }),
      source: (endpoint) => this.#node && sourceFor(endpoint, this.#node),
      captured: ({ address, port }, protocol) =>
        this.#families?.some(({ settlement }) => settlement?.has(`${address} ${protocol} ${port}`)) ?? false,
    };
    this.#relays = new Relays(relaying);
  }

  /** Listeners first, then the rules that lead to them; those that nothing leads to any more are closed last. */
  async sync(view: ServicesView, changes: Changes, look: boolean): Promise<Synced> {
    this.#node = view.node;
    const kernel = this.#capture();
    this.#families ??= this.#takeOver(view);
    const keys = changes === 'all' ? [...view.services.keys(), ...view.foreign.keys()] : this.#concerned(changes, look);
    const planned = this.#families.map((family) => ({ family, plans: plansOf(view, keys, family.family) }));
    const synced = { commands: 0, flowsForgotten: await this.#relays.bring(listenersOf(planned)) };
    const { portOf } = this.#relays;
    const ended: string[] = [];
    for (const { family, plans } of planned) {
      const pass = { view, kernel, portOf, plans, look };
      const { settlement } = family;
      const done: Synced & { readonly ended?: readonly string[] } =
        changes === 'all' || !settlement ? family.syncAll(pass) : family.sync(settlement, pass);
      synced.commands += done.commands;
      ended.push(...(done.ended ?? []));
    }
    if (changes === 'all') this.#relays.stopAllBut(this.#families.map(({ listeners }) => listeners));
    for (const id of ended) this.#relays.stop(id);
    const unfinished = unfinishedOf(this.#relays.closed);
    return unfinished === undefined ? synced : { ...synced, unfinished };
  }

  /** When the kernel is looked at, listeners that could not be opened are tried again. */
  #concerned(changes: ReadonlySet<string>, look: boolean): string[] {
    const again = look ? [...this.#relays.closed.keys()].map(serviceOfListener) : [];
    return [...new Set([...changes, ...again])];
  }

  /** A family that is no longer in use may have left its table. */
  #takeOver({ cluster }: ServicesView): FamilyCapture[] {
    const used = familiesOf(cluster);
    for (const family of ['ipv4', 'ipv6'] as const) if (!used.includes(family)) this.#capture().delete(family);
    return used.map((family) => new FamilyCapture(family));
  }

  plan(view: ServicesView): readonly PlanEntry[] {
    return plan(view).entries;
  }

  diff(): readonly PlanEntry[] {
    const tables = (this.#families ?? []).flatMap((family) => family.table(this.#relays.portOf) ?? []);
    return observeDrift(this.#capture().nft, tables);
  }

  problems(view: ServicesView): readonly string[] {
    if (!this.#families) return plan(view).problems;
    const settled = this.#families.flatMap(({ settlement }) => settlement ?? []);
    return [...unaddressed(view), ...settled.flatMap(conflictsOf)];
  }

  limits(view: ServicesView): readonly string[] {
    return limitsOf(view);
  }

  facts(): Readonly<Record<string, number>> {
    const settled = (this.#families ?? []).flatMap(({ settlement }) => settlement ?? []);
    const sum = (size: (one: (typeof settled)[number]) => number) =>
      settled.reduce((total, one) => total + size(one), 0);
    return {
      addresses: sum(({ size }) => size),
      listeners: this.#relays.size,
      refused: sum(({ sizes }) => sizes.rejected),
      dropped: sum(({ sizes }) => sizes.dropped),
      ...this.#counters,
    };
  }

  /** The rules stay, and refuse: nobody listens. */
  close(): void {
    this.#relays.close();
    this.#kernel?.close();
    this.#kernel = undefined;
    this.#families = undefined;
  }

  /** Connections that are open go on through this program until they end. */
  cleanup(): void {
    for (const family of ['ipv4', 'ipv6'] as const) this.#capture().delete(family);
    this.#relays.leave();
    this.#families = undefined;
  }

  #capture(): KernelCapture {
    this.#kernel ??= new KernelCapture(this.#context);
    return this.#kernel;
  }
}

type Plans = ReadonlyMap<string, RelayPlan | undefined>;

function plansOf(view: ServicesView, keys: readonly string[], family: Family): Plans {
  return new Map(keys.map((key) => [key, planKey(view, key, family)]));
}

function listenersOf(planned: readonly { readonly plans: Plans }[]): ReadonlyMap<string, ListenerPlan> {
  const all = planned.flatMap(({ plans }) => [...plans.values()].flatMap((one) => one?.listeners ?? []));
  return new Map(all.map((listener) => [listener.id, listener]));
}

/** More of them are counted, not named. */
const NAMED = 3;

function unfinishedOf(closed: ReadonlyMap<string, string>): string | undefined {
  if (closed.size === 0) return undefined;
  const named = [...closed].slice(0, NAMED).map(([id, reason]) => `${id} (${reason})`);
  const more = closed.size > NAMED ? ` and ${closed.size - NAMED} more` : '';
  return `listeners cannot be opened, so what they are for is refused: ${named.join(', ')}${more}`;
}

/** Links of pods have no address, so the kernel would take that of any other link. */
function sourceFor(endpoint: Parameters<RelayContext['source']>[0], { addresses, podCidrs }: NodeModel) {
  if (!podCidrs.some((prefix) => prefixContains(prefix, endpoint))) return undefined;
  return addresses.find((address) => isOf(address, isOf(endpoint, 'ipv4') ? 'ipv4' : 'ipv6'));
}
