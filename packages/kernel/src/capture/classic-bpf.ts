import { ALWAYS, type ClassicInstruction, Layout, type Line, threadJumps } from './classic-layout.ts';

export type { ClassicInstruction } from './classic-layout.ts';

/**
 * Classic BPF, the language of socket filters (linux/filter.h, linux/bpf_common.h): an accumulator A, an index register
 * X, sixteen words of memory, jumps forward only. Loads beyond the end of the packet end the program with 0.
 */

const CLASS = { ld: 0, ldx: 1, alu: 4, jmp: 5, ret: 6, misc: 7 } as const;
const SIZE = { word: 0x00, half: 0x08, byte: 0x10 } as const;
const MODE = { imm: 0x00, abs: 0x20, ind: 0x40, len: 0x80, msh: 0xa0 } as const;
const ALU = { add: 0x00, sub: 0x10, mul: 0x20, or: 0x40, and: 0x50, lsh: 0x60, rsh: 0x70 } as const;
const JUMP = { eq: 0x10, gt: 0x20, ge: 0x30, set: 0x40 } as const;

export type LoadSize = keyof typeof SIZE;
export type Condition = 'eq' | 'gt' | 'ge' | 'set';

/** Collects the lines of a program; `finish` resolves the labels. */
export class ClassicAssembler {
  readonly #lines: Line[] = [];
  #labels = 0;

  /** A label nobody else has. */
  newLabel(): string {
    this.#labels += 1;
    return `.${this.#labels}`;
  }

  label(name: string): this {
    this.#lines.push({ kind: 'label', name });
    return this;
  }

  #plain(code: number, k: number): this {
    this.#lines.push({ kind: 'plain', code, k: k >>> 0 });
    return this;
  }

  /** A = bytes at `offset` of the packet, in network order; negative offsets are SKF_AD_OFF and SKF_NET_OFF. */
  load(size: LoadSize, offset: number): this {
    return this.#plain(CLASS.ld | SIZE[size] | MODE.abs, offset);
  }

  /** A = bytes at X + `offset`. */
  loadIndexed(size: LoadSize, offset: number): this {
    return this.#plain(CLASS.ld | SIZE[size] | MODE.ind, offset);
  }

  /** A = length of the packet. */
  loadLength(): this {
    return this.#plain(CLASS.ld | SIZE.word | MODE.len, 0);
  }

  /** X = 4 * (byte at `offset` & 15), the length of an IPv4 header. */
  loadHeaderLength(offset: number): this {
    return this.#plain(CLASS.ldx | SIZE.byte | MODE.msh, offset);
  }

  /** A = A `operation` k. */
  alu(operation: keyof typeof ALU, k: number): this {
    return this.#plain(CLASS.alu | ALU[operation], k);
  }

  /** To `yes` when A `condition` k, else to `no`; labels further down. */
  jump(condition: Condition, k: number, yes: string, no: string): this {
    this.#lines.push({ kind: 'jump', code: CLASS.jmp | JUMP[condition], k: k >>> 0, yes, no });
    return this;
  }

  goto(name: string): this {
    this.#lines.push({ kind: 'jump', code: ALWAYS, k: 0, yes: name, no: name });
    return this;
  }

  /** Ends: how many bytes of the packet are kept, 0 for none of it. */
  ret(bytes: number): this {
    return this.#plain(CLASS.ret, bytes);
  }

  /** Throws KERNEL_ENCODE for a jump backwards or to nowhere, and for a program the kernel would refuse as too long. */
  finish(): readonly ClassicInstruction[] {
    return new Layout(threadJumps(this.#lines)).instructions();
  }
}

/** The program as an array of struct sock_filter. */
export function encodeClassicProgram(program: readonly ClassicInstruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [i, { code, jt, jf, k }] of program.entries()) {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(jt, i * 8 + 2);
    bytes.writeUInt8(jf, i * 8 + 3);
    bytes.writeUInt32LE(k, i * 8 + 4);
  }
  return bytes;
}

/** The program in the decimal form of `tcpdump -ddd`, without the count: `code jt jf k` a line. */
export function formatClassicProgram(program: readonly ClassicInstruction[]): string {
  return program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`).join('\n');
}
