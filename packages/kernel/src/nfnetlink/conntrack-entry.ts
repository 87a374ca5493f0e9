import { type Family, familyOf, type IpAddress } from '@podwire/base';
import { DecodeError, encodeError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import { attributesAfter } from '../netlink/netlink-message.ts';
import { type CONNECTION_STATUS, connectionAttributes } from './conntrack-table.ts';
import {
  type ConnectionProtocol,
  type ConnectionTuple,
  decodeTuple,
  encodeTuple,
  inverseTuple,
} from './conntrack-tuple.ts';
import { nfgenmsg } from './nfgenmsg.ts';

export type ConnectionAttributes = AttributesOf<typeof connectionAttributes.rows>;
type ProtocolInfo = NonNullable<ConnectionAttributes['protocolInfo']>;
/** Bits without a word come as one number at the end of the list. */
export type ConnectionStatus = readonly (keyof typeof CONNECTION_STATUS | number)[];
/** Numbers of the bits that are set, 0 to 127. */
export type ConnectionLabels = readonly number[];

/** Packets and bytes of both directions. */
export interface ConnectionCounters {
  readonly original: { readonly packets: bigint; readonly bytes: bigint };
  readonly reply: { readonly packets: bigint; readonly bytes: bigint };
}

/**
 * A tracked connection. What the kernel does not tell is absent: events tell less than lists, counters and timestamps
 * take net.netfilter.nf_conntrack_acct and nf_conntrack_timestamp.
 *
 *     original   10.0.0.9:4000 ──▶ 10.96.0.10:53         as the first packet came
 *     reply      10.9.0.2:5353 ──▶ 10.0.0.9:4000         as answers come: dnat shows in their source, snat in their
 *                                                        destination
 */
export interface Connection {
  readonly family: Family;
  readonly protocol: ConnectionProtocol;
  readonly original: ConnectionTuple;
  readonly reply: ConnectionTuple;
  readonly status: ConnectionStatus;
  /** Seconds until it is forgotten. */
  readonly timeout?: number;
  readonly mark?: number;
  /** Absent: 0, or the directions have zones of their own. */
  readonly zone?: number;
  readonly labels?: ConnectionLabels;
  readonly counters?: ConnectionCounters;
  /** Nanoseconds since 1970. */
  readonly start?: bigint;
  readonly stop?: bigint;
  /** Tells it from a later connection of the same tuples. */
  readonly id?: number;
  /** References to it in the kernel. */
  readonly use?: number;
  readonly tcp?: ProtocolInfo['tcp'];
  readonly sctp?: ProtocolInfo['sctp'];
  readonly dccp?: ProtocolInfo['dccp'];
  /** Name of the helper that reads along: `ftp`. */
  readonly helper?: string;
  /** The original tuple of the connection this one belongs to. */
  readonly master?: ConnectionTuple & { readonly protocol: ConnectionProtocol };
  readonly sequenceAdjustment?: {
    readonly original?: ConnectionAttributes['originalSequenceAdjustment'];
    readonly reply?: ConnectionAttributes['replySequenceAdjustment'];
  };
  readonly synproxy?: ConnectionAttributes['synproxy'];
  readonly securityContext?: string;
  /** Attributes podwire has no table for. */
  readonly unknown?: ConnectionAttributes['unknown'];
}

/** Throws DecodeError. */
export function decodeConnection(body: Buffer): Connection {
  return connectionFrom(connectionAttributes.read(attributesAfter(body, nfgenmsg.size)));
}

/** Throws DecodeError when a tuple is missing. */
export function connectionFrom(values: ConnectionAttributes): Connection {
  if (!values.original || !values.reply) throw new DecodeError('a connection without both its tuples');
  const { tuple: original, family, protocol } = decodeTuple(values.original);
  const { tuple: reply } = decodeTuple(values.reply);
  const { status = [], timeout, mark, zone, id, use, unknown } = values;
  return {
    family,
    protocol,
    original,
    reply,
    status,
    ...(timeout !== undefined && { timeout }),
    ...(mark !== undefined && { mark }),
    ...(zone !== undefined && { zone }),
    ...(id !== undefined && { id }),
    ...(use !== undefined && { use }),
    ...(unknown !== undefined && { unknown }),
    ...rareParts(values),
  };
}

function rareParts(values: ConnectionAttributes): Partial<Connection> {
  const { labels, helper, master, protocolInfo, synproxy, timestamps, securityContext } = values;
  const { start, stop } = timestamps ?? {};
  const counters = countersFrom(values);
  const adjustments = adjustmentsFrom(values);
  return {
    ...protocolInfo,
    ...(labels !== undefined && { labels: decodeLabels(labels) }),
    ...(counters !== undefined && { counters }),
    ...(start !== undefined && { start }),
    ...(stop !== undefined && { stop }),
    ...(helper?.name !== undefined && { helper: helper.name }),
    ...(master !== undefined && { master: masterFrom(master) }),
    ...(adjustments !== undefined && { sequenceAdjustment: adjustments }),
    ...(synproxy !== undefined && { synproxy }),
    ...(securityContext?.name !== undefined && { securityContext: securityContext.name }),
  };
}

function countersFrom({ originalCounters, replyCounters }: ConnectionAttributes): ConnectionCounters | undefined {
  if (!originalCounters && !replyCounters) return undefined;
  const side = ({ packets = 0n, bytes = 0n }: NonNullable<typeof originalCounters> = {}) => ({ packets, bytes });
  return { original: side(originalCounters), reply: side(replyCounters) };
}

function masterFrom(values: NonNullable<ConnectionAttributes['master']>): NonNullable<Connection['master']> {
  const { tuple, protocol } = decodeTuple(values);
  return { protocol, ...tuple };
}

function adjustmentsFrom(values: ConnectionAttributes): Connection['sequenceAdjustment'] {
  const [original, reply] = [values.originalSequenceAdjustment, values.replySequenceAdjustment];
  if (!original && !reply) return undefined;
  return { ...(original && { original }), ...(reply && { reply }) };
}

const LABEL_BYTES = 16;

/** unsigned long[] of the kernel; podwire runs on little-endian machines, where that is bytes in order. */
function decodeLabels(bytes: Uint8Array): ConnectionLabels {
  const labels: number[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit++) if (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) labels.push(bit);
  return labels;
}

export function encodeLabels(labels: ConnectionLabels): Buffer {
  const bytes = Buffer.alloc(LABEL_BYTES);
  for (const bit of labels) {
    if (!Number.isInteger(bit) || bit < 0 || bit >= LABEL_BYTES * 8)
      throw encodeError(`label ${bit}: 0 to ${LABEL_BYTES * 8 - 1} are possible`).within('labels');
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return bytes;
}

/** Which connection is meant: by one of its tuples. A `Connection` of a list is such a key. */
export interface ConnectionKey {
  readonly protocol: ConnectionProtocol;
  /** One of the two has to be there; of both, the original is looked up. */
  readonly original?: ConnectionTuple;
  readonly reply?: ConnectionTuple;
  /** Default: 0. */
  readonly zone?: number;
  /** Only this incarnation of it. */
  readonly id?: number;
}

export function encodeKey({ protocol, original, reply, zone }: ConnectionKey): ConnectionAttributes {
  if (original) return { original: encodeTuple(original, protocol), zone };
  if (reply) return { reply: encodeTuple(reply, protocol), zone };
  throw encodeError('a connection without its original and its reply tuple').within('original');
}

/** The tuple a key stands for. */
export function keyTuple({ original, reply }: ConnectionKey): Partial<ConnectionTuple> {
  return original ?? reply ?? {};
}

/** Where an address is to be translated to when the connection begins; one is chosen from a range. */
export interface NatRange {
  readonly address: IpAddress;
  readonly lastAddress?: IpAddress;
  readonly port?: number;
  readonly lastPort?: number;
}

function encodeNat({ address, lastAddress = address, port, lastPort = port }: NatRange) {
  const ends =
    familyOf(address) === 'ipv6' ? { first6: address, last6: lastAddress } : { first: address, last: lastAddress };
  return { ...ends, ...(port !== undefined && { ports: { first: port, last: lastPort } }) };
}

/** What a connection may be made of. */
export interface ConnectionSpec {
  readonly protocol: ConnectionProtocol;
  readonly original: ConnectionTuple;
  /** Default: the original turned round. */
  readonly reply?: ConnectionTuple;
  /** Seconds. */
  readonly timeout: number;
  /** `confirmed` is added: every connection that is listed is. */
  readonly status?: ConnectionStatus;
  readonly mark?: number;
  readonly zone?: number;
  /** Only where a rule of the namespace uses labels. */
  readonly labels?: ConnectionLabels;
  readonly tcp?: ProtocolInfo['tcp'];
  readonly sctp?: ProtocolInfo['sctp'];
  readonly helper?: string;
  /** The kernel puts the reply tuple right. */
  readonly sourceNat?: NatRange;
  readonly destinationNat?: NatRange;
}

export function encodeSpec(spec: ConnectionSpec): ConnectionAttributes {
  const { protocol, original, reply = inverseTuple(original, protocol), zone, helper, tcp, sctp } = spec;
  const { timeout, status, mark, labels, sourceNat, destinationNat } = spec;
  return {
    original: encodeTuple(original, protocol),
    reply: encodeTuple(reply, protocol),
    zone,
    timeout,
    ...(status && { status: [...status, 'confirmed'] as const }),
    mark,
    ...(labels && { labels: encodeLabels(labels) }),
    ...((tcp ?? sctp) && { protocolInfo: { tcp, sctp } }),
    ...(helper !== undefined && { helper: { name: helper } }),
    ...(sourceNat && { sourceNat: encodeNat(sourceNat) }),
    ...(destinationNat && { destinationNat: encodeNat(destinationNat) }),
  };
}
