import type { PodwireError } from '@podwire/base';
import type { Register, Target } from './instruction.ts';

const SLOT = 8;

/** The slot or two of one instruction; checks what goes into each field. */
export class SlotWriter {
  readonly #out: Buffer;
  readonly #slot: number;
  readonly fail: (why: string) => PodwireError;

  constructor(out: Buffer, slot: number, fail: (why: string) => PodwireError) {
    this.#out = out;
    this.#slot = slot;
    this.fail = fail;
  }

  code(code: number): this {
    this.#out[this.#slot * SLOT] = code;
    return this;
  }

  dst(register: Register): this {
    return this.#nibble(registerNumber(register, this.fail), 0);
  }

  /** A destination that is written to. */
  result(register: Register): this {
    if (register === 'r10') throw this.fail('r10 is the frame pointer and cannot be written; copy it first');
    return this.dst(register);
  }

  src(register: Register | number): this {
    return this.#nibble(typeof register === 'number' ? register : registerNumber(register, this.fail), 4);
  }

  #nibble(value: number, shift: 0 | 4): this {
    const at = this.#slot * SLOT + 1;
    this.#out[at] = (this.#out[at] ?? 0) | (value << shift);
    return this;
  }

  offset(value: number): this {
    if (!inRange(value, -0x8000, 0x7fff)) throw this.fail(`offset ${value} does not fit 16 bits`);
    this.#out.writeInt16LE(value, this.#slot * SLOT + 2);
    return this;
  }

  imm(value: number, low = -0x80000000, high = 0x7fffffff): this {
    if (!inRange(value, low, high)) throw this.fail(`${value} is not a whole number from ${low} to ${high}`);
    this.#out.writeInt32LE(value | 0, this.#slot * SLOT + 4);
    return this;
  }

  /** The upper half of a 64-bit load. */
  imm2(value: number): this {
    if (!inRange(value, 0, 0xffffffff)) throw this.fail(`${value} is not a whole number from 0 to 4294967295`);
    this.#out.writeUInt32LE(value, (this.#slot + 1) * SLOT + 4);
    return this;
  }

  /** Slots between the one after this instruction and the target. */
  distance(target: Target, labels: ReadonlyMap<string, number>): number {
    if (typeof target === 'number') return target;
    const slot = labels.get(target);
    if (slot === undefined) throw this.fail(`there is no label "${target}"`);
    return slot - this.#slot - 1;
  }
}

export function inRange(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}

function registerNumber(register: Register, fail: (why: string) => PodwireError): number {
  const match = /^r(\d|10)$/.exec(register);
  if (match === null) throw fail(`"${register}" is not a register; there are r0 to r10`);
  return Number(match[1]);
}
