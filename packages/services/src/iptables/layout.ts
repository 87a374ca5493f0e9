import type { Chain, TableName } from './rule.ts';

/**
 * Bits of the packet mark between PREROUTING or OUTPUT and POSTROUTING: replace the source (the bit people know), and
 * replace it if the packet leaves the node.
 */
export const MASQUERADE_BIT = 0x4000;
export const AWAY_BIT = 0x8000;

/** An empty chain in both tables: it says that the KUBE- chains are this room's and no kube-proxy's. */
export const MARKER = 'PODWIRE-SERVICES';
/** How the comments of our rules in other people's chains begin. */
export const JUMP_COMMENT = 'podwire: ';

/** Chains that always exist. */
const FIXED: Readonly<Record<TableName, readonly string[]>> = {
  nat: [
    MARKER,
    'KUBE-SERVICES',
    'KUBE-NODEPORTS',
    'KUBE-MARK-MASQ',
    'KUBE-MARK-AWAY',
    'KUBE-MARK-OUTSIDE',
    'KUBE-POSTROUTING',
    'KUBE-AWAY',
  ],
  filter: [
    MARKER,
    'KUBE-PROXY-FIREWALL',
    'KUBE-FORWARD',
    'KUBE-SERVICES',
    'KUBE-CLUSTER-IPS',
    'KUBE-EXTERNAL-SERVICES',
  ],
};
const OF_SERVICES: Readonly<Record<TableName, RegExp>> = {
  nat: /^KUBE-(SVC|SVL|EXT|FW|SEP)-[A-Z2-7]{16}$/,
  filter: /^KUBE-FW-[A-Z2-7]{16}$/,
};

export function isOurChain(table: TableName, name: string): boolean {
  return FIXED[table].includes(name) || OF_SERVICES[table].test(name);
}

/** `nat KUBE-SERVICES`: table and chain. */
export type ChainId = `${TableName} ${string}`;
export const chainId = ({ table, name }: Pick<Chain, 'table' | 'name'>): ChainId => `${table} ${name}`;

export function partsOf(id: ChainId): { readonly table: TableName; readonly name: string } {
  const [table, name = ''] = id.split(' ');
  return { table: table === 'nat' ? 'nat' : 'filter', name };
}

/** Chains of the kernel, in which we have rules that lead to ours. */
export function isBuiltIn(id: ChainId): boolean {
  return BUILT_IN.has(partsOf(id).name);
}
const BUILT_IN: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);
