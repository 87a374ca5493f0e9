import type { Family } from '@podwire/base';
import type { DataType, NamedSet, Table } from '@podwire/nft';
import { MAX_ENDPOINTS } from '../target.ts';

/** The mark of this room: everything in these tables is ours, nothing outside them is. Both have the same rules. */
export const TABLES = {
  ipv4: { family: 'ip', name: 'podwire-services' },
  ipv6: { family: 'ip6', name: 'podwire-services' },
} as const satisfies Readonly<Record<Family, Pick<Table, 'family' | 'name'>>>;

/**
 * The packet mark is scratch between the nat chains (-100) and the restoring ones (-99); then it is as before.
 *
 *   svc value   aaaaaaaa aaaaaaaa a i nnnnnn nnnnnnnn    a: affinity seconds (at most 86,400), i: variant inside,
 *                                                        n: number of slots
 *   slot, id    10110101 11010000 s i ssssss ssssssss    SCRATCH and a slot (with i) or an endpoint's affinity id (all s)
 *
 * Other ways to choose than at random stand in the place of affinity seconds nobody can have. No svc value can look like
 * SCRATCH: both 86,400 << 15 and those are less.
 */
export const SCRATCH = 0xb5d00000;
export const SCRATCH_MASK = 0xffff0000;
/** In the connection mark: a foreign packet mark is kept here while the packet's mark is scratch. */
export const SAVED = 0x00010000;
export const MAX_SLOTS = MAX_ENDPOINTS;

/** `inside` is how pods and the node itself use an external address with externalTrafficPolicy Local (SVC-13). */
export interface Choice {
  readonly affinitySeconds: number;
  readonly inside: boolean;
  readonly slots: number;
  /** Absent: at random. */
  readonly balance?: NftBalance;
}

/** Ways of choosing that rules can do. */
export type NftBalance = 'round-robin' | 'source-hash' | 'maglev';
const BALANCE_VALUES: Readonly<Record<NftBalance, number>> = {
  'round-robin': 90_001,
  'source-hash': 90_002,
  maglev: 90_003,
};
/** Places of a Maglev table, a prime: for up to so many endpoints and for more. */
export const MAGLEV_SIZES = { few: 251, many: 2039, fewEndpoints: 25 } as const;

export function choiceValue({ affinitySeconds, inside, slots, balance }: Choice): number {
  return (balance ? BALANCE_VALUES[balance] : affinitySeconds) * 0x8000 + (inside ? 0x4000 : 0) + slots;
}

export function slotMark(inside: boolean, slot: number): number {
  return SCRATCH + (inside ? 0x4000 : 0) + slot;
}

export function idMark(id: number): number {
  return SCRATCH + id;
}

type Shape = Omit<NamedSet, 'name' | 'elements'>;

/** Every set and map of the table but `count`, in the order they are written. */
function setsOf(address: DataType) {
  const KEY: readonly DataType[] = [address, 'inet_proto', 'inet_service'];
  return {
    svc: { key: KEY, data: ['mark'], comment: 'service address -> how to choose' },
    inside: { key: KEY, data: ['mark'], comment: 'the same for pods and this node, where it differs' },
    ep: {
      key: [...KEY, 'mark'],
      data: [address, 'inet_service'],
      comment: 'service address, slot or id -> endpoint',
    },
    ids: { key: [...KEY, 'mark'], data: ['mark'], comment: 'with affinity: slot -> id' },
    live: { key: [...KEY, 'mark'], comment: 'with affinity: ids that exist' },
    affinity: {
      key: [address, ...KEY],
      data: ['mark'],
      dynamic: true,
      hasTimeouts: true,
      size: 1 << 20,
      comment: 'client, service address -> id',
    },
    rejected: { key: KEY, comment: 'service addresses without endpoints' },
    dropped: { key: KEY, comment: 'Local policy and endpoints on other nodes only' },
    masqueraded: { key: KEY, comment: 'service addresses whose clients are masqueraded' },
    fenced: { key: KEY, comment: 'load-balancer addresses with source ranges' },
    sources: { key: [address, ...KEY], interval: true, comment: 'who may use the fenced ones' },
    hairpin: { key: [address, address], comment: 'endpoints of this node, twice' },
    'cluster-ips': { key: [address], comment: 'cluster addresses in use' },
    'foreign-ips': { key: [address], comment: 'cluster addresses other proxies serve' },
    'external-ips': { key: [address], comment: 'node, external and load-balancer addresses in use' },
    'pod-cidrs': { key: [address], interval: true, comment: 'pods of the cluster' },
    'node-pod-cidrs': { key: [address], interval: true, comment: 'pods of this node' },
    'service-cidrs': { key: [address], interval: true, comment: 'addresses of services, in use or not' },
  } as const satisfies Readonly<Record<string, Shape>>;
}

const SETS = { ipv4: setsOf('ipv4_addr'), ipv6: setsOf('ipv6_addr') };

export type SetName = keyof typeof SETS.ipv4;
export const SET_NAMES = Object.keys(SETS.ipv4) as readonly SetName[];

export function declareSet(name: SetName, family: Family, elements: NamedSet['elements']): NamedSet {
  return { name, ...SETS[family][name], elements };
}
