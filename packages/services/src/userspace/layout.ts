import type { Family } from '@podwire/base';
import type { DataType, NamedSet, SetElement, Table } from '@podwire/nft';
import { declareSet, type SetName } from '../ruleset/sets.ts';

/** The mark of this mode; apart from mode nftables' tables, so that both can be there while modes are switched. */
export const TABLES = {
  ipv4: { family: 'ip', name: 'podwire-userspace' },
  ipv6: { family: 'ip6', name: 'podwire-userspace' },
} as const satisfies Readonly<Record<Family, Pick<Table, 'family' | 'name'>>>;

/** Sets whose meaning is that of mode nftables. */
const SAME = [
  'rejected',
  'dropped',
  'fenced',
  'sources',
  'cluster-ips',
  'foreign-ips',
  'pod-cidrs',
  'service-cidrs',
] as const satisfies readonly SetName[];

/** Where the listeners are: only what has been captured may come there. */
export const LISTENERS = 'listeners';

/** Every set and map of a family's table. */
export function declareSets(
  family: Family,
  elements: Readonly<Record<SetName, readonly SetElement[]>>,
  listeners: readonly SetElement[],
): NamedSet[] {
  const address: DataType = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
  const key: readonly DataType[] = [address, 'inet_proto', 'inet_service'];
  const data: readonly DataType[] = [address, 'inet_service'];
  return [
    { name: 'svc', key, data, comment: 'service address -> listener', elements: elements.svc },
    {
      name: 'inside',
      key,
      data,
      comment: 'the same for pods and this node, where it differs',
      elements: elements.inside,
    },
    { name: LISTENERS, key, comment: 'where captured connections arrive', elements: listeners },
    ...SAME.map((name) => declareSet(name, family, elements[name])),
  ];
}
