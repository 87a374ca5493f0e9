import type { Records } from './answer.ts';
import { type CacheOptions, timeToLive } from './cache.ts';
import { decodeMessage } from './decode.ts';
import { encodeRecord } from './encode.ts';
import { lowerAscii, skipName } from './name.ts';
import { FLAG, HEADER_SIZE, TYPE } from './numbers.ts';

/**
 * An upstream server's answer, checked. Sections stay the bytes they were, so their compression pointers hold as long
 * as they stand right behind a header and a question of the same length, which writeReply sees to. The additional
 * section is dropped: it is optional and may point into what did not fit.
 */
export interface UpstreamAnswer {
  readonly rcode: number;
  readonly authenticData: boolean;
  readonly truncated: boolean;
  readonly answer: Records;
  readonly authority: Records | undefined;
  /** Seconds it may be kept. */
  readonly ttl: number;
}

/** Whether a packet answers this query: same id, same question (any case), a response. */
export function answersQuery(packet: Buffer, query: Buffer, questionEnd: number): boolean {
  if (packet.length < questionEnd || packet.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((packet.readUInt16BE(2) & (FLAG.QR | FLAG.OPCODE)) !== FLAG.QR || packet.readUInt16BE(4) !== 1) return false;
  const question = (bytes: Buffer) => lowerAscii(bytes.toString('latin1', HEADER_SIZE, questionEnd - 4));
  return (
    question(packet) === question(query) &&
    packet.subarray(questionEnd - 4, questionEnd).equals(query.subarray(questionEnd - 4, questionEnd))
  );
}

/** Reads an answer that answersQuery let through. Throws DnsDecodeError. */
export function readUpstreamAnswer(packet: Buffer, questionEnd: number, limits: CacheOptions): UpstreamAnswer {
  const message = decodeMessage(packet);
  const answerEnd = skipRecords(packet, questionEnd, message.answers.length);
  const authorityEnd = skipRecords(packet, answerEnd, message.authorities.length);
  return {
    rcode: message.rcode,
    authenticData: message.authenticData,
    truncated: message.truncated,
    answer: {
      count: message.answers.length,
      wire: Buffer.from(packet.subarray(questionEnd, answerEnd)),
      recordSize: 0,
    },
    authority:
      message.authorities.length === 0
        ? undefined
        : {
            count: message.authorities.length,
            wire: Buffer.from(packet.subarray(answerEnd, authorityEnd)),
            recordSize: 0,
          },
    ttl: message.truncated ? 0 : timeToLive(message, limits),
  };
}

function recordFields(packet: Buffer, at: number): { fields: number; end: number } {
  const fields = skipName(packet, at);
  return { fields, end: fields + 10 + packet.readUInt16BE(fields + 8) };
}

function skipRecords(packet: Buffer, start: number, count: number): number {
  let at = start;
  for (let i = 0; i < count; i++) at = recordFields(packet, at).end;
  return at;
}

/** The answer as it is `age` seconds later: every ttl is that much less. */
export function aged(answer: UpstreamAnswer, age: number): UpstreamAnswer {
  if (age === 0) return answer;
  const authority = answer.authority && agedRecords(answer.authority, age);
  return { ...answer, answer: agedRecords(answer.answer, age), authority };
}

function agedRecords(records: Records, age: number): Records {
  const wire = Buffer.from(records.wire);
  for (let at = 0; at < wire.length; ) {
    const { fields, end } = recordFields(wire, at);
    if (wire.readUInt16BE(fields) !== TYPE.OPT)
      wire.writeUInt32BE(Math.max(0, wire.readUInt32BE(fields + 4) - age), fields + 4);
    at = end;
  }
  return { ...records, wire };
}

/** The answer section with its names written out, to go behind other records. */
export function standalone(answer: UpstreamAnswer, question: Buffer): Records {
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answer.answer.count, 6);
  const { answers } = decodeMessage(Buffer.concat([header, question, answer.answer.wire]));
  return { count: answers.length, wire: Buffer.concat(answers.map(encodeRecord)), recordSize: 0 };
}
