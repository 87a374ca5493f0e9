import type { PlanEntry } from '@podwire/kube';
import { byPriority, describeEndpoints } from '../entry.ts';
import { type EndpointModel, endpointName, isRoutable, type ServicesView } from '../model.ts';
import { affinityIds } from '../nftables/affinity-id.ts';
import { slotsOf } from '../nftables/slot.ts';
import type { Changes } from '../proxy.ts';
import { BY_ID, KEY, MAGLEV_SIZE, MAPS, writeEndpoint, writeService, writeServiceKey } from './layout.ts';
import { maglevTable } from './maglev.ts';
import { Rows } from './rows.ts';
import { type SocketEntry, socketEntries } from './socket-entry.ts';

/** The maps whose contents are planned, in the order in which they are written: nothing points to what is not there. */
export const PLANNED_MAPS = ['endpoints', 'tables', 'services'] as const;
export type PlannedMap = (typeof PLANNED_MAPS)[number];
export type Elements = Readonly<Record<PlannedMap, Rows>>;

/** An entry that has changed; one of the two may be absent. */
export interface EntryChange {
  readonly before: SocketEntry | undefined;
  readonly after: SocketEntry | undefined;
}

/**
 * What every socket of the node should get, by address, protocol and port. Depends on the present view only; a change costs
 * what changed.
 */
export class SocketPlan {
  readonly #byService = new Map<string, readonly SocketEntry[]>();
  /** All that want an address, the winner first. */
  readonly #claims = new Map<string, readonly SocketEntry[]>();

  get size(): number {
    return this.#claims.size;
  }

  /** What takes effect under an id. */
  entry(id: string): SocketEntry | undefined {
    return this.#claims.get(id)?.[0];
  }

  get entries(): SocketEntry[] {
    return [...this.#claims.values()].flatMap(([winner]) => winner ?? []);
  }

  update(view: ServicesView, changes: Changes): EntryChange[] {
    const before = new Map<string, SocketEntry | undefined>();
    const keys = changes === 'all' ? new Set([...this.#byService.keys(), ...view.services.keys()]) : changes;
    for (const key of keys) {
      const service = view.services.get(key);
      const entries = service ? socketEntries(service, view.node) : [];
      for (const entry of [...(this.#byService.get(key) ?? []), ...entries])
        if (!before.has(entry.id)) before.set(entry.id, this.#claims.get(entry.id)?.[0]);
      this.#replace(key, entries);
    }
    return [...before]
      .map(([id, entry]) => ({ before: entry, after: this.#claims.get(id)?.[0] }))
      .filter((change) => change.before !== change.after);
  }

  #replace(key: string, entries: readonly SocketEntry[]): void {
    for (const { id } of this.#byService.get(key) ?? []) {
      const rest = this.#claims.get(id)?.filter(({ service }) => service !== key) ?? [];
      if (rest.length) this.#claims.set(id, rest);
      else this.#claims.delete(id);
    }
    for (const entry of entries) {
      const others = this.#claims.get(entry.id);
      this.#claims.set(entry.id, others ? [...others, entry].sort(byPriority) : [entry]);
    }
    if (entries.length) this.#byService.set(key, entries);
    else this.#byService.delete(key);
  }
}

export function emptyElements(): Elements {
  return { endpoints: new Rows(MAPS.endpoints), tables: new Rows(MAPS.tables), services: new Rows(MAPS.services) };
}

/** Adds what an entry needs. */
export function addElements(into: Elements, entry: SocketEntry): void {
  const { affinitySeconds, endpoints, protocol, balance } = entry;
  const slots = slotsOf(endpoints);
  const service = Buffer.alloc(KEY.service);
  writeServiceKey(entry, [service, 0]);
  into.services.add(({ keys, key, values, value }) => {
    service.copy(keys, key);
    writeService({ count: slots.length, affinitySeconds, balance, nodeOnly: !isRoutable(entry.address) }, [
      values,
      value,
    ]);
  });
  const ids = affinitySeconds > 0 || protocol === 'udp' ? affinityIds(endpoints) : undefined;
  const addEndpoint = (endpoint: EndpointModel, slot: number, id: number): void =>
    into.endpoints.add(({ keys, key, values, value }) => {
      service.copy(keys, key);
      keys.writeUInt32LE(slot, key + KEY.slot);
      writeEndpoint(endpoint, id, [values, value]);
    });
  const idOf = (endpoint: EndpointModel): number => ids?.get(endpointName(endpoint)) ?? 0;
  slots.forEach((endpoint, slot) => {
    addEndpoint(endpoint, slot, idOf(endpoint));
  });
  for (const endpoint of ids ? endpoints : []) addEndpoint(endpoint, BY_ID + idOf(endpoint), idOf(endpoint));
  if (balance === 'maglev' && endpoints.length > 0 && endpoints.length < MAGLEV_SIZE)
    addTable(into.tables, entry, slots);
}

function addTable(tables: Rows, entry: SocketEntry, slots: readonly EndpointModel[]): void {
  const { endpoints } = entry;
  const members = endpoints.map((endpoint) => ({ name: endpointName(endpoint), weight: endpoint.weight }));
  const first = new Map([...slots.entries()].reverse().map(([slot, endpoint]) => [endpoint, slot]));
  const slotOfMember = endpoints.map((endpoint) => first.get(endpoint) ?? 0);
  tables.add(({ keys, key, values, value }) => {
    writeServiceKey(entry, [keys, key]);
    for (const [hash, member] of maglevTable(members, MAGLEV_SIZE).entries())
      values.writeUInt16LE(slotOfMember[member] ?? 0, value + hash * 2);
  });
}

/** For people. */
export function describeEntry(entry: SocketEntry): PlanEntry {
  const { kind, id, endpoints, service, portName, port, balance, affinitySeconds } = entry;
  const how = [
    ...(balance === 'random' ? [] : [balance]),
    ...(affinitySeconds ? [`affinity ${affinitySeconds} s`] : []),
  ];
  const outcome = endpoints.length ? describeEndpoints(endpoints) : 'is refused: no endpoints';
  return {
    what: `sockets: ${kind} ${id} ${outcome}${how.length ? ` (${how.join(', ')})` : ''}`,
    why: `Service ${service} port ${portName || port}`,
  };
}
