import type { ApiObject } from '../seam.ts';

/** Bytes of a slab; a text that may need more than that has no place. */
const SLAB = 1024 * 1024;
/** Bytes of UTF-8 that a character of a string takes at most. */
const WIDEST = 3;

/**
 * Texts of objects side by side in a few large pieces of memory, which stay when the texts are cleared. A Buffer for each
 * text would be thousands a second that live for seconds: V8 counts such memory, and to have it back marks the whole heap
 * in steps that hold up everything else.
 */
export class JsonSlabs {
  readonly #most: number;
  readonly #slabs: Buffer[] = [];
  /** Where texts begin in all slabs together, times SLAB, plus their lengths: a Buffer each would be seven times that. */
  readonly #places = new Map<ApiObject, number>();
  #slab = 0;
  #at = 0;

  /** `most`: how many slabs it may have. They are made when they are needed. */
  constructor(most: number) {
    this.#most = most;
  }

  get(object: ApiObject): Buffer | undefined {
    const place = this.#places.get(object);
    if (place === undefined) return undefined;
    const from = Math.floor(place / SLAB);
    return this.#slabs[Math.floor(from / SLAB)]?.subarray(from % SLAB, (from % SLAB) + (place % SLAB));
  }

  /** Where the text is from now on, until clear(); undefined when there is no room. */
  add(object: ApiObject, text: string | Buffer): Buffer | undefined {
    const room = typeof text === 'string' ? text.length * WIDEST : text.length;
    if (this.#at + room > SLAB) [this.#slab, this.#at] = [this.#slab + 1, 0];
    if (this.#slab >= this.#most) return undefined;
    this.#slabs[this.#slab] ??= Buffer.allocUnsafeSlow(SLAB);
    const slab = this.#slabs[this.#slab] as Buffer;
    const from = this.#at;
    this.#at += typeof text === 'string' ? slab.write(text, from) : text.copy(slab, from);
    this.#places.set(object, (this.#slab * SLAB + from) * SLAB + this.#at - from);
    return slab.subarray(from, this.#at);
  }

  clear(): void {
    this.#places.clear();
    [this.#slab, this.#at] = [0, 0];
  }

  /** Whether the text could have a place at all. */
  static fits(text: string): boolean {
    return text.length * WIDEST < SLAB;
  }
}
