import { type Family, familyOf, type IpAddress } from '@podwire/base';
import { DecodeError, encodeError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { CONNECTION_PROTOCOLS, tupleAttributes } from './conntrack-table.ts';

/** `tcp`, `udp`, ... or the number of a protocol without a word (IPPROTO_*). */
export type ConnectionProtocol = keyof typeof CONNECTION_PROTOCOLS | number;

/** What a packet of one direction looks like. */
export interface ConnectionTuple {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Of TCP, UDP, SCTP and DCCP; of GRE the keys of its PPTP calls. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Of ICMP and ICMPv6: identifier, and type and code as in the packets of the direction. */
  readonly icmpId?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  /** The zone of this direction, when the other one is in another. */
  readonly zone?: number;
}

type TupleAttributes = AttributesOf<typeof tupleAttributes.rows>;

export function encodeTuple(
  tuple: Partial<ConnectionTuple>,
  protocol: ConnectionProtocol | undefined,
): TupleAttributes {
  const { source, destination, sourcePort, destinationPort, zone } = tuple;
  return {
    ...((source ?? destination) !== undefined && { addresses: encodeAddresses(tuple) }),
    ...(protocol !== undefined && {
      transport: { protocol, sourcePort, destinationPort, ...encodeIcmp(tuple, protocol) },
    }),
    zone,
  };
}

function encodeAddresses({ source, destination }: Partial<ConnectionTuple>): TupleAttributes['addresses'] {
  const [family, other] = [source, destination].filter((address) => address !== undefined).map(familyOf);
  if (other !== undefined && other !== family)
    throw encodeError(`source "${source}" and destination "${destination}" of different families`).within('source');
  return family === 'ipv6' ? { source6: source, destination6: destination } : { source, destination };
}

function encodeIcmp(
  { icmpId, icmpType, icmpCode }: Partial<ConnectionTuple>,
  protocol: ConnectionProtocol,
): NonNullable<TupleAttributes['transport']> {
  if (protocol === 'icmpv6') return { icmpv6Id: icmpId, icmpv6Type: icmpType, icmpv6Code: icmpCode };
  return { icmpId, icmpType, icmpCode };
}

/** A tuple and what stands beside it in the same attributes. */
export interface DecodedTuple {
  readonly tuple: ConnectionTuple;
  readonly family: Family;
  readonly protocol: ConnectionProtocol;
}

/** Throws DecodeError. */
export function decodeTuple({ addresses = {}, transport = {}, zone }: TupleAttributes): DecodedTuple {
  const { protocol, sourcePort, destinationPort } = transport;
  const [source, destination] = [
    addresses.source ?? addresses.source6,
    addresses.destination ?? addresses.destination6,
  ];
  if (source === undefined || destination === undefined || protocol === undefined)
    throw new DecodeError('a tuple without its addresses or its protocol');
  const icmpId = transport.icmpId ?? transport.icmpv6Id;
  const icmpType = transport.icmpType ?? transport.icmpv6Type;
  const icmpCode = transport.icmpCode ?? transport.icmpv6Code;
  const tuple = {
    source,
    destination,
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
    ...(icmpId !== undefined && { icmpId }),
    ...(icmpType !== undefined && { icmpType }),
    ...(icmpCode !== undefined && { icmpCode }),
    ...(zone !== undefined && { zone }),
  };
  return { tuple, family: familyOf(source), protocol };
}

/** RFC 792, RFC 4443: which type answers which. */
const ICMP_ANSWERS: Readonly<Record<number, number>> = { 8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17 };
const ICMPV6_ANSWERS: Readonly<Record<number, number>> = { 128: 129, 129: 128, 139: 140, 140: 139 };

/** What the other end sends when nothing is translated. */
export function inverseTuple(tuple: ConnectionTuple, protocol: ConnectionProtocol): ConnectionTuple {
  const { source, destination, sourcePort, destinationPort, icmpType } = tuple;
  // a zone of its own is the other direction's only if that says so
  const { zone, ...rest } = tuple;
  const answers = protocol === 'icmpv6' ? ICMPV6_ANSWERS : ICMP_ANSWERS;
  return {
    ...rest,
    source: destination,
    destination: source,
    ...(destinationPort !== undefined && { sourcePort: destinationPort }),
    ...(sourcePort !== undefined && { destinationPort: sourcePort }),
    ...(icmpType !== undefined && { icmpType: answers[icmpType] ?? icmpType }),
  };
}

/** `tcp 10.0.0.1:4000 -> 10.0.0.2:80`, for errors. */
export function formatTuple(tuple: Partial<ConnectionTuple>, protocol: ConnectionProtocol): string {
  const { source, destination, sourcePort, destinationPort, icmpId, icmpType } = tuple;
  const end = (address: IpAddress | undefined, port: number | undefined) =>
    `${address?.includes(':') && port !== undefined ? `[${address}]` : address}${port === undefined ? '' : `:${port}`}`;
  const icmp = icmpType === undefined ? '' : ` type ${icmpType} id ${icmpId}`;
  return `${protocol} ${end(source, sourcePort)} -> ${end(destination, destinationPort)}${icmp}`;
}
