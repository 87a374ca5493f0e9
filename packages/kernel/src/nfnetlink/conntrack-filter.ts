import { type Family, familyOf } from '@podwire/base';
import { encodeError } from '../errors.ts';
import type { Connection, ConnectionAttributes, ConnectionStatus } from './conntrack-entry.ts';
import { CONNECTION_STATUS, type TUPLE_PARTS } from './conntrack-table.ts';
import { type ConnectionProtocol, type ConnectionTuple, encodeTuple } from './conntrack-tuple.ts';

/** Which connections are wanted: those that all parts fit. */
export interface ConnectionFilter {
  readonly family?: Family;
  readonly protocol?: ConnectionProtocol;
  /** The bits of `markMask` (default: all) have to be these. */
  readonly mark?: number;
  readonly markMask?: number;
  /** Of either direction. */
  readonly zone?: number;
  /** All of these ... */
  readonly status?: ConnectionStatus;
  /** ... and none of these. */
  readonly withoutStatus?: ConnectionStatus;
  /** What is given has to be equal. */
  readonly original?: Partial<ConnectionTuple>;
  readonly reply?: Partial<ConnectionTuple>;
}

const ALL = 0xffffffff;

/**
 * What the kernel can filter by: mark (Linux 3.x), status (5.8) and tuples (5.8), zone (6.8); older ones list more, so
 * that what comes has to be looked at again. Zone 0 it takes for any. Ports and ICMP it only looks at with a protocol, IPv6 addresses it compares the wrong way round.
 */
export function encodeFilter(filter: ConnectionFilter): ConnectionAttributes {
  const { mark, markMask = ALL, zone, status = [], withoutStatus = [], protocol, original, reply } = filter;
  const statusMask = (statusBits(status) | statusBits(withoutStatus)) >>> 0;
  const bothSides = protocol === undefined ? [original, reply] : [original ?? {}, reply];
  const [originalParts, replyParts] = bothSides.map((tuple) => tuple && tupleParts(tuple, protocol));
  const parts = { original: originalParts ?? [], reply: replyParts ?? [] };
  return {
    ...(mark !== undefined && { mark, markMask }),
    ...(zone !== undefined && zone !== 0 && { zone }),
    ...(statusMask !== 0 && { status, statusMask: [statusMask] }),
    ...(parts.original.length > 0 && { original: encodeTuple(original ?? {}, protocol) }),
    ...(parts.reply.length > 0 && { reply: encodeTuple(reply ?? {}, protocol) }),
    ...(parts.original.length + parts.reply.length > 0 && { filter: parts }),
  };
}

type TuplePart = keyof typeof TUPLE_PARTS;

function tupleParts(tuple: Partial<ConnectionTuple>, protocol: ConnectionProtocol | undefined): TuplePart[] {
  const given = (Object.keys(tuple) as (keyof ConnectionTuple)[]).filter((key) => tuple[key] !== undefined);
  const isAddress = (key: keyof ConnectionTuple) => key === 'source' || key === 'destination';
  // of IPv6 addresses, ctnetlink_filter_match_tuple() wants those that differ
  const parts = given.filter((key) => (isAddress(key) ? !tuple[key]?.toString().includes(':') : key !== 'zone'));
  if (protocol === undefined) return parts.filter(isAddress);
  return ['protocol', ...(protocol === 'icmpv6' ? parts.map(ofIcmpv6) : parts)];
}

const ICMPV6_PARTS: Readonly<Record<string, TuplePart>> = {
  icmpType: 'icmpv6Type',
  icmpCode: 'icmpv6Code',
  icmpId: 'icmpv6Id',
};
const ofIcmpv6 = (part: TuplePart): TuplePart => ICMPV6_PARTS[part] ?? part;

/** Of the filter or of an address in it. */
export function filterFamily({ family, original, reply }: ConnectionFilter): Family | undefined {
  const addresses = [original?.source, original?.destination, reply?.source, reply?.destination];
  return addresses
    .filter((address) => address !== undefined)
    .map(familyOf)
    .reduce((all: Family | undefined, one) => {
      if (all !== undefined && all !== one) throw encodeError(`addresses of ${all} and ${one} in one filter`);
      return one;
    }, family);
}

export function matchesFilter(connection: Connection, filter: ConnectionFilter): boolean {
  const { family, protocol, mark, markMask = ALL, zone, status = [], withoutStatus = [], original, reply } = filter;
  const bits = statusBits(connection.status);
  const wanted = statusBits(status);
  return (
    (family === undefined || connection.family === family) &&
    (protocol === undefined || connection.protocol === protocol) &&
    (mark === undefined || ((connection.mark ?? 0) & markMask) === (mark & markMask)) &&
    (zone === undefined || zonesOf(connection).includes(zone)) &&
    (bits & wanted) === wanted &&
    (bits & statusBits(withoutStatus)) === 0 &&
    hasParts(connection.original, original) &&
    hasParts(connection.reply, reply)
  );
}

function zonesOf({ zone = 0, original, reply }: Connection): number[] {
  return [original.zone ?? zone, reply.zone ?? zone];
}

function hasParts(tuple: ConnectionTuple, wanted: Partial<ConnectionTuple> = {}): boolean {
  const keys = Object.keys(wanted) as (keyof ConnectionTuple)[];
  return keys.every((key) => wanted[key] === undefined || tuple[key] === wanted[key]);
}

function statusBits(status: ConnectionStatus): number {
  let bits = 0;
  for (const word of status) bits |= typeof word === 'number' ? word : CONNECTION_STATUS[word];
  return bits;
}
