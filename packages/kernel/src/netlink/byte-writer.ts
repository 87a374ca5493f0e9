/** A growing buffer that messages are written into; numbers are in host order (little endian) unless named BE. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(size = 256) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far; shares memory with the writer, so write no more after it. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for `count` bytes and returns where it begins. */
  #advance(count: number): number {
    const at = this.#length;
    if (at + count > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, at + count));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.#length = at + count;
    return at;
  }

  u8(value: number): void {
    const at = this.#advance(1);
    this.#bytes.writeUInt8(value, at);
  }

  u16(value: number): void {
    const at = this.#advance(2);
    this.#bytes.writeUInt16LE(value, at);
  }

  u16be(value: number): void {
    const at = this.#advance(2);
    this.#bytes.writeUInt16BE(value, at);
  }

  u32(value: number): void {
    const at = this.#advance(4);
    this.#bytes.writeUInt32LE(value, at);
  }

  u32be(value: number): void {
    const at = this.#advance(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  s32(value: number): void {
    const at = this.#advance(4);
    this.#bytes.writeInt32LE(value, at);
  }

  u64(value: bigint): void {
    const at = this.#advance(8);
    this.#bytes.writeBigUInt64LE(value, at);
  }

  u64be(value: bigint): void {
    const at = this.#advance(8);
    this.#bytes.writeBigUInt64BE(value, at);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#advance(bytes.length);
    this.#bytes.set(bytes, at);
  }

  text(value: string): void {
    const at = this.#advance(Buffer.byteLength(value));
    this.#bytes.write(value, at);
  }

  zeros(count: number): void {
    const at = this.#advance(count);
    this.#bytes.fill(0, at, at + count);
  }

  /** Zeros up to the next multiple of four, where attributes and messages begin. */
  align(): void {
    const missing = -this.#length & 3;
    if (missing > 0) this.zeros(missing);
  }

  patchU16(at: number, value: number): void {
    this.#bytes.writeUInt16LE(value, at);
  }

  patchU32(at: number, value: number): void {
    this.#bytes.writeUInt32LE(value, at);
  }
}
