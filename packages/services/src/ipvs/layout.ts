import type { Family, IpAddress } from '@podwire/base';
import type { DataType, NamedSet, SetElement, Statement, Table } from '@podwire/nft';
import type { Protocol } from '../model.ts';
import type { inSet } from '../ruleset/expressions.ts';
import { declareSet, type SetName } from '../ruleset/sets.ts';

/** The mark of this mode; apart from the tables of other modes, so that both can be there while modes are switched. */
export const TABLES = {
  ipv4: { family: 'ip', name: 'podwire-ipvs' },
  ipv6: { family: 'ip6', name: 'podwire-ipvs' },
} as const satisfies Readonly<Record<Family, Pick<Table, 'family' | 'name'>>>;

/** Numbers of marks, from 1. */
export const MAX_NUMBER = 0xffff;

/** Captured packets are delivered to this host, by one rule and one route of a table of our own in each family. */
export const ROUTING = { protocol: 115, table: 7115, priority: 90 } as const;

/** Address, protocol and port of an entry. */
export type EntryKey = readonly [IpAddress, Protocol, number];

/** `10.96.0.1 tcp 80`, as the ids of entries. */
export const entryId = ([address, protocol, port]: EntryKey): string => `${address} ${protocol} ${port}`;

/** Sets whose meaning is that of mode nftables. */
const SAME = [
  'rejected',
  'dropped',
  'masqueraded',
  'fenced',
  'sources',
  'hairpin',
  'cluster-ips',
  'foreign-ips',
  'external-ips',
  'pod-cidrs',
  'node-pod-cidrs',
  'service-cidrs',
] as const satisfies readonly SetName[];

/** Set of the keys of map `inside`, because a map cannot be asked whether it has a key. */
export const INWARD = 'inward';
/** Set of entries that serve nobody new, but have connections. */
export const DRAINING = 'draining';

/** Every set and map of a family's table. */
export function declareSets(
  family: Family,
  elements: Readonly<Record<SetName, readonly SetElement[]>>,
  draining: readonly SetElement[],
): NamedSet[] {
  const address: DataType = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
  const key: readonly DataType[] = [address, 'inet_proto', 'inet_service'];
  return [
    { name: 'svc', key, comment: 'service addresses with a virtual server', elements: elements.svc },
    {
      name: 'inside',
      key,
      data: ['mark'],
      comment: 'mark of the virtual server for pods and this node, where it differs',
      elements: elements.inside,
    },
    { name: INWARD, key, comment: 'keys of map inside', elements: elements.inside.map(keyOnly) },
    { name: DRAINING, key, comment: 'virtual servers that only have old connections', elements: draining },
    ...SAME.map((name) => declareSet(name, family, elements[name])),
  ];
}

export const keyOnly = ({ key }: SetElement): SetElement => ({ key });

/** As `inSet`, for the sets mode nftables does not have. */
export const inOwnSet = (key: Parameters<typeof inSet>[0], set: typeof INWARD | typeof DRAINING): Statement => ({
  kind: 'lookup',
  key,
  set,
});
