import { DecodeError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import { mac } from '../netlink/codec.ts';
import { attributesAfter } from '../netlink/netlink-message.ts';
import { type Connection, connectionFrom } from './conntrack-entry.ts';
import { logPacketAttributes } from './log-table.ts';
import { familyWord, type NfFamily, nfgenmsg } from './nfgenmsg.ts';

type Values = AttributesOf<typeof logPacketAttributes.rows>;
type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress';

/** A packet that a rule logged (nft `log group N`, iptables NFLOG). What the kernel does not tell is absent. */
export interface LogPacket {
  readonly group: number;
  readonly family: NfFamily | number;
  readonly hook: Hook | number;
  /** EtherType: 0x0800 for IPv4; of layer 3 packets without a link header too. */
  readonly protocol: number;
  /** The rule's text; empty without one. */
  readonly prefix: string;
  readonly mark?: number;
  /** Indexes of the links it came by and goes by ... */
  readonly inLink?: number;
  readonly outLink?: number;
  /** ... and of the ports, when those are bridges. */
  readonly physicalInLink?: number;
  readonly physicalOutLink?: number;
  /** Of the sender: `ee:ee:ee:ee:ee:ee`. */
  readonly hardwareAddress?: string;
  /** ARPHRD_* of the link it came by: 1 is Ethernet. */
  readonly hardwareType?: number;
  /** The link's header in front of the payload. */
  readonly hardwareHeader?: Buffer;
  /** Who sent it, if a program of this machine did. */
  readonly uid?: number;
  readonly gid?: number;
  /** When it was received, in nanoseconds since 1970 (to the microsecond); of packets from outside only. */
  readonly time?: bigint;
  /** From the network header on, as much as was asked for. */
  readonly payload?: Buffer;
  /** Counts the packets of the group, and of all groups of the namespace: gaps are losses. */
  readonly sequence?: number;
  readonly globalSequence?: number;
  readonly connection?: Connection;
  readonly connectionState?: NonNullable<Values['connectionState']>;
  /** In families bridge and netdev. */
  readonly vlan?: { readonly protocol?: number | undefined; readonly tci?: number | undefined };
  readonly layer2Header?: Buffer;
}

const IP_HOOKS: readonly Hook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress'];
/** NF_ARP_*, NF_NETDEV_*. */
const HOOKS: Readonly<Record<string, readonly Hook[]>> = {
  arp: ['input', 'output', 'forward'],
  netdev: ['ingress', 'egress'],
};

/** Throws DecodeError. */
export function decodeLogPacket(body: Buffer): LogPacket {
  const { family: number, resource: group } = nfgenmsg.read(body);
  const values = logPacketAttributes.read(attributesAfter(body, nfgenmsg.size));
  const { packet, prefix = '', mark, timestamp, uid, gid, payload, sequence, globalSequence } = values;
  if (!packet) throw new DecodeError('a logged packet without NFULA_PACKET_HDR');
  const family = familyWord(number);
  return {
    group,
    family,
    hook: (HOOKS[family] ?? IP_HOOKS)[packet.hook] ?? packet.hook,
    protocol: packet.protocol,
    prefix,
    ...(mark !== undefined && { mark }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(timestamp !== undefined && { time: timestamp.seconds * 1_000_000_000n + timestamp.microseconds * 1000n }),
    ...(payload !== undefined && { payload: Buffer.from(payload) }),
    ...(sequence !== undefined && { sequence }),
    ...(globalSequence !== undefined && { globalSequence }),
    ...linksFrom(values),
    ...hardwareFrom(values),
    ...connectionPart(values),
  };
}

function linksFrom({ inLink, outLink, physicalInLink, physicalOutLink }: Values): Partial<LogPacket> {
  return {
    ...(inLink !== undefined && { inLink }),
    ...(outLink !== undefined && { outLink }),
    ...(physicalInLink !== undefined && { physicalInLink }),
    ...(physicalOutLink !== undefined && { physicalOutLink }),
  };
}

function hardwareFrom(values: Values): Partial<LogPacket> {
  const { hardwareAddress, hardwareType, hardwareHeader, layer2Header, vlan } = values;
  return {
    ...(hardwareAddress !== undefined && { hardwareAddress: formatHardwareAddress(hardwareAddress) }),
    ...(hardwareType !== undefined && { hardwareType }),
    ...(hardwareHeader !== undefined && { hardwareHeader: Buffer.from(hardwareHeader) }),
    ...(layer2Header !== undefined && { layer2Header: Buffer.from(layer2Header) }),
    ...(vlan !== undefined && { vlan: { protocol: vlan.protocol, tci: vlan.tci } }),
  };
}

function formatHardwareAddress({ length, address }: NonNullable<Values['hardwareAddress']>): string {
  return mac.read(Buffer.from(address.subarray(0, length)));
}

function connectionPart({ connection, connectionState }: Values): Partial<LogPacket> {
  return {
    ...(connection !== undefined && { connection: connectionFrom(connection) }),
    ...(connectionState !== undefined && { connectionState }),
  };
}
