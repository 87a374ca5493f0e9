import type { Netns } from '@podwire/kernel';
import { openNft } from '@podwire/nft';
import { BY_ID, KEY, SERVICE } from '../ebpf/layout.ts';
import { addElements, emptyElements, SocketPlan } from '../ebpf/plan.ts';
import type { SocketEntry } from '../ebpf/socket-entry.ts';
import { SocketMaps } from '../ebpf/socket-maps.ts';
import { KernelChains } from '../iptables/apply.ts';
import { plan as planChains } from '../iptables/plan.ts';
import type { ServicesModel } from '../model.ts';
import { plan as planTables } from '../nftables/plan.ts';

/** What is compared: the parts of the kernel's state that one transaction changes. */
export interface KernelView {
  /** The parts that are not as the model wants them, by name, with what is different. */
  unlike(model: ServicesModel): Promise<ReadonlyMap<string, string>>;
  /** Where new connections may be led that neither model leads to; one line each. */
  strayed?(before: ServicesModel, after: ServicesModel): readonly string[];
  close(): void;
}

export function nftablesView(netns: Netns): KernelView {
  const nft = openNft(netns);
  return {
    unlike: async (model) =>
      new Map(
        planTables(model).tables.flatMap((table) => {
          const drift = nft.drift(table).map(({ text }) => text);
          return drift.length ? [[`${table.family} ${table.name}`, drift.slice(0, 3).join('; ')] as const] : [];
        }),
      ),
    close: () => nft.close(),
  };
}

/** Each table of iptables is a transaction of its own. */
export function iptablesView(netns: Netns): KernelView {
  const kernel = new KernelChains({ netns, flows: { forget: () => {} } });
  return {
    unlike: async (model) => {
      const { texts } = await kernel.drift('ipv4', planChains(model, 'ipv4'));
      const parts = new Map<string, string>();
      let table = '';
      for (const line of texts.join('\n').split('\n')) {
        if (line.startsWith('*')) table = line.slice(1);
        else if (/^[:-]/.test(line) && !parts.has(table)) parts.set(table, line);
      }
      return parts;
    },
    close: () => {},
  };
}

/** The rules for packets are compared as a whole; of the maps, which change one after the other, where each address leads. */
export function ebpfView(netns: Netns, pins: string): KernelView {
  const packets = nftablesView(netns);
  const sockets = new SocketMaps(pins);
  return {
    unlike: async (model) => {
      const drift = sockets
        .drift(entriesOf(model))
        .map(({ map, missing, strange }) => [map, missing + strange] as const);
      const maps = drift.map(([map, count]) => [`map ${map}`, `${count} elements`] as const);
      return new Map([...(await packets.unlike(model)), ...maps]);
    },
    strayed: (before, after) => strayedSockets(sockets, entriesOf(before), entriesOf(after)),
    close: () => {
      packets.close();
      sockets.close();
    },
  };
}

function entriesOf(model: ServicesModel): SocketEntry[] {
  const plan = new SocketPlan();
  const services = new Map(model.services.map((service) => [`${service.namespace}/${service.name}`, service]));
  plan.update({ ...model, services, foreign: new Map() }, 'all');
  return plan.entries;
}

/** By the bytes of their keys: how many slots an address has, and what is in a slot. */
interface Slots {
  readonly counts: Map<string, number>;
  readonly endpoints: Map<string, string>;
}

function strayedSockets({ maps }: SocketMaps, before: readonly SocketEntry[], after: readonly SocketEntry[]): string[] {
  const found: Slots = { counts: new Map(), endpoints: new Map() };
  for (const [key, value] of maps.services) found.counts.set(text(key), value.readUInt32LE(SERVICE.count));
  for (const [key, value] of maps.endpoints) found.endpoints.set(text(key), text(value));
  const [old, now] = [
    new Map(before.map((entry) => [entry.id, entry])),
    new Map(after.map((entry) => [entry.id, entry])),
  ];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap(
    (id) => strayedEntry(found, old.get(id), now.get(id)) ?? [],
  );
}

const text = (bytes: Buffer): string => bytes.toString('latin1');

function strayedEntry(
  found: Slots,
  before: SocketEntry | undefined,
  after: SocketEntry | undefined,
): string | undefined {
  const [old, now] = [wanted(before), wanted(after)];
  const key = [...old.counts.keys(), ...now.counts.keys()][0] ?? '';
  const [count, what] = [found.counts.get(key), `sockets to ${(before ?? after)?.id}`];
  const allowed = [old.counts.get(key), now.counts.get(key)];
  if (!allowed.includes(count)) return `${what}: ${count} slots instead of ${allowed.join(' or ')}`;
  const known = new Set([...old.endpoints.values(), ...now.endpoints.values()]);
  for (let slot = 0; slot < (count ?? 0); slot++) {
    const number = Buffer.alloc(KEY.endpoint - KEY.slot);
    number.writeUInt32LE(slot);
    const endpoint = found.endpoints.get(key + text(number));
    if (endpoint === undefined || !known.has(endpoint)) return `${what}: slot ${slot} leads to no endpoint of it`;
  }
  return undefined;
}

function wanted(entry: SocketEntry | undefined): Slots {
  const slots: Slots = { counts: new Map(), endpoints: new Map() };
  if (!entry) return slots;
  const { services, endpoints } = emptyElements();
  const elements = emptyElements();
  addElements({ ...elements, services, endpoints }, entry);
  for (let row = 0; row < services.count; row++)
    slots.counts.set(services.key(row), Buffer.from(services.value(row), 'latin1').readUInt32LE(SERVICE.count));
  for (let row = 0; row < endpoints.count; row++)
    if (Buffer.from(endpoints.key(row), 'latin1').readUInt32LE(KEY.slot) < BY_ID)
      slots.endpoints.set(endpoints.key(row), endpoints.value(row));
  return slots;
}
