import type { Family } from '@podwire/base';
import type { DataType, NamedSet } from '@podwire/nft';

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
    direct: { key: KEY, data: 'verdict', comment: 'service addresses with direct server return' },
    'direct-places': { key: [...KEY, 'mark'], data: ['mark'], comment: 'place in its Maglev table -> node' },
    'direct-members': { key: [...KEY, 'mark'], comment: 'nodes with endpoints, for UDP' },
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
