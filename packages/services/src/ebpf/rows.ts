/**
 * Keys and values of one map, one behind the other as the kernel takes them: no object for each, for there are tens of
 * thousands.
 */
export class Rows {
  readonly keySize: number;
  readonly valueSize: number;
  #keys: Buffer = Buffer.alloc(0);
  #values: Buffer = Buffer.alloc(0);
  #count = 0;

  constructor({ key, value }: { readonly key: number; readonly value: number }) {
    this.keySize = key;
    this.valueSize = value;
  }

  get count(): number {
    return this.#count;
  }

  get keys(): Buffer {
    return this.#keys.subarray(0, this.#count * this.keySize);
  }

  get values(): Buffer {
    return this.#values.subarray(0, this.#count * this.valueSize);
  }

  /** One more row of zeros; `fill` writes into both buffers from the offsets it is given. */
  add(
    fill: (row: {
      readonly keys: Buffer;
      readonly key: number;
      readonly values: Buffer;
      readonly value: number;
    }) => void,
  ) {
    if (this.#keys.length < (this.#count + 1) * this.keySize) {
      this.#keys = grown(this.#keys, this.keySize);
      this.#values = grown(this.#values, this.valueSize);
    }
    const [key, value] = [this.#count * this.keySize, this.#count * this.valueSize];
    this.#count++;
    fill({ keys: this.#keys, key, values: this.#values, value });
  }

  /** Copies a row of another one. */
  addFrom(other: Rows, row: number): void {
    this.add(({ keys, key, values, value }) => {
      other.#keys.copy(keys, key, row * this.keySize, (row + 1) * this.keySize);
      other.#values.copy(values, value, row * this.valueSize, (row + 1) * this.valueSize);
    });
  }

  /** The bytes of a row's key as text, for looking up. */
  key(row: number): string {
    return this.#keys.toString('latin1', row * this.keySize, (row + 1) * this.keySize);
  }

  /** The first `size` bytes of a row's value. */
  value(row: number, size = this.valueSize): string {
    return this.#values.toString('latin1', row * this.valueSize, row * this.valueSize + size);
  }
}

const FIRST_ROWS = 16;

function grown(bytes: Buffer, size: number): Buffer {
  const larger = Buffer.alloc(Math.max(bytes.length * 2, FIRST_ROWS * size));
  bytes.copy(larger);
  return larger;
}
