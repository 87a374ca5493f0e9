import type { IpAddress } from '@podwire/base';
import type { AttributesOf } from '@podwire/kernel';
import { linkKinds, type portKinds } from '@podwire/kernel/rtnetlink';

type Tables = typeof linkKinds;
export type LinkKind = keyof Tables;

/** Told at the link itself (`lower`, `peer`), once for both families (`local`), or of no use to a caller. */
type Hidden =
  | 'unknown'
  | 'lowerIndex'
  | 'peer'
  | 'group6'
  | 'local6'
  | 'remote6'
  | 'flags6'
  | 'arpTargets'
  | 'nsTargets';

/** The attributes of a kind as plain data: flags are booleans, an address stands once whatever its family. */
type SettingsOf<R> = {
  readonly [K in keyof AttributesOf<R> as Exclude<K, Hidden>]?: PlainValue<AttributesOf<R>[K]>;
};
type PlainValue<T> = true extends T ? boolean : Exclude<T, undefined>;

/** `vxlan`: parameters of VXLAN links, and so on for each kind; names as in @podwire/kernel/rtnetlink's tables. */
export type KindSettings = { readonly [K in LinkKind]?: SettingsOf<Tables[K]['rows']> };

export type VxlanParameters = NonNullable<KindSettings['vxlan']>;
export type BridgeParameters = NonNullable<KindSettings['bridge']>;

/** A link's part in the bridge that is its master; bridge(8) "link". `isolated` and `hairpin` stand at the link. */
export type BridgePort = Omit<SettingsOf<(typeof portKinds)['bridge']['rows']>, 'isolated' | 'hairpin'>;

interface Row {
  readonly 1: { readonly name: string };
}
type Values = Record<string, unknown>;

const rowsOf = (kind: LinkKind): Readonly<Record<string, Row>> => linkKinds[kind].rows as never;

export function isLinkKind(kind: string | undefined): kind is LinkKind {
  return kind !== undefined && Object.hasOwn(linkKinds, kind);
}

/** Whether the link below is named among the kind's own parameters, not in IFLA_LINK. */
export function hasOwnLower(kind: string): boolean {
  return isLinkKind(kind) && 'lowerIndex' in rowsOf(kind);
}

/** What the kernel tells of a link and refuses to be told. */
const TOLD: Readonly<Partial<Record<LinkKind, readonly string[]>>> = {
  bridge: [
    ...['rootId', 'bridgeId', 'rootPort', 'rootPathCost', 'topologyChange', 'topologyChangeDetected', 'helloTimer'],
    ...['tcnTimer', 'topologyChangeTimer', 'gcTimer', 'multicastQuerierState', 'fdbLearned'],
  ],
  vxlan: ['reservedBits'],
};

/**
 * Settings as the kernel's table has them: by family, without flags that are not set and without what can only be observed, so
 * that an observed link may be made again elsewhere.
 */
export function encodeSettings(kind: LinkKind, settings: object): Values {
  const rows = rowsOf(kind);
  const entries = Object.entries(settings).flatMap(([key, value]): [string, unknown][] => {
    if (TOLD[kind]?.includes(key)) return [];
    if (value === false && rows[key]?.[1].name.startsWith('flag')) return [];
    return [[isIpv6(value) && `${key}6` in rows ? `${key}6` : key, value]];
  });
  return Object.fromEntries(entries);
}

function isIpv6(value: unknown): value is IpAddress {
  return typeof value === 'string' && value.includes(':');
}

/** What the kernel tells of a link of the kind, as plain settings. */
export function decodeSettings(kind: LinkKind, values: Values): Values {
  const rows = rowsOf(kind);
  const result: Values = {};
  for (const key in values) {
    const value = values[key];
    if (value === undefined || key === 'unknown' || key === 'lowerIndex' || key === 'peer') continue;
    const short = key.endsWith('6') && key.slice(0, -1) in rows ? key.slice(0, -1) : key;
    result[short] = value;
  }
  return result;
}

/** Parameters that a link keeps for life: another value takes a new link. */
const LIFELONG: Readonly<Record<string, readonly string[]>> = {
  bond: ['mode'],
  geneve: ['vni', 'port', 'external', 'innerProtocolInherit'],
  netkit: ['mode'],
  vlan: ['id', 'protocol'],
  vrf: ['table'],
  vxlan: [
    'vni',
    'port',
    'portRange',
    'groupPolicy',
    'genericProtocol',
    'external',
    'vniFilter',
    'udpChecksum',
    'udp6ZeroChecksumTx',
    'udp6ZeroChecksumRx',
    'remoteChecksumTx',
    'remoteChecksumRx',
    'proxy',
    'routeShortCircuit',
    'l2Miss',
    'l3Miss',
  ],
  xfrm: ['interfaceId', 'external'],
};

export function isLifelong(kind: string, setting: string): boolean {
  return (LIFELONG[kind] ?? ['external', 'erspanVersion']).includes(setting);
}
