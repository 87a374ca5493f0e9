import { flagBits, messageType } from './header-bytes.ts';
import type { VirtualConnection, VirtualPacket } from './virtual-packet.ts';

/** Addresses and ports of a packet; of ICMP the type and the identifier. */
interface Tuple {
  readonly saddr: string;
  readonly daddr: string;
  readonly sport?: number | undefined;
  readonly dport?: number | undefined;
  readonly type?: number | undefined;
}

/** A tracked connection. `reply` is what its answers look like, and so knows every translation. */
export interface Connection {
  readonly original: Tuple;
  reply: Tuple;
  readonly protocol: string | number;
  mark: number;
  readonly status: Set<string>;
  /** Which translations are settled, also when they changed nothing. */
  readonly settled: Set<'source' | 'destination'>;
  closed: boolean;
}

export type Direction = 'original' | 'reply';

/** What tracking says of one packet. */
export interface Tracked {
  readonly connection: Connection | undefined;
  readonly direction: Direction;
  readonly state: NonNullable<VirtualConnection['state']>;
}

const ECHO: Readonly<Record<number, number>> = {
  8: 0,
  0: 8,
  128: 129,
  129: 128,
  13: 14,
  14: 13,
  15: 16,
  16: 15,
  17: 18,
  18: 17,
};
const ICMP_REQUESTS: readonly number[] = [8, 13, 15, 17];
const FLAG = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

const isIcmp = (packet: VirtualPacket): boolean => packet.protocol === 'icmp' || packet.protocol === 'icmpv6';

function tupleOf(packet: VirtualPacket): Tuple {
  const { saddr, daddr, sport, dport, icmpId } = packet;
  return isIcmp(packet) ? { saddr, daddr, sport: icmpId, type: messageType(packet) } : { saddr, daddr, sport, dport };
}

function inverse({ saddr, daddr, sport, dport, type }: Tuple): Tuple {
  return type === undefined
    ? { saddr: daddr, daddr: saddr, sport: dport, dport: sport }
    : { saddr: daddr, daddr: saddr, sport, type: ECHO[type] ?? type };
}

const keyOf = (protocol: string | number, { saddr, daddr, sport, dport, type }: Tuple): string =>
  [protocol, saddr, daddr, sport, dport, type].join(' ');

/** Connection tracking of a namespace (nf_conntrack), without time-outs. */
export class ConnectionTable {
  readonly #byTuple = new Map<string, { readonly connection: Connection; readonly direction: Direction }>();

  /** Looks the packet's connection up, or begins one that `confirm` keeps. */
  track(packet: VirtualPacket): Tracked {
    if (packet.about) return this.#trackError(packet.about);
    const found = this.#byTuple.get(keyOf(packet.protocol, tupleOf(packet)));
    if (found && this.#reopens(packet, found)) this.#forget(found.connection);
    else if (found) return this.#known(packet, found);
    const state = beginning(packet);
    if (state !== 'new') return { connection: undefined, direction: 'original', state };
    const original = tupleOf(packet);
    const connection: Connection = {
      original,
      reply: inverse(original),
      protocol: packet.protocol,
      mark: 0,
      status: new Set(),
      settled: new Set(),
      closed: false,
    };
    return { connection, direction: 'original', state: 'new' };
  }

  /** The packet got through: answers will be known. False when another connection has the same answers. */
  confirm(connection: Connection): boolean {
    if (connection.status.has('confirmed')) return true;
    connection.status.add('confirmed');
    const { protocol, original, reply } = connection;
    const free = !this.#byTuple.has(keyOf(protocol, reply));
    this.#byTuple.set(keyOf(protocol, original), { connection, direction: 'original' });
    this.#byTuple.set(keyOf(protocol, reply), { connection, direction: 'reply' });
    return free;
  }

  #forget({ protocol, original, reply }: Connection): void {
    this.#byTuple.delete(keyOf(protocol, original));
    this.#byTuple.delete(keyOf(protocol, reply));
  }

  /** An ICMP error goes the way of the answers to the packet it is about. */
  #trackError(about: VirtualPacket): Tracked {
    const found = this.#byTuple.get(keyOf(about.protocol, inverse(tupleOf(about))));
    if (!found) return { connection: undefined, direction: 'original', state: 'invalid' };
    return { ...found, state: 'related' };
  }

  #reopens(
    packet: VirtualPacket,
    { connection, direction }: { connection: Connection; direction: Direction },
  ): boolean {
    return direction === 'original' && connection.closed && packet.protocol === 'tcp' && flagBits(packet) === FLAG.syn;
  }

  #known(packet: VirtualPacket, { connection, direction }: { connection: Connection; direction: Direction }): Tracked {
    // a later SYN begins anew only when the one who sends it had given up
    if (packet.protocol === 'tcp' && direction === 'original' && (flagBits(packet) & FLAG.rst) !== 0)
      connection.closed = true;
    if (direction === 'reply') connection.status.add('seen-reply');
    const state = connection.status.has('seen-reply') ? 'established' : 'new';
    return { connection, direction, state };
  }
}

/** Whether a packet of no connection may begin one (nf_conntrack_proto_*.c; tcp_loose is on). */
function beginning(packet: VirtualPacket): 'new' | 'invalid' | 'untracked' {
  if (packet.protocol === 'tcp') {
    const flags = flagBits(packet);
    const begins = (flags & (FLAG.rst | FLAG.fin)) === 0 && (flags & FLAG.syn ? !(flags & FLAG.ack) : flags & FLAG.ack);
    return begins ? 'new' : 'invalid';
  }
  if (packet.protocol === 'icmp') return ICMP_REQUESTS.includes(messageType(packet)) ? 'new' : 'invalid';
  if (packet.protocol !== 'icmpv6') return 'new';
  const type = messageType(packet);
  if (type === 128) return 'new';
  return (type >= 130 && type <= 137) || type === 143 ? 'untracked' : 'invalid';
}

/** What rules see of the connection. */
export function describeConnection({ connection, direction, state }: Tracked): VirtualConnection {
  if (!connection) return { state };
  const { original, protocol, mark, status } = connection;
  const { saddr, daddr, sport, dport } = original;
  const ports = { ...(sport !== undefined && { sport }), ...(dport !== undefined && { dport }) };
  return { state, direction, mark, status: [...status], original: { saddr, daddr, protocol, ...ports } };
}

type Side = 'source' | 'destination';

/** Takes over what the rules made of one side of the connection's first packet. */
export function settle(connection: Connection, side: Side, packet: VirtualPacket): void {
  connection.settled.add(side);
  const { saddr, daddr, sport, dport } = packet;
  const { reply } = connection;
  const isEcho = reply.type !== undefined;
  const now: Tuple =
    side === 'destination'
      ? { ...reply, saddr: daddr, ...(!isEcho && { sport: dport }) }
      : { ...reply, daddr: saddr, ...(isEcho ? { sport: packet.icmpId } : { dport: sport }) };
  const changed = keyOf('', now) !== keyOf('', reply);
  connection.reply = now;
  if (changed) connection.status.add(side === 'destination' ? 'dnat' : 'snat');
}

/** One side of a later packet, as the connection's translation has it; answers are translated back. */
export function translateSide(packet: VirtualPacket, { connection, direction }: Tracked, side: Side): VirtualPacket {
  if (!connection) return packet;
  // a packet looks to the other end like the inverse of what comes back
  const wanted = inverse(direction === 'original' ? connection.reply : connection.original);
  const translates = (side === 'destination') === (direction === 'original') ? 'dnat' : 'snat';
  if (!connection.status.has(translates)) return packet;
  const ports = !isIcmp(packet);
  if (side === 'destination')
    return { ...packet, daddr: wanted.daddr, ...(ports && wanted.dport !== undefined && { dport: wanted.dport }) };
  return { ...packet, saddr: wanted.saddr, ...(ports && wanted.sport !== undefined && { sport: wanted.sport }) };
}

/** What the other end would answer: a reset-free reply of the same protocol. */
export function replyTo(packet: VirtualPacket): VirtualPacket {
  const { saddr, daddr, sport, dport, protocol, icmpId, icmpSequence } = packet;
  const base = { saddr: daddr, daddr: saddr, protocol };
  if (isIcmp(packet)) {
    const icmpType = ECHO[messageType(packet)] ?? 0;
    return {
      ...base,
      icmpType,
      ...(icmpId !== undefined && { icmpId }),
      ...(icmpSequence !== undefined && { icmpSequence }),
    };
  }
  const ports = { ...(dport !== undefined && { sport: dport }), ...(sport !== undefined && { dport: sport }) };
  return { ...base, ...ports, ...(protocol === 'tcp' && { tcpFlags: ['syn', 'ack'] }) };
}
