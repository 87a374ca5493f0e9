import type { AluOperator, AtomicOperator, Comparison, MemorySize, SignedSize } from './instruction.ts';

/*
 * An instruction is one slot of eight bytes, or two (RFC 9669):
 *
 *   opcode:8  dst:4  src:4  offset:16  imm:32
 *   opcode = class:3 | (arithmetic, jumps) source:1 operation:4
 *            class:3 | (loads, stores)     size:2   mode:3
 */

export const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;
/** The source is a register, not imm. */
export const SOURCE_X = 0x08;
export const MODE = { IMM: 0x00, ABS: 0x20, IND: 0x40, MEM: 0x60, MEMSX: 0x80, ATOMIC: 0xc0 } as const;
export const OPERATION = { NEG: 0x80, MOV: 0xb0, END: 0xd0, JA: 0x00, CALL: 0x80, EXIT: 0x90 } as const;
export const FETCH = 0x01;

/** What src means in a 64-bit load (BPF_PSEUDO_*), and in a call. */
export const PSEUDO = { MAP_FD: 1, MAP_VALUE: 2, FUNC: 4, CALL: 1 } as const;

/** Operation, and the offset that tells the signed division apart. */
export const ALU: Readonly<Record<AluOperator, readonly [operation: number, offset: 0 | 1]>> = {
  '+=': [0x00, 0],
  '-=': [0x10, 0],
  '*=': [0x20, 0],
  '/=': [0x30, 0],
  's/=': [0x30, 1],
  '|=': [0x40, 0],
  '&=': [0x50, 0],
  '<<=': [0x60, 0],
  '>>=': [0x70, 0],
  '%=': [0x90, 0],
  's%=': [0x90, 1],
  '^=': [0xa0, 0],
  '=': [0xb0, 0],
  's>>=': [0xc0, 0],
};

export const COMPARISON: Readonly<Record<Comparison, number>> = {
  '==': 0x10,
  '>': 0x20,
  '>=': 0x30,
  '&': 0x40,
  '!=': 0x50,
  's>': 0x60,
  's>=': 0x70,
  '<': 0xa0,
  '<=': 0xb0,
  's<': 0xc0,
  's<=': 0xd0,
};

export const SIZE: Readonly<Record<MemorySize | SignedSize, number>> = {
  u32: 0x00,
  s32: 0x00,
  u16: 0x08,
  s16: 0x08,
  u8: 0x10,
  s8: 0x10,
  u64: 0x18,
};

export const ATOMIC: Readonly<Record<AtomicOperator, number>> = {
  add: 0x00,
  or: 0x40,
  and: 0x50,
  xor: 0xa0,
  xchg: 0xe0,
  cmpxchg: 0xf0,
};
