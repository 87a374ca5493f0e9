import type { TableFamily } from './model.ts';
import { FAMILY } from './wire.ts';

const NLA_F_NESTED = 0x8000;

/**
 * Writes netlink attributes (length, type, payload, padding to 4 bytes; native order for the header) into one buffer
 * that grows. Nested attributes are opened with `open` and closed with `close`.
 */
export class AttributeWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 512) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  /** What was written, without a copy: write no more after it. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Starts a nested attribute; the value returned goes to `close`. */
  open(type: number): number {
    const at = this.#reserve(4);
    this.#bytes.writeUInt16LE(type | NLA_F_NESTED, at + 2);
    return at;
  }

  close(at: number): this {
    this.#bytes.writeUInt16LE(this.#length - at, at);
    return this;
  }

  nest(type: number, write: () => void): this {
    const at = this.open(type);
    write();
    return this.close(at);
  }

  bytes(type: number, value: Uint8Array): this {
    const at = this.#attribute(type, value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** The bytes written so far, and room behind them; another one after the next attribute. */
  get buffer(): Buffer {
    return this.#bytes;
  }

  /** Already encoded attributes whose values are still to be filled in; returns where in `buffer` they begin. */
  template(attributes: Uint8Array): number {
    const at = this.#reserve(attributes.length);
    this.#bytes.set(attributes, at);
    return at;
  }

  /** Already encoded attributes. */
  raw(attributes: Uint8Array): this {
    const at = this.#reserve(attributes.length);
    this.#bytes.set(attributes, at);
    return this;
  }

  /** With a zero behind it. */
  text(type: number, value: string): this {
    const length = Buffer.byteLength(value);
    const at = this.#attribute(type, length + 1);
    this.#bytes.write(value, at);
    this.#bytes[at + length] = 0;
    return this;
  }

  u8(type: number, value: number): this {
    // first the place, for making room replaces the bytes
    const at = this.#attribute(type, 1);
    this.#bytes[at] = value;
    return this;
  }

  u16(type: number, value: number): this {
    const at = this.#attribute(type, 2);
    this.#bytes.writeUInt16BE(value, at);
    return this;
  }

  /** nf_tables integers are big-endian. */
  u32(type: number, value: number): this {
    const at = this.#attribute(type, 4);
    this.#bytes.writeUInt32BE(value >>> 0, at);
    return this;
  }

  u64(type: number, value: bigint | number): this {
    const at = this.#attribute(type, 8);
    this.#bytes.writeBigUInt64BE(BigInt(value), at);
    return this;
  }

  #attribute(type: number, length: number): number {
    const at = this.#reserve(4 + ((length + 3) & ~3));
    if (length & 3) this.#bytes.fill(0, at + 4 + length, this.#length);
    this.#bytes.writeUInt16LE(4 + length, at);
    this.#bytes.writeUInt16LE(type, at + 2);
    return at + 4;
  }

  /** Room whose bytes are still to be written. */
  #reserve(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    return at;
  }
}

/** The body of a message: struct nfgenmsg, and attributes to be written behind it. */
export function openBody(family: TableFamily): AttributeWriter {
  return new AttributeWriter().raw(Uint8Array.of(FAMILY[family], 0, 0, 0));
}
