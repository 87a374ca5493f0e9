import type { PlanEntry } from '@podwire/kube';
import { type EndpointModel, endpointName, type ServicesView } from '../model.ts';
import { affinityIds } from '../nftables/affinity-id.ts';
import { slotsOf } from '../nftables/slot.ts';
import type { Changes } from '../proxy.ts';
import { BY_ID, endpointKey, endpointValue, MAGLEV_SIZE, serviceKey, serviceValue } from './layout.ts';
import { maglevTable } from './maglev.ts';
import { compareEntries, type SocketEntry, socketEntries } from './socket-entry.ts';

/** The maps whose contents are planned, in the order in which they are written: nothing points to what is not there. */
export const PLANNED_MAPS = ['endpoints', 'tables', 'services'] as const;
export type PlannedMap = (typeof PLANNED_MAPS)[number];
export type Elements = Readonly<Record<PlannedMap, readonly (readonly [key: Buffer, value: Buffer])[]>>;

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
      this.#claims.set(entry.id, others ? [...others, entry].sort(compareEntries) : [entry]);
    }
    if (entries.length) this.#byService.set(key, entries);
    else this.#byService.delete(key);
  }
}

/** The elements of one entry. */
export function elementsOf(entry: SocketEntry): Elements {
  const { affinitySeconds, endpoints, protocol, balance } = entry;
  const key = serviceKey(entry);
  const slots = slotsOf(endpoints);
  const mayStay = affinitySeconds > 0 || protocol === 'udp';
  const ids = mayStay ? affinityIds(endpoints) : undefined;
  const value = (endpoint: EndpointModel) => endpointValue(endpoint, ids?.get(endpointName(endpoint)) ?? 0);
  const byId = ids
    ? endpoints.map((e) => [endpointKey(key, BY_ID + (ids.get(endpointName(e)) ?? 0)), value(e)] as const)
    : [];
  const table = balance === 'maglev' && endpoints.length > 0 && endpoints.length < MAGLEV_SIZE;
  return {
    services: [[key, serviceValue({ count: slots.length, affinitySeconds, balance })]],
    endpoints: [...slots.map((endpoint, slot) => [endpointKey(key, slot), value(endpoint)] as const), ...byId],
    tables: table ? [[key, tableBytes(endpoints, slots)]] : [],
  };
}

function tableBytes(endpoints: readonly EndpointModel[], slots: readonly EndpointModel[]): Buffer {
  const table = maglevTable(
    endpoints.map((endpoint) => ({ name: endpointName(endpoint), weight: endpoint.weight })),
    MAGLEV_SIZE,
  );
  const first = endpoints.map((endpoint) => slots.indexOf(endpoint));
  const bytes = Buffer.alloc(MAGLEV_SIZE * 2 + 2);
  for (const [hash, member] of table.entries()) bytes.writeUInt16LE(first[member] ?? 0, hash * 2);
  return bytes;
}

/** For people. */
export function describeEntry(entry: SocketEntry): PlanEntry {
  const { kind, id, endpoints, service, portName, port, balance, affinitySeconds } = entry;
  const how = [
    ...(balance === 'random' ? [] : [balance]),
    ...(affinitySeconds ? [`affinity ${affinitySeconds} s`] : []),
  ];
  const outcome = endpoints.length ? `-> ${endpoints.map(endpointName).join(', ')}` : 'is refused: no endpoints';
  return {
    what: `sockets: ${kind} ${id} ${outcome}${how.length ? ` (${how.join(', ')})` : ''}`,
    why: `Service ${service} port ${portName || port}`,
  };
}
