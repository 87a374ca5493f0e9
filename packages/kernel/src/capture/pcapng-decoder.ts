import { formatIp } from '@podwire/base';
import { DecodeError } from '../errors.ts';
import {
  BLOCK,
  BYTE_ORDER_MAGIC,
  INTERFACE_OPTION,
  type InterfaceBlock,
  NAME_RECORD,
  type NamesBlock,
  OPTION_COMMENT,
  OPTION_END,
  PACKET_FLAG,
  PACKET_OPTION,
  type PacketBlock,
  type PcapngBlock,
  SECTION_OPTION,
  type SectionBlock,
  STATISTICS_OPTION,
  type StatisticsBlock,
} from './pcapng-block.ts';

/** Type and length ahead, length again behind. */
const BLOCK_OVERHEAD = 12;

/** Reads numbers of one byte order out of a part of the file, and says where it was when that fails. */
class Reader {
  readonly bytes: Buffer;
  readonly #start: number;
  readonly #little: boolean;
  at = 0;

  constructor(bytes: Buffer, start: number, little: boolean) {
    this.bytes = bytes;
    this.#start = start;
    this.#little = little;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  fail(what: string): DecodeError {
    return new DecodeError(what, { offset: this.#start + Math.min(this.at, this.bytes.length) });
  }

  #advance(count: number): number {
    if (count > this.left) throw this.fail(`${count} bytes of a pcapng block from ${this.left}`);
    this.at += count;
    return this.at - count;
  }

  u16(): number {
    const at = this.#advance(2);
    return this.#little ? this.bytes.readUInt16LE(at) : this.bytes.readUInt16BE(at);
  }

  u32(): number {
    const at = this.#advance(4);
    return this.#little ? this.bytes.readUInt32LE(at) : this.bytes.readUInt32BE(at);
  }

  u64(): bigint {
    const at = this.#advance(8);
    return this.#little ? this.bytes.readBigUInt64LE(at) : this.bytes.readBigUInt64BE(at);
  }

  /** Bytes and their padding to a multiple of four. */
  padded(count: number): Reader {
    const at = this.#advance(count);
    this.at = Math.min((this.at + 3) & ~3, this.bytes.length);
    return new Reader(this.bytes.subarray(at, at + count), this.#start + at, this.#little);
  }
}

type Options = ReadonlyMap<number, Reader>;

/** Options by code; of one that comes twice, the first. */
function readOptions(reader: Reader): Options {
  const options = new Map<number, Reader>();
  while (reader.left >= 4) {
    const code = reader.u16();
    const value = reader.padded(reader.u16());
    if (code === OPTION_END) break;
    if (!options.has(code)) options.set(code, value);
  }
  return options;
}

function textOption<K extends string>(options: Options, code: number, key: K): { [P in K]?: string } {
  const value = options.get(code);
  return value === undefined ? {} : ({ [key]: value.bytes.toString('utf8') } as { [P in K]?: string });
}

function u64Option<K extends string>(options: Options, code: number, key: K): { [P in K]?: bigint } {
  const value = options.get(code);
  return value === undefined ? {} : ({ [key]: value.u64() } as { [P in K]?: bigint });
}

const comment = (options: Options) => textOption(options, OPTION_COMMENT, 'comment');

/** What an interface's times count: `unitsPerSecond` of them are a second, from `offset` nanoseconds after 1970 on. */
interface Clock {
  readonly unitsPerSecond: bigint;
  readonly offset: bigint;
}

const NANOSECONDS = 1_000_000_000n;
const MICROSECONDS = 1_000_000n;

function clockOf(options: Options): Clock {
  const seconds = options.get(INTERFACE_OPTION.timestampOffset)?.u64() ?? 0n;
  const unitsPerSecond = resolutionOf(options.get(INTERFACE_OPTION.timestampResolution));
  return { unitsPerSecond, offset: BigInt.asIntN(64, seconds) * NANOSECONDS };
}

function resolutionOf(reader: Reader | undefined): bigint {
  const value = reader?.bytes[0];
  if (reader === undefined || value === undefined) return MICROSECONDS;
  const exponent = BigInt(value & 0x7f);
  if (exponent > 63n) throw reader.fail(`a time resolution of ${value}`);
  return value & 0x80 ? 2n ** exponent : 10n ** exponent;
}

/** One section: its byte order, and the clocks of the interfaces seen so far. */
class Section {
  readonly little: boolean;
  readonly #clocks: Clock[] = [];

  constructor(little: boolean) {
    this.little = little;
  }

  read(number: number, reader: Reader): PcapngBlock {
    if (number === BLOCK.packet) return this.#packet(reader);
    if (number === BLOCK.interface) return this.#interface(reader);
    if (number === BLOCK.statistics) return this.#statistics(reader);
    if (number === BLOCK.names) return readNames(reader);
    if (number === BLOCK.section) return readSection(reader);
    return { type: 'other', number, body: reader.bytes };
  }

  #interface(reader: Reader): InterfaceBlock {
    const linkType = reader.u16();
    reader.u16();
    const snapLength = reader.u32();
    const options = readOptions(reader);
    this.#clocks.push(clockOf(options));
    const filter = options.get(INTERFACE_OPTION.filter)?.bytes;
    return {
      type: 'interface',
      linkType,
      snapLength,
      ...comment(options),
      ...textOption(options, INTERFACE_OPTION.name, 'name'),
      ...textOption(options, INTERFACE_OPTION.description, 'description'),
      // a first byte other than 0 announces something that is not text
      ...(filter?.[0] === 0 ? { filter: filter.toString('utf8', 1) } : {}),
    };
  }

  #time(reader: Reader, index: number): bigint {
    const clock = this.#clocks[index];
    if (clock === undefined) throw reader.fail(`a pcapng block of interface ${index}, which was not described`);
    const units = (BigInt(reader.u32()) << 32n) | BigInt(reader.u32());
    const { unitsPerSecond, offset } = clock;
    return offset + (unitsPerSecond === NANOSECONDS ? units : (units * NANOSECONDS) / unitsPerSecond);
  }

  #packet(reader: Reader): PacketBlock {
    const index = reader.u32();
    const time = this.#time(reader, index);
    const kept = reader.u32();
    const length = reader.u32();
    const { bytes } = reader.padded(kept);
    const options = readOptions(reader);
    const flags = (options.get(PACKET_OPTION.flags)?.u32() ?? 0) & PACKET_FLAG.mask;
    return {
      type: 'packet',
      interface: index,
      time,
      bytes,
      ...(length === kept ? {} : { length }),
      ...(flags === PACKET_FLAG.in ? { direction: 'in' } : flags === PACKET_FLAG.out ? { direction: 'out' } : {}),
      ...comment(options),
    };
  }

  #statistics(reader: Reader): StatisticsBlock {
    const index = reader.u32();
    const time = this.#time(reader, index);
    const options = readOptions(reader);
    return {
      type: 'statistics',
      interface: index,
      time,
      ...comment(options),
      ...u64Option(options, STATISTICS_OPTION.received, 'received'),
      ...u64Option(options, STATISTICS_OPTION.dropped, 'dropped'),
      ...u64Option(options, STATISTICS_OPTION.delivered, 'delivered'),
    };
  }
}

function readSection(reader: Reader): SectionBlock {
  reader.u32();
  const major = reader.u16();
  if (major !== 1) throw reader.fail(`pcapng version ${major}`);
  reader.u16();
  reader.u64();
  const options = readOptions(reader);
  return {
    type: 'section',
    ...comment(options),
    ...textOption(options, SECTION_OPTION.hardware, 'hardware'),
    ...textOption(options, SECTION_OPTION.os, 'os'),
    ...textOption(options, SECTION_OPTION.application, 'application'),
  };
}

function readNames(reader: Reader): NamesBlock {
  const entries: { address: ReturnType<typeof formatIp>; names: string[] }[] = [];
  while (reader.left >= 4) {
    const type = reader.u16();
    const record = reader.padded(reader.u16());
    if (type === NAME_RECORD.end) break;
    const size = type === NAME_RECORD.ipv4 ? 4 : type === NAME_RECORD.ipv6 ? 16 : 0;
    if (size === 0) continue;
    if (record.left < size) throw record.fail(`the address of a name record from ${record.left} bytes`);
    const names = record.bytes
      .toString('utf8', size)
      .split('\0')
      .filter((name) => name !== '');
    entries.push({ address: formatIp(record.bytes.subarray(0, size)), names });
  }
  return { type: 'names', entries, ...comment(readOptions(reader)) };
}

function byteOrderAt(bytes: Buffer, at: number): boolean {
  if (bytes.length - at < BLOCK_OVERHEAD) throw new DecodeError('a pcapng section header', { offset: at });
  if (bytes.readUInt32LE(at + 8) === BYTE_ORDER_MAGIC) return true;
  if (bytes.readUInt32BE(at + 8) === BYTE_ORDER_MAGIC) return false;
  throw new DecodeError('the byte order of a pcapng section', { offset: at + 8 });
}

/**
 * Reads the blocks of a capture file of either byte order, one at a time. Buffers in them share the memory of `bytes`.
 * Throws DecodeError at the block that is damaged or cut off, after all the ones before it.
 */
export function* decodePcapng(bytes: Buffer): Generator<PcapngBlock, void> {
  let section: Section | undefined;
  for (let at = 0; at < bytes.length; ) {
    const fail = (what: string) => new DecodeError(what, { offset: at });
    if (bytes.length - at < BLOCK_OVERHEAD) throw fail(`a pcapng block from ${bytes.length - at} bytes`);
    // the section's number reads the same in both byte orders
    if (bytes.readUInt32LE(at) === BLOCK.section) section = new Section(byteOrderAt(bytes, at));
    if (section === undefined) throw fail('a pcapng file that does not begin with a section');
    const head = new Reader(bytes.subarray(at), at, section.little);
    const number = head.u32();
    const length = head.u32();
    if (length < BLOCK_OVERHEAD || length % 4 !== 0 || length > bytes.length - at)
      throw fail(`a pcapng block of ${length} bytes where ${bytes.length - at} are left`);
    const body = new Reader(bytes.subarray(at + 8, at + length - 4), at + 8, section.little);
    head.at = length - 4;
    if (head.u32() !== length) throw fail('a pcapng block whose two lengths differ');
    yield section.read(number, body);
    at += length;
  }
}
