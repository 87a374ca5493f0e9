import { DnsDecodeError } from './errors.ts';
import { lowerAscii, skipName } from './name.ts';
import { FLAG, HEADER_SIZE, SAFE_UDP_SIZE, TYPE } from './numbers.ts';

/** The parts of a query the server needs, read without building a Message. */
export interface Query {
  /** The message as it came. */
  readonly packet: Buffer;
  readonly id: number;
  /** The header's second word. */
  readonly flags: number;
  /** The question's name as nameKey writes it. */
  readonly key: string;
  readonly type: number;
  readonly class: number;
  /** Offset behind the question. */
  readonly questionEnd: number;
  readonly edns: QueryEdns | undefined;
}

export interface QueryEdns {
  /** What the client can take over UDP, at least 512. */
  readonly udpSize: number;
  readonly version: number;
  readonly dnssecOk: boolean;
}

/** A packet that is not a query that can be answered: no answer at all, or one with only a header and this rcode. */
export type Unanswerable = { readonly problem: 'ignore' } | { readonly problem: 'formerr' | 'notimp' };

/** Reads a query packet. Never throws. Answers, and packets without a header, are to be ignored. */
export function readQuery(packet: Buffer): Query | Unanswerable {
  if (packet.length < HEADER_SIZE) return { problem: 'ignore' };
  const flags = packet.readUInt16BE(2);
  if (flags & FLAG.QR) return { problem: 'ignore' };
  if (flags & FLAG.OPCODE) return { problem: 'notimp' };
  if (packet.readUInt16BE(4) !== 1) return { problem: 'formerr' };
  const nameEnd = questionNameEnd(packet);
  const questionEnd = nameEnd + 4;
  if (nameEnd < 0 || questionEnd > packet.length) return { problem: 'formerr' };
  const records = packet.readUInt16BE(6) + packet.readUInt16BE(8) + packet.readUInt16BE(10);
  try {
    return {
      packet,
      id: packet.readUInt16BE(0),
      flags,
      key: lowerAscii(packet.toString('latin1', HEADER_SIZE, nameEnd - 1)),
      type: packet.readUInt16BE(nameEnd),
      class: packet.readUInt16BE(nameEnd + 2),
      questionEnd,
      edns: records === 0 ? undefined : findEdns(packet, questionEnd, records),
    };
  } catch (error) {
    if (error instanceof DnsDecodeError) return { problem: 'formerr' };
    throw error;
  }
}

/** Offset behind the name at 12, or -1. There is nothing before it a pointer could point at. */
function questionNameEnd(packet: Buffer): number {
  let at = HEADER_SIZE;
  for (;;) {
    const length = packet[at];
    if (length === undefined || length > 63 || at - HEADER_SIZE + length > 254) return -1;
    if (length === 0) return at + 1;
    at += length + 1;
  }
}

/** Walks the records behind the question; the OPT record, at the root and at most one, says what the client can do. */
function findEdns(packet: Buffer, start: number, records: number): QueryEdns | undefined {
  let found: QueryEdns | undefined;
  for (let at = start, i = 0; i < records; i++) {
    const fields = skipName(packet, at);
    if (fields + 10 > packet.length) throw new DnsDecodeError('record is cut short', fields);
    if (packet.readUInt16BE(fields) === TYPE.OPT) {
      if (found || packet[at] !== 0) throw new DnsDecodeError('OPT record is doubled or not at the root', at);
      const flags = packet.readUInt32BE(fields + 4);
      const udpSize = Math.max(512, packet.readUInt16BE(fields + 2));
      found = { udpSize, version: (flags >>> 16) & 255, dnssecOk: (flags & 0x8000) !== 0 };
    }
    at = fields + 10 + packet.readUInt16BE(fields + 8);
    if (at > packet.length) throw new DnsDecodeError('record is cut short', at);
  }
  return found;
}

/** How long an answer to this query may be over UDP. */
export function udpLimit(query: Query, ours: number = SAFE_UDP_SIZE): number {
  return query.edns ? Math.min(query.edns.udpSize, ours) : 512;
}
