import type { Records } from './answer.ts';
import { FLAG, HEADER_SIZE, OPT_SIZE, RCODE, SAFE_UDP_SIZE, TYPE } from './numbers.ts';
import type { Query } from './query.ts';

/** What goes into a reply besides the query's own header and question. */
export interface ReplyContent {
  readonly rcode: number;
  /** AA. */
  readonly authoritative: boolean;
  /** AD, as an upstream server said. */
  readonly authenticData?: boolean;
  /** TC, besides being set when something does not fit. */
  readonly truncated?: boolean;
  readonly answer: readonly Records[];
  readonly authority?: Records | undefined;
  readonly additional?: readonly Records[];
}

export interface ReplyOptions {
  /** Most bytes of the reply. */
  readonly limit: number;
  /** Which record of a set of equally long records comes first; counts on from reply to reply (round robin). */
  readonly turn: number;
  /** RA. */
  readonly recursion: boolean;
}

/**
 * The bytes of a reply: the question as it was asked (its case kept), then the records that fit. When the answer does
 * not fit, whole records are left out from the end and TC is set; authority and additional data are simply left out.
 */
export function writeReply(query: Query, content: ReplyContent, options: ReplyOptions): Buffer {
  const tail = query.edns ? OPT_SIZE : 0;
  const room = Math.max(options.limit - tail, query.questionEnd);
  const reply = Buffer.allocUnsafe(Math.min(room, query.questionEnd + sizeOf(content)) + tail);
  query.packet.copy(reply, 0, 0, query.questionEnd);
  let at = query.questionEnd;
  let answers = 0;
  let truncated = content.truncated === true;
  for (const records of content.answer) {
    const { count, end } = append(reply, at, records, { room, turn: options.turn });
    answers += count;
    at = end;
    if (count === records.count) continue;
    truncated = true;
    break;
  }
  let authorities = 0;
  if (content.authority && !truncated && at + content.authority.wire.length <= room) {
    at += content.authority.wire.copy(reply, at);
    authorities = content.authority.count;
  }
  let additionals = 0;
  for (const records of truncated ? [] : (content.additional ?? [])) {
    if (at + records.wire.length > room) continue;
    at += records.wire.copy(reply, at);
    additionals += records.count;
  }
  if (query.edns) at = writeOpt(reply, at, query.edns.dnssecOk, content.rcode);
  reply.writeUInt16BE(replyFlags(query.flags, content, truncated, options.recursion), 2);
  reply.writeUInt16BE(1, 4);
  reply.writeUInt16BE(answers, 6);
  reply.writeUInt16BE(authorities, 8);
  reply.writeUInt16BE(additionals + (query.edns ? 1 : 0), 10);
  return at === reply.length ? reply : reply.subarray(0, at);
}

function sizeOf(content: ReplyContent): number {
  let size = content.authority?.wire.length ?? 0;
  for (const records of content.answer) size += records.wire.length;
  for (const records of content.additional ?? []) size += records.wire.length;
  return size;
}

function replyFlags(asked: number, content: ReplyContent, truncated: boolean, recursion: boolean): number {
  return (
    FLAG.QR |
    (asked & (FLAG.OPCODE | FLAG.RD | FLAG.CD)) |
    (content.authoritative ? FLAG.AA : 0) |
    (content.authenticData ? FLAG.AD : 0) |
    (truncated ? FLAG.TC : 0) |
    (recursion ? FLAG.RA : 0) |
    (content.rcode & FLAG.RCODE)
  );
}

/** Copies a record set, whole records only, beginning with the record whose turn it is. */
function append(reply: Buffer, at: number, records: Records, { room, turn }: { room: number; turn: number }) {
  const { wire, recordSize } = records;
  if (recordSize > 0 && records.count > 1) {
    const count = Math.min(records.count, Math.floor((room - at) / recordSize));
    const first = (turn % records.count) * recordSize;
    const size = count * recordSize;
    const copied = wire.copy(reply, at, first, Math.min(first + size, wire.length));
    wire.copy(reply, at + copied, 0, size - copied);
    return { count, end: at + size };
  }
  if (at + wire.length <= room) return { count: records.count, end: at + wire.copy(reply, at) };
  return appendFitting(reply, at, wire, room);
}

function appendFitting(reply: Buffer, at: number, wire: Buffer, room: number) {
  let count = 0;
  let end = 0;
  for (;;) {
    const next = recordEnd(wire, end);
    if (next > wire.length || at + next > room) break;
    end = next;
    count++;
  }
  wire.copy(reply, at, 0, end);
  return { count, end: at + end };
}

/** Where the record at `at` ends; past the end of `wire` when there is none. */
function recordEnd(wire: Buffer, at: number): number {
  let fields = at;
  while (fields < wire.length && wire[fields] !== 0 && (wire[fields] as number) < 0xc0)
    fields += (wire[fields] as number) + 1;
  fields += wire[fields] === 0 ? 1 : 2;
  return fields + 10 > wire.length ? wire.length + 1 : fields + 10 + wire.readUInt16BE(fields + 8);
}

function writeOpt(reply: Buffer, at: number, dnssecOk: boolean, rcode: number): number {
  reply.writeUInt8(0, at);
  reply.writeUInt16BE(TYPE.OPT, at + 1);
  reply.writeUInt16BE(SAFE_UDP_SIZE, at + 3);
  reply.writeUInt32BE((((rcode >> 4) << 24) | (dnssecOk ? 0x8000 : 0)) >>> 0, at + 5);
  reply.writeUInt16BE(0, at + 9);
  return at + OPT_SIZE;
}

/** A reply to a packet whose question cannot be read: the header alone. */
export function writeHeaderReply(packet: Buffer, problem: 'formerr' | 'notimp'): Buffer {
  const reply = Buffer.alloc(HEADER_SIZE);
  packet.copy(reply, 0, 0, 2);
  const flags = FLAG.QR | (packet.readUInt16BE(2) & (FLAG.OPCODE | FLAG.RD));
  reply.writeUInt16BE(flags | (problem === 'formerr' ? RCODE.FORMERR : RCODE.NOTIMP), 2);
  return reply;
}
