import type { DataType, NamedSet } from '@podwire/nft';

/** The mark of this room: everything in this table is ours, nothing outside it is. */
export const TABLE = { family: 'ip', name: 'podwire-services' } as const;

/**
 * The packet mark is scratch between the nat chains (-100) and the restoring ones (-99); then it is as before.
 *
 *   svc value   aaaaaaaa aaaaaaaa a i nnnnnn nnnnnnnn    a: affinity seconds (at most 86,400), i: variant inside,
 *                                                        n: number of slots
 *   slot, id    10110101 11010000 s i ssssss ssssssss    SCRATCH and a slot (with i) or an endpoint's affinity id (all s)
 *
 * No svc value can look like SCRATCH: 86,400 << 15 is less.
 */
export const SCRATCH = 0xb5d00000;
export const SCRATCH_MASK = 0xffff0000;
/** In the connection mark: a foreign packet mark is kept here while the packet's mark is scratch. */
export const SAVED = 0x00010000;
export const MAX_SLOTS = 0x3fff;

/** `inside` is how pods and the node itself use an external address with externalTrafficPolicy Local (SVC-13). */
export interface Choice {
  readonly affinitySeconds: number;
  readonly inside: boolean;
  readonly slots: number;
}

export function choiceValue({ affinitySeconds, inside, slots }: Choice): number {
  return affinitySeconds * 0x8000 + (inside ? 0x4000 : 0) + slots;
}

export function slotMark(inside: boolean, slot: number): number {
  return SCRATCH + (inside ? 0x4000 : 0) + slot;
}

export function idMark(id: number): number {
  return SCRATCH + id;
}

const KEY: readonly DataType[] = ['ipv4_addr', 'inet_proto', 'inet_service'];

/** Every set and map of the table but `count`, in the order they are written. */
const SETS = {
  svc: { key: KEY, data: ['mark'], comment: 'service address -> how to choose' },
  inside: { key: KEY, data: ['mark'], comment: 'the same for pods and this node, where it differs' },
  ep: {
    key: [...KEY, 'mark'],
    data: ['ipv4_addr', 'inet_service'],
    comment: 'service address, slot or id -> endpoint',
  },
  ids: { key: [...KEY, 'mark'], data: ['mark'], comment: 'with affinity: slot -> id' },
  live: { key: [...KEY, 'mark'], comment: 'with affinity: ids that exist' },
  affinity: {
    key: ['ipv4_addr', ...KEY],
    data: ['mark'],
    dynamic: true,
    hasTimeouts: true,
    size: 1 << 20,
    comment: 'client, service address -> id',
  },
  rejected: { key: KEY, comment: 'service addresses without endpoints' },
  dropped: { key: KEY, comment: 'Local policy and endpoints on other nodes only' },
  masqueraded: { key: KEY, comment: 'external service addresses with Cluster policy' },
  fenced: { key: KEY, comment: 'load-balancer addresses with source ranges' },
  sources: { key: ['ipv4_addr', ...KEY], interval: true, comment: 'who may use the fenced ones' },
  hairpin: { key: ['ipv4_addr', 'ipv4_addr'], comment: 'endpoints of this node, twice' },
  'cluster-ips': { key: ['ipv4_addr'], comment: 'cluster addresses in use' },
  'foreign-ips': { key: ['ipv4_addr'], comment: 'cluster addresses other proxies serve' },
  'external-ips': { key: ['ipv4_addr'], comment: 'node, external and load-balancer addresses in use' },
  'pod-cidrs': { key: ['ipv4_addr'], interval: true, comment: 'pods of the cluster' },
  'node-pod-cidrs': { key: ['ipv4_addr'], interval: true, comment: 'pods of this node' },
  'service-cidrs': { key: ['ipv4_addr'], interval: true, comment: 'addresses of services, in use or not' },
} as const satisfies Readonly<Record<string, Omit<NamedSet, 'name' | 'elements'>>>;

export type SetName = keyof typeof SETS;
export const SET_NAMES = Object.keys(SETS) as readonly SetName[];

export function declareSet(name: SetName, elements: NamedSet['elements']): NamedSet {
  return { name, ...SETS[name], elements };
}
