import { DecodeError } from '../errors.ts';
import { assemble } from './assembler.ts';
import { FUNCTION_NUMBERS, type FunctionName } from './function-number.ts';
import {
  type AluOperator,
  type AtomicOperator,
  type Comparison,
  type Instruction,
  type MemorySize,
  type Operand,
  type Register,
  type SignedSize,
  slotsOf,
} from './instruction.ts';
import { formatInstruction, type ListingOptions } from './listing.ts';
import { ALU, ATOMIC, CLASS, COMPARISON, FETCH, MODE, OPERATION, PSEUDO, SIZE, SOURCE_X } from './opcode.ts';

const SLOT = 8;

/** The fields of one slot. */
interface Slot {
  readonly code: number;
  readonly dst: Register;
  readonly src: Register;
  readonly srcNumber: number;
  readonly offset: number;
  readonly imm: number;
  /** imm of the following slot, for 64-bit loads. */
  readonly imm2: number | undefined;
}

/**
 * The instructions of a program in bytes; jumps have the number of slots they skip as target. Assembling the result
 * gives the same bytes. Throws DecodeError for what the kernel would not accept as an instruction, and for those that
 * name types of the kernel (BTF), which podwire does not know.
 */
export function decodeProgram(bytes: Uint8Array): Instruction[] {
  if (bytes.length % SLOT !== 0) throw new DecodeError(`a BPF program of ${bytes.length} bytes, not a multiple of 8`);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const program: Instruction[] = [];
  for (let at = 0; at < buffer.length; ) {
    const instruction = decodeAt(buffer, at);
    program.push(instruction);
    at += slotsOf(instruction) * SLOT;
  }
  return program;
}

function decodeAt(buffer: Buffer, at: number): Instruction {
  const bad = () => new DecodeError(`BPF instruction ${buffer.toString('hex', at, at + SLOT)}`, { offset: at });
  const instruction = decodeSlot(readSlot(buffer, at));
  if (instruction === undefined) throw bad();
  // Fields an instruction does not use must be zero: then, and only then, its own encoding is the same
  const end = at + slotsOf(instruction) * SLOT;
  if (end > buffer.length || !isEncodingOf(instruction, buffer.subarray(at, end))) throw bad();
  return instruction;
}

function isEncodingOf(instruction: Instruction, bytes: Buffer): boolean {
  try {
    return assemble([instruction]).equals(bytes);
  } catch {
    return false;
  }
}

function readSlot(buffer: Buffer, at: number): Slot {
  const registers = buffer.readUInt8(at + 1);
  return {
    code: buffer.readUInt8(at),
    dst: register(registers & 15),
    src: register(registers >> 4),
    srcNumber: registers >> 4,
    offset: buffer.readInt16LE(at + 2),
    imm: buffer.readInt32LE(at + 4),
    imm2: at + 2 * SLOT <= buffer.length ? buffer.readUInt32LE(at + SLOT + 4) : undefined,
  };
}

/** Numbers above 10 name no register, so that encoding fails. */
function register(number: number): Register {
  return `r${number}` as Register;
}

function keyOf<K extends string, V>(table: Readonly<Record<K, V>>, matches: (value: V) => boolean): K | undefined {
  for (const key in table) if (matches(table[key])) return key;
  return undefined;
}

const sizes: readonly MemorySize[] = ['u32', 'u16', 'u8', 'u64'];
const sizeOf = (code: number): MemorySize => sizes.find((size) => SIZE[size] === (code & 0x18)) ?? 'u32';

function decodeSlot(slot: Slot): Instruction | undefined {
  switch (slot.code & 7) {
    case CLASS.ALU:
      return decodeAlu(slot, 32);
    case CLASS.ALU64:
      return decodeAlu(slot, 64);
    case CLASS.JMP:
      return decodeJump(slot, 64);
    case CLASS.JMP32:
      return decodeJump(slot, 32);
    default:
      return decodeMemory(slot);
  }
}

function operand(slot: Slot): Operand {
  return slot.code & SOURCE_X ? slot.src : slot.imm;
}

function decodeAlu(slot: Slot, bits: 32 | 64): Instruction | undefined {
  const { code, dst, src, offset, imm } = slot;
  const operation = code & 0xf0;
  if (operation === OPERATION.NEG) return { kind: 'negate', dst, bits };
  if (operation === OPERATION.END) {
    const order = bits === 64 ? 'bswap' : code & SOURCE_X ? 'be' : 'le';
    return { kind: 'swap', order, dst, bits: imm as 16 | 32 | 64 };
  }
  if (operation === OPERATION.MOV && code & SOURCE_X && offset !== 0)
    return { kind: 'extend', dst, src, from: offset as 8 | 16 | 32, bits };
  const op = keyOf<AluOperator, readonly [number, 0 | 1]>(ALU, ([o, sign]) => o === operation && sign === offset);
  return op && { kind: 'alu', op, dst, src: operand(slot), bits };
}

function decodeJump(slot: Slot, bits: 32 | 64): Instruction | undefined {
  const { code, dst, srcNumber, offset, imm } = slot;
  const operation = code & 0xf0;
  if (operation === OPERATION.JA) return { kind: 'jump', target: bits === 64 ? offset : imm, long: bits === 32 };
  const op = keyOf<Comparison, number>(COMPARISON, (o) => o === operation);
  if (op) return { kind: 'branch', op, dst, src: operand(slot), bits, target: offset };
  if (bits === 32) return undefined;
  if (operation === OPERATION.EXIT) return { kind: 'exit' };
  if (operation !== OPERATION.CALL) return undefined;
  if (srcNumber === PSEUDO.CALL) return { kind: 'subprogram', target: imm };
  return { kind: 'call', name: keyOf<FunctionName, number>(FUNCTION_NUMBERS, (number) => number === imm) ?? imm };
}

function decodeMemory(slot: Slot): Instruction | undefined {
  const { code, dst, src, offset, imm } = slot;
  const size = sizeOf(code);
  const mode = code & 0xe0;
  switch (code & 7) {
    case CLASS.LDX:
      if (mode !== MODE.MEM && mode !== MODE.MEMSX) return undefined;
      return { kind: 'load', dst, base: src, offset, size: mode === MODE.MEM ? size : signed(size) };
    case CLASS.ST:
      // A narrow value is the same in every way of writing it; the kernel reads imm as signed
      return mode === MODE.MEM ? { kind: 'store', base: dst, offset, src: imm, size } : undefined;
    case CLASS.STX:
      if (mode === MODE.MEM) return { kind: 'store', base: dst, offset, src, size };
      return mode === MODE.ATOMIC ? decodeAtomic(slot, size) : undefined;
    default:
      if (mode === MODE.IMM) return size === 'u64' ? decodeWide(slot) : undefined;
      if (mode === MODE.ABS) return { kind: 'packet', index: undefined, offset: imm, size };
      return mode === MODE.IND ? { kind: 'packet', index: src, offset: imm, size } : undefined;
  }
}

function signed(size: MemorySize): SignedSize {
  return size.replace('u', 's') as SignedSize;
}

function decodeAtomic({ dst, src, offset, imm }: Slot, size: MemorySize): Instruction | undefined {
  const op = keyOf<AtomicOperator, number>(ATOMIC, (operation) => operation === (imm & ~FETCH));
  if (op === undefined || (size !== 'u32' && size !== 'u64')) return undefined;
  return { kind: 'atomic', op, base: dst, offset, src, size, fetch: (imm & FETCH) !== 0 };
}

function decodeWide({ dst, srcNumber, imm, imm2 }: Slot): Instruction | undefined {
  if (imm2 === undefined) return undefined;
  switch (srcNumber) {
    case 0:
      return { kind: 'constant', dst, value: (BigInt(imm2) << 32n) | BigInt(imm >>> 0) };
    case PSEUDO.MAP_FD:
      return { kind: 'map', dst, map: imm, valueOffset: undefined };
    case PSEUDO.MAP_VALUE:
      return { kind: 'map', dst, map: imm, valueOffset: imm2 };
    case PSEUDO.FUNC:
      return { kind: 'function', dst, target: imm };
    default:
      return undefined;
  }
}

/** A program as `bpftool prog dump xlated` prints it, e.g. `   0: (b7) r0 = 1`, one line each. */
export function disassemble(bytes: Uint8Array, options: ListingOptions = {}): string {
  let slot = 0;
  const lines = decodeProgram(bytes).map((instruction) => {
    const code = (bytes[slot * SLOT] ?? 0).toString(16).padStart(2, '0');
    const line = `${String(slot).padStart(4)}: (${code}) ${formatInstruction(instruction, options)}`;
    slot += slotsOf(instruction);
    return line;
  });
  return lines.join('\n');
}
