import { type IpAddress, ipBytes, PodwireError } from '@podwire/base';
import type { Edns, Message, RecordData, ResourceRecord } from './message.ts';
import { encodeName } from './name.ts';
import { CLASS_IN, FLAG, TYPE } from './numbers.ts';

const MAX_MESSAGE = 65_535;

function invalid(why: string): PodwireError {
  return new PodwireError('DNS_BAD_MESSAGE', `DNS message cannot be written: ${why}`);
}

/**
 * Bytes that grow as they are written. Names are compressed (RFC 1035 4.1.4) where the type allows it, only onto a
 * suffix equal in case, so that decoding gives back what was written.
 */
export class MessageWriter {
  #bytes = Buffer.alloc(512);
  #length = 0;
  readonly #suffixes = new Map<string, number>();
  readonly #compress: boolean;

  constructor(options: { compress: boolean } = { compress: true }) {
    this.#compress = options.compress;
  }

  get length(): number {
    return this.#length;
  }

  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length); // first: it may replace the buffer
    this.#bytes.set(bytes, at);
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#bytes.writeUInt8(value, at);
  }

  u16(value: number, at = this.#grow(2)): void {
    if (!(Number.isInteger(value) && value >= 0 && value <= 65_535)) throw invalid(`${value} is not a 16-bit number`);
    this.#bytes.writeUInt16BE(value, at);
  }

  u32(value: number): void {
    if (!(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff))
      throw invalid(`${value} is not a 32-bit number`);
    const at = this.#grow(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  /** Writes a name, with a pointer to an earlier equal suffix if there is one. */
  name(text: string): void {
    const wire = encodeName(text);
    for (let at = 0; wire[at] !== 0; ) {
      const suffix = wire.toString('latin1', at);
      const known = this.#suffixes.get(suffix);
      if (known !== undefined) {
        this.u16(0xc000 | known);
        return;
      }
      if (this.#compress && this.#length < 0x4000) this.#suffixes.set(suffix, this.#length);
      const size = (wire[at] as number) + 1;
      this.raw(wire.subarray(at, at + size));
      at += size;
    }
    this.u8(0);
  }

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #grow(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > MAX_MESSAGE) throw invalid('it is over 65,535 bytes');
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#length));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    return at;
  }
}

/** The message's bytes. Throws DNS_BAD_MESSAGE or DNS_BAD_NAME. */
export function encodeMessage(message: Message): Buffer {
  const writer = new MessageWriter();
  writeHeader(writer, message);
  for (const question of message.questions) {
    writer.name(question.name);
    writer.u16(question.type);
    writer.u16(question.class);
  }
  for (const record of [...message.answers, ...message.authorities, ...message.additionals])
    writeRecord(writer, record);
  if (message.edns) writeEdns(writer, message.edns, message.rcode);
  return writer.finish();
}

function writeHeader(writer: MessageWriter, message: Message): void {
  if (message.rcode > (message.edns ? 0xfff : 15)) throw invalid(`rcode ${message.rcode} does not fit`);
  const flag = (set: boolean, bit: number) => (set ? bit : 0);
  writer.u16(message.id);
  writer.u16(
    flag(message.response, FLAG.QR) |
      ((message.opcode & 15) << 11) |
      flag(message.authoritative, FLAG.AA) |
      flag(message.truncated, FLAG.TC) |
      flag(message.recursionDesired, FLAG.RD) |
      flag(message.recursionAvailable, FLAG.RA) |
      flag(message.authenticData, FLAG.AD) |
      flag(message.checkingDisabled, FLAG.CD) |
      (message.rcode & FLAG.RCODE),
  );
  writer.u16(message.questions.length);
  writer.u16(message.answers.length);
  writer.u16(message.authorities.length);
  writer.u16(message.additionals.length + (message.edns ? 1 : 0));
}

function writeRecord(writer: MessageWriter, record: ResourceRecord): void {
  writer.name(record.name);
  writer.u16(record.type);
  writer.u16(record.class);
  writer.u32(record.ttl);
  const lengthAt = writer.length;
  writer.u16(0);
  writeData(writer, record.data);
  writer.u16(writer.length - lengthAt - 2, lengthAt);
}

function writeData(writer: MessageWriter, data: RecordData): void {
  switch (data.kind) {
    case 'address':
      writer.raw(ipBytes(data.address));
      break;
    case 'name':
      writer.name(data.name);
      break;
    case 'soa':
      writer.name(data.primary);
      writer.name(data.mailbox);
      for (const n of [data.serial, data.refresh, data.retry, data.expire, data.minimum]) writer.u32(n);
      break;
    case 'mx':
      writer.u16(data.preference);
      writer.name(data.exchange);
      break;
    case 'srv':
      for (const n of [data.priority, data.weight, data.port]) writer.u16(n);
      writer.raw(encodeName(data.target)); // RFC 2782: never compressed
      break;
    case 'text':
      writeText(writer, data.strings);
      break;
    case 'opaque':
      writer.raw(data.bytes);
  }
}

function writeText(writer: MessageWriter, strings: readonly string[]): void {
  if (strings.length === 0) throw invalid('a TXT record needs at least one string');
  for (const text of strings) {
    const bytes = Buffer.from(text, 'latin1');
    if (bytes.length > 255) throw invalid('a TXT string is over 255 bytes');
    writer.u8(bytes.length);
    writer.raw(bytes);
  }
}

function writeEdns(writer: MessageWriter, edns: Edns, rcode: number): void {
  writer.u8(0);
  writer.u16(TYPE.OPT);
  writer.u16(edns.udpSize);
  writer.u32((((rcode >> 4) << 24) | ((edns.version & 255) << 16) | (edns.dnssecOk ? 0x8000 : 0)) >>> 0);
  const lengthAt = writer.length;
  writer.u16(0);
  for (const option of edns.options) {
    writer.u16(option.code);
    writer.u16(option.bytes.length);
    writer.raw(option.bytes);
  }
  writer.u16(writer.length - lengthAt - 2, lengthAt);
}

/** Rdata alone, uncompressed, for tables that keep records as bytes. */
export function encodeData(data: RecordData): Buffer {
  switch (data.kind) {
    case 'name':
      return encodeName(data.name);
    case 'address':
      return Buffer.from(ipBytes(data.address));
    default: {
      const writer = new MessageWriter({ compress: false });
      writeData(writer, data);
      return writer.finish();
    }
  }
}

/** A whole record, uncompressed, so that it may stand anywhere in a message. */
export function encodeRecord(record: ResourceRecord): Buffer {
  const writer = new MessageWriter({ compress: false });
  writeRecord(writer, record);
  return writer.finish();
}

/** The type an address record has. */
export function addressType(address: IpAddress): number {
  return address.includes(':') ? TYPE.AAAA : TYPE.A;
}

export interface QueryOptions {
  readonly id: number;
  readonly recursionDesired?: boolean;
  readonly checkingDisabled?: boolean;
  readonly edns?: Edns;
}

/** A standard query of class IN. */
export function encodeQuery(name: string, type: number, options: QueryOptions): Buffer {
  return encodeMessage({
    id: options.id,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: options.recursionDesired ?? true,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: options.checkingDisabled ?? false,
    rcode: 0,
    questions: [{ name, type, class: CLASS_IN }],
    answers: [],
    authorities: [],
    additionals: [],
    ...(options.edns && { edns: options.edns }),
  });
}
