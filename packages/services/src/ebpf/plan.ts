import type { PlanEntry } from '@podwire/kube';
import { affinityIds } from '../choice/affinity-id.ts';
import { maglevTable } from '../choice/maglev.ts';
import { slotsOf } from '../choice/slot.ts';
import { type ClaimExchange, Claims } from '../claims.ts';
import { describeEndpoints } from '../entry.ts';
import { type EndpointModel, endpointName, isRoutable, type ServicesView, titleOf } from '../model.ts';
import type { Changes } from '../proxy.ts';
import { BY_ID, KEY, MAGLEV_SIZE, MAPS, writeEndpoint, writeService, writeServiceKey } from './layout.ts';
import { Rows } from './rows.ts';
import { type SocketClaim, type SocketEntry, socketClaims } from './socket-entry.ts';

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
 * What every socket of the node should get, by address, protocol and port. Who has an address is settled among all that want
 * it, before what sockets can do with it is asked. Depends on the present view only; a change costs what changed.
 */
export class SocketPlan {
  readonly #byService = new Map<string, readonly SocketClaim[]>();
  readonly #claims = new Claims<SocketClaim>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What takes effect under an id. */
  entry(id: string): SocketEntry | undefined {
    return this.#claims.winner(id)?.socketEntry;
  }

  get entries(): SocketEntry[] {
    return this.#claims.winners().flatMap(({ socketEntry }) => socketEntry ?? []);
  }

  update(view: ServicesView, changes: Changes): EntryChange[] {
    const keys = changes === 'all' ? new Set([...this.#byService.keys(), ...view.services.keys()]) : changes;
    const exchanges = [...keys].map((key) => this.#exchange(key, view));
    const changed: EntryChange[] = [];
    for (const succession of this.#claims.exchange(exchanges).values()) {
      const [before, after] = [succession.before?.socketEntry, succession.after?.socketEntry];
      if (!before && !after) continue;
      changed.push({ before, after });
      this.#size += (after ? 1 : 0) - (before ? 1 : 0);
    }
    return changed;
  }

  #exchange(key: string, { services, node }: ServicesView): ClaimExchange<SocketClaim> {
    const service = services.get(key);
    const [before = [], after] = [this.#byService.get(key), service ? socketClaims(service, node) : []];
    if (after.length) this.#byService.set(key, after);
    else this.#byService.delete(key);
    return { before: { entries: before }, after: { entries: after } };
  }
}

export function emptyElements(): Elements {
  return { endpoints: new Rows(MAPS.endpoints), tables: new Rows(MAPS.tables), services: new Rows(MAPS.services) };
}

/** Adds what an entry needs. */
export function addElements(into: Elements, entry: SocketEntry): void {
  const { affinitySeconds, endpoints, protocol, balance } = entry;
  // the programs compare loads by weight: slots by weight would count it twice
  const slots = balance === 'least-connections' ? endpoints : slotsOf(endpoints);
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
    why: `${titleOf(service)} port ${portName || port}`,
  };
}
