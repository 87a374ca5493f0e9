import { FUNCTION_NUMBERS } from './function-number.ts';
import type { Instruction, MapReference, Operand } from './instruction.ts';
import { ALU, ATOMIC, CLASS, COMPARISON, FETCH, MODE, OPERATION, PSEUDO, SIZE, SOURCE_X } from './opcode.ts';
import { inRange, type SlotWriter } from './slot-writer.ts';

/** What the names in a program stand for. */
export interface Names {
  readonly labels: ReadonlyMap<string, number>;
  readonly maps: Readonly<Record<string, { readonly fd: number } | number>>;
}

/** Writes one instruction; every field that the kernel checks by form is checked here. */
export function encode(i: Instruction, out: SlotWriter, names: Names): SlotWriter {
  switch (i.kind) {
    case 'label':
      return out;
    case 'alu':
      return encodeAlu(i, out);
    case 'negate':
      return out.code(aluClass(i.bits) | OPERATION.NEG).result(i.dst);
    case 'extend':
      return encodeExtend(i, out);
    case 'swap':
      return encodeSwap(i, out);
    case 'load':
      return encodeLoad(i, out);
    case 'store':
      return encodeStore(i, out);
    case 'atomic':
      return encodeAtomic(i, out);
    case 'packet':
      return encodePacket(i, out);
    case 'constant':
    case 'map':
    case 'function':
      return encodeWide(i, out, names);
    case 'exit':
      return out.code(CLASS.JMP | OPERATION.EXIT);
    default:
      return encodeJump(i, out, names);
  }
}

type Kind<K extends Instruction['kind']> = Extract<Instruction, { kind: K }>;

function aluClass(bits: 32 | 64): number {
  return bits === 64 ? CLASS.ALU64 : CLASS.ALU;
}

/** A constant of 32 bits may be written with or without a sign; one that is extended to 64 bits only with it. */
function operand(src: Operand, bits: 32 | 64, out: SlotWriter): number {
  if (typeof src !== 'number') {
    out.src(src);
    return SOURCE_X;
  }
  if (bits === 64 && src > 0x7fffffff)
    throw out.fail(`${src} would be extended to a negative number; use loadConstant`);
  out.imm(src, -0x80000000, 0xffffffff);
  return 0;
}

function encodeAlu({ op, dst, src, bits }: Kind<'alu'>, out: SlotWriter): SlotWriter {
  const entry = ALU[op];
  if (entry === undefined) throw out.fail(`"${op}" is not an operator`);
  const shift = op === '<<=' || op === '>>=' || op === 's>>=';
  if (shift && typeof src === 'number' && !inRange(src, 0, bits - 1))
    throw out.fail(`a shift goes from 0 to ${bits - 1}`);
  out.code(aluClass(bits) | entry[0] | operand(src, bits, out));
  return out.result(dst).offset(entry[1]);
}

function encodeExtend({ dst, src, from, bits }: Kind<'extend'>, out: SlotWriter): SlotWriter {
  if (![8, 16, 32].includes(from) || from >= bits) throw out.fail(`cannot extend ${from} bits to ${bits}`);
  out.code(aluClass(bits) | OPERATION.MOV | SOURCE_X);
  return out.result(dst).src(src).offset(from);
}

function encodeSwap({ order, dst, bits }: Kind<'swap'>, out: SlotWriter): SlotWriter {
  if (![16, 32, 64].includes(bits)) throw out.fail(`bytes are swapped in 16, 32 or 64 bits, not ${bits}`);
  const code = order === 'bswap' ? CLASS.ALU64 : CLASS.ALU | (order === 'be' ? SOURCE_X : 0);
  return out
    .code(code | OPERATION.END)
    .result(dst)
    .imm(bits);
}

function sizeCode(size: keyof typeof SIZE, allowed: RegExp, out: SlotWriter): number {
  if (!allowed.test(size)) throw out.fail(`${size} is not a size it can have`);
  return SIZE[size];
}

function encodeLoad({ dst, base, offset, size }: Kind<'load'>, out: SlotWriter): SlotWriter {
  const mode = size.startsWith('s') ? MODE.MEMSX : MODE.MEM;
  out.code(CLASS.LDX | mode | sizeCode(size, /^(u(8|16|32|64)|s(8|16|32))$/, out));
  return out.result(dst).src(base).offset(offset);
}

function encodeStore({ base, offset, src, size }: Kind<'store'>, out: SlotWriter): SlotWriter {
  const code = MODE.MEM | sizeCode(size, /^u(8|16|32|64)$/, out);
  out.dst(base).offset(offset);
  if (typeof src !== 'number') return out.code(CLASS.STX | code).src(src);
  const bits = Math.min(Number(size.slice(1)), 32);
  return out.code(CLASS.ST | code).imm(src, -(2 ** (bits - 1)), size === 'u64' ? 0x7fffffff : 2 ** bits - 1);
}

function encodeAtomic({ op, base, offset, src, size, fetch }: Kind<'atomic'>, out: SlotWriter): SlotWriter {
  if ((op === 'xchg' || op === 'cmpxchg') && !fetch) throw out.fail(`${op} always fetches`);
  if (ATOMIC[op] === undefined) throw out.fail(`"${op}" is not an atomic operator`);
  out.code(CLASS.STX | MODE.ATOMIC | sizeCode(size, /^u(32|64)$/, out));
  out.dst(base).src(src).offset(offset);
  return out.imm(ATOMIC[op] | (fetch ? FETCH : 0));
}

function encodePacket({ index, offset, size }: Kind<'packet'>, out: SlotWriter): SlotWriter {
  const code = CLASS.LD | sizeCode(size, /^u(8|16|32)$/, out);
  out.code(code | (index === undefined ? MODE.ABS : MODE.IND)).imm(offset);
  return index === undefined ? out : out.src(index);
}

function encodeWide(i: Kind<'constant' | 'map' | 'function'>, out: SlotWriter, names: Names): SlotWriter {
  out.code(CLASS.LD | MODE.IMM | SIZE.u64).result(i.dst);
  if (i.kind === 'function') return out.src(PSEUDO.FUNC).imm(out.distance(i.target, names.labels));
  if (i.kind === 'constant')
    return out.imm(Number(BigInt.asIntN(32, i.value))).imm2(Number(BigInt.asUintN(32, i.value >> 32n)));
  out.src(i.valueOffset === undefined ? PSEUDO.MAP_FD : PSEUDO.MAP_VALUE);
  return out.imm(mapFd(i.map, out, names)).imm2(i.valueOffset ?? 0);
}

function mapFd(map: MapReference, out: SlotWriter, { maps }: Names): number {
  const bound = typeof map === 'string' ? (Object.hasOwn(maps, map) ? maps[map] : undefined) : map;
  if (bound === undefined) throw out.fail(`no map is bound to the name "${map}"; pass it in "maps"`);
  return typeof bound === 'number' ? bound : bound.fd;
}

function encodeJump(i: Kind<'jump' | 'branch' | 'call' | 'subprogram'>, out: SlotWriter, names: Names): SlotWriter {
  if (i.kind === 'call') {
    const number = typeof i.name === 'number' ? i.name : FUNCTION_NUMBERS[i.name];
    if (number === undefined) throw out.fail(`the kernel has no function "${i.name}"`);
    return out.code(CLASS.JMP | OPERATION.CALL).imm(number);
  }
  const distance = out.distance(i.target, names.labels);
  if (i.kind === 'subprogram')
    return out
      .code(CLASS.JMP | OPERATION.CALL)
      .src(PSEUDO.CALL)
      .imm(distance);
  if (i.kind === 'jump' && i.long) return out.code(CLASS.JMP32 | OPERATION.JA).imm(distance);
  if (!inRange(distance, -0x8000, 0x7fff)) throw out.fail(`the target is ${distance} slots away; a jump reaches 32767`);
  out.offset(distance);
  return i.kind === 'jump' ? out.code(CLASS.JMP | OPERATION.JA) : encodeBranch(i, out);
}

function encodeBranch({ op, dst, src, bits }: Kind<'branch'>, out: SlotWriter): SlotWriter {
  if (COMPARISON[op] === undefined) throw out.fail(`"${op}" is not a comparison`);
  return out.code((bits === 64 ? CLASS.JMP : CLASS.JMP32) | COMPARISON[op] | operand(src, bits, out)).dst(dst);
}
