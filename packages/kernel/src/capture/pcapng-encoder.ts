import { familyOf, ipBytes } from '@podwire/base';
import { encodeError } from '../errors.ts';
import { ByteWriter } from '../netlink/byte-writer.ts';
import { u16, u32, u64 } from '../netlink/codec.ts';
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

const VERSION = { major: 1, minor: 0 } as const;
const SECTION_LENGTH_UNKNOWN = 0xffff_ffff_ffff_ffffn;
/** if_tsresol: times are in 10^-9 s. */
const NANOSECONDS = 9;
/** if_filter: text in tcpdump's language. */
const FILTER_TEXT = 0;

/** Options of one block, closed by `end` if there were any. */
class OptionWriter {
  readonly #out: ByteWriter;
  #any = false;

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  #begin(code: number, length: number): void {
    if (length > 0xffff) throw encodeError(`a pcapng option of ${length} bytes; 65,535 fit`);
    this.#any = true;
    this.#out.u16(code);
    this.#out.u16(length);
  }

  text(code: number, value: string | undefined): void {
    if (value !== undefined) this.bytes(code, Buffer.from(value));
  }

  bytes(code: number, value: Uint8Array): void {
    this.#begin(code, value.length);
    this.#out.raw(value);
    this.#out.align();
  }

  u64(code: number, value: bigint | undefined): void {
    if (value === undefined) return;
    this.#begin(code, 8);
    u64.write(this.#out, value);
  }

  u32(code: number, value: number): void {
    this.#begin(code, 4);
    this.#out.u32(value);
  }

  end(): void {
    if (!this.#any) return;
    this.#out.u16(OPTION_END);
    this.#out.u16(0);
  }
}

type WriteBody = (out: ByteWriter, options: OptionWriter) => void;

function block(number: number, size: number, body: WriteBody): Buffer {
  const out = new ByteWriter(size);
  out.u32(number);
  out.u32(0);
  const options = new OptionWriter(out);
  body(out, options);
  options.end();
  const length = out.length + 4;
  out.u32(length);
  out.patchU32(4, length);
  return out.finish();
}

function section(value: SectionBlock): Buffer {
  return block(BLOCK.section, 256, (out, options) => {
    out.u32(BYTE_ORDER_MAGIC);
    out.u16(VERSION.major);
    out.u16(VERSION.minor);
    out.u64(SECTION_LENGTH_UNKNOWN);
    options.text(OPTION_COMMENT, value.comment);
    options.text(SECTION_OPTION.hardware, value.hardware);
    options.text(SECTION_OPTION.os, value.os);
    options.text(SECTION_OPTION.application, value.application);
  });
}

function interfaceDescription(value: InterfaceBlock): Buffer {
  return block(BLOCK.interface, 256, (out, options) => {
    u16.write(out, value.linkType);
    out.u16(0);
    u32.write(out, value.snapLength);
    options.text(OPTION_COMMENT, value.comment);
    options.text(INTERFACE_OPTION.name, value.name);
    options.text(INTERFACE_OPTION.description, value.description);
    options.bytes(INTERFACE_OPTION.timestampResolution, Uint8Array.of(NANOSECONDS));
    if (value.filter !== undefined) {
      options.bytes(INTERFACE_OPTION.filter, Buffer.concat([Uint8Array.of(FILTER_TEXT), Buffer.from(value.filter)]));
    }
  });
}

/** Times are two 32-bit words, the high one first, whatever the byte order. */
function time(out: ByteWriter, value: bigint): void {
  if (value < 0n || value >= 1n << 64n) throw encodeError(`${value} as nanoseconds since 1970`);
  out.u32(Number((value >> 32n) & 0xffff_ffffn));
  out.u32(Number(value & 0xffff_ffffn));
}

function packet(value: PacketBlock): Buffer {
  const { bytes } = value;
  return block(BLOCK.packet, bytes.length + 64, (out, options) => {
    u32.write(out, value.interface);
    time(out, value.time);
    out.u32(bytes.length);
    u32.write(out, value.length ?? bytes.length);
    out.raw(bytes);
    out.align();
    options.text(OPTION_COMMENT, value.comment);
    if (value.direction) options.u32(PACKET_OPTION.flags, PACKET_FLAG[value.direction]);
  });
}

function statistics(value: StatisticsBlock): Buffer {
  return block(BLOCK.statistics, 64, (out, options) => {
    u32.write(out, value.interface);
    time(out, value.time);
    options.text(OPTION_COMMENT, value.comment);
    options.u64(STATISTICS_OPTION.received, value.received);
    options.u64(STATISTICS_OPTION.dropped, value.dropped);
    options.u64(STATISTICS_OPTION.delivered, value.delivered);
  });
}

function names(value: NamesBlock): Buffer {
  return block(BLOCK.names, 256, (out, options) => {
    for (const { address, names } of value.entries) {
      if (names.some((name) => name === '' || name.includes('\0'))) throw encodeError(`the names of ${address}`);
      const record = Buffer.concat([ipBytes(address), Buffer.from(names.map((name) => `${name}\0`).join(''))]);
      if (record.length > 0xffff) throw encodeError(`${record.length} bytes of names for ${address}`);
      out.u16(NAME_RECORD[familyOf(address)]);
      out.u16(record.length);
      out.raw(record);
      out.align();
    }
    out.u16(NAME_RECORD.end);
    out.u16(0);
    options.text(OPTION_COMMENT, value.comment);
  });
}

/** One block in little-endian byte order, times in nanoseconds. A file begins with a section. Throws KERNEL_ENCODE. */
export function encodePcapngBlock(value: PcapngBlock): Buffer {
  if (value.type === 'packet') return packet(value);
  if (value.type === 'section') return section(value);
  if (value.type === 'interface') return interfaceDescription(value);
  if (value.type === 'statistics') return statistics(value);
  if (value.type === 'names') return names(value);
  if (value.body.length % 4 !== 0) throw encodeError(`a pcapng block with a body of ${value.body.length} bytes`);
  return block(value.number, value.body.length + 12, (out) => out.raw(value.body));
}
