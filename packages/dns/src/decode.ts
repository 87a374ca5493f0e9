import { formatIp } from '@podwire/base';
import { DnsDecodeError } from './errors.ts';
import type { Edns, Message, Question, RecordData, ResourceRecord } from './message.ts';
import { readName } from './name.ts';
import { FLAG, HEADER_SIZE, TYPE } from './numbers.ts';

/** Reads a whole message. Throws DnsDecodeError, and nothing else, for bytes that are not one. */
export function decodeMessage(input: Uint8Array): Message {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (bytes.length < HEADER_SIZE) throw new DnsDecodeError('header is cut short', bytes.length);
  const flags = bytes.readUInt16BE(2);
  const cursor = { bytes, at: HEADER_SIZE };
  const questions = times(bytes.readUInt16BE(4), () => readQuestion(cursor));
  const answers = times(bytes.readUInt16BE(6), () => readRecord(cursor));
  const authorities = times(bytes.readUInt16BE(8), () => readRecord(cursor));
  const all = times(bytes.readUInt16BE(10), () => readRecord(cursor));
  const opts = all.filter((record) => record.type === TYPE.OPT);
  const [opt] = opts;
  if (opts.length > 1) throw new DnsDecodeError('more than one OPT record', cursor.at);
  if ([...answers, ...authorities].some((record) => record.type === TYPE.OPT)) {
    throw new DnsDecodeError('OPT record outside of the additional section', cursor.at);
  }
  return {
    id: bytes.readUInt16BE(0),
    response: (flags & FLAG.QR) !== 0,
    opcode: (flags & FLAG.OPCODE) >> 11,
    authoritative: (flags & FLAG.AA) !== 0,
    truncated: (flags & FLAG.TC) !== 0,
    recursionDesired: (flags & FLAG.RD) !== 0,
    recursionAvailable: (flags & FLAG.RA) !== 0,
    authenticData: (flags & FLAG.AD) !== 0,
    checkingDisabled: (flags & FLAG.CD) !== 0,
    rcode: (flags & FLAG.RCODE) | (opt ? (opt.ttl >>> 24) << 4 : 0),
    questions,
    answers,
    authorities,
    additionals: all.filter((record) => record.type !== TYPE.OPT),
    ...(opt && { edns: readEdns(opt, cursor.at) }),
  };
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function times<T>(count: number, read: () => T): T[] {
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(read());
  return list;
}

function need(cursor: Cursor, size: number): number {
  const start = cursor.at;
  if (start + size > cursor.bytes.length) throw new DnsDecodeError('record is cut short', start);
  cursor.at += size;
  return start;
}

function takeName(cursor: Cursor): string {
  const { name, end } = readName(cursor.bytes, cursor.at);
  cursor.at = end;
  return name;
}

function readQuestion(cursor: Cursor): Question {
  const name = takeName(cursor);
  const at = need(cursor, 4);
  return { name, type: cursor.bytes.readUInt16BE(at), class: cursor.bytes.readUInt16BE(at + 2) };
}

function readRecord(cursor: Cursor): ResourceRecord {
  const name = takeName(cursor);
  const { bytes } = cursor;
  const at = need(cursor, 10);
  const type = bytes.readUInt16BE(at);
  const start = need(cursor, bytes.readUInt16BE(at + 8));
  const data = readData(type, bytes.subarray(0, cursor.at), start);
  return { name, type, class: bytes.readUInt16BE(at + 2), ttl: bytes.readUInt32BE(at + 4), data };
}

/** Reads rdata from `start` to the end of `bytes`; bytes before it are there for pointers. */
function readData(type: number, bytes: Buffer, start: number): RecordData {
  const cursor: Cursor = { bytes, at: start };
  const data = dataReaders[type]?.(cursor);
  if (data === undefined) return { kind: 'opaque', bytes: Uint8Array.from(bytes.subarray(start)) };
  if (cursor.at !== bytes.length) throw new DnsDecodeError('record is longer than its data', cursor.at);
  return data;
}

function readAddress(size: number) {
  return (cursor: Cursor): RecordData => {
    const at = need(cursor, size);
    return { kind: 'address', address: formatIp(cursor.bytes.subarray(at, cursor.at)) };
  };
}

const readNameData = (cursor: Cursor): RecordData => ({ kind: 'name', name: takeName(cursor) });

function readSoa(cursor: Cursor): RecordData {
  const primary = takeName(cursor);
  const mailbox = takeName(cursor);
  const at = need(cursor, 20);
  const number = (i: number) => cursor.bytes.readUInt32BE(at + 4 * i);
  const [serial, refresh, retry, expire, minimum] = [number(0), number(1), number(2), number(3), number(4)];
  return { kind: 'soa', primary, mailbox, serial, refresh, retry, expire, minimum };
}

function readSrv(cursor: Cursor): RecordData {
  const at = need(cursor, 6);
  const number = (i: number) => cursor.bytes.readUInt16BE(at + 2 * i);
  return { kind: 'srv', priority: number(0), weight: number(1), port: number(2), target: takeName(cursor) };
}

function readText(cursor: Cursor): RecordData {
  const strings: string[] = [];
  do {
    const length = cursor.bytes[need(cursor, 1)] as number;
    const at = need(cursor, length);
    strings.push(cursor.bytes.toString('latin1', at, cursor.at));
  } while (cursor.at < cursor.bytes.length);
  return { kind: 'text', strings };
}

const dataReaders: Readonly<Record<number, (cursor: Cursor) => RecordData>> = {
  [TYPE.A]: readAddress(4),
  [TYPE.AAAA]: readAddress(16),
  [TYPE.NS]: readNameData,
  [TYPE.CNAME]: readNameData,
  [TYPE.PTR]: readNameData,
  [TYPE.SOA]: readSoa,
  [TYPE.MX]: (cursor) => ({
    kind: 'mx',
    preference: cursor.bytes.readUInt16BE(need(cursor, 2)),
    exchange: takeName(cursor),
  }),
  [TYPE.SRV]: readSrv,
  [TYPE.TXT]: readText,
};

function readEdns(opt: ResourceRecord, offset: number): Edns {
  if (opt.name !== '') throw new DnsDecodeError('OPT record is not at the root', offset);
  const bytes = Buffer.from(opt.data.kind === 'opaque' ? opt.data.bytes : []);
  const cursor: Cursor = { bytes, at: 0 };
  const options: { code: number; bytes: Uint8Array }[] = [];
  while (cursor.at < bytes.length) {
    const at = need(cursor, 4);
    const start = need(cursor, bytes.readUInt16BE(at + 2));
    options.push({ code: bytes.readUInt16BE(at), bytes: Uint8Array.from(bytes.subarray(start, cursor.at)) });
  }
  return { udpSize: opt.class, version: (opt.ttl >>> 16) & 255, dnssecOk: (opt.ttl & 0x8000) !== 0, options };
}
