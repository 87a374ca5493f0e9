import { FUNCTION_NUMBERS } from './function-number.ts';
import type { Instruction, MapReference, MemorySize, Operand, Register, SignedSize, Target } from './instruction.ts';

export interface ListingOptions {
  /** What the numbers of maps are: descriptors in a program to be loaded, ids in one that the kernel gave out. */
  readonly maps?: 'fd' | 'id';
}

/** One instruction as the kernel's own disassembler writes it: `r0 = *(u32 *)(r1 +4)`, `if r0 == 0x0 goto pc+3`. */
export function formatInstruction(i: Instruction, { maps = 'fd' }: ListingOptions = {}): string {
  switch (i.kind) {
    case 'label':
      return `${i.name}:`;
    case 'alu':
      return `${sized(i.dst, i.bits)} ${i.op} ${typeof i.src === 'number' ? i.src | 0 : sized(i.src, i.bits)}`;
    case 'negate':
      return `${sized(i.dst, i.bits)} = -${sized(i.dst, i.bits)}`;
    case 'extend':
      return `${sized(i.dst, i.bits)} = (s${i.from})${sized(i.src, i.bits)}`;
    case 'swap':
      return `${i.dst} = ${i.order}${i.bits} ${i.dst}`;
    case 'load':
      return `${i.dst} = ${memory(i)}`;
    case 'store':
      return `${memory(i)} = ${i.src}`;
    case 'atomic':
      return formatAtomic(i);
    case 'packet':
      return `r0 = *(${i.size} *)skb[${i.index === undefined ? '' : `${i.index} + `}${i.offset}]`;
    case 'constant':
      return `${i.dst} = 0x${i.value.toString(16)}`;
    case 'map':
      return `${i.dst} = map[${mapName(i.map, maps)}]${i.valueOffset === undefined ? '' : `[0]+${i.valueOffset}`}`;
    case 'function':
      return `${i.dst} = subprog[${target(i.target, '')}]`;
    default:
      return formatJump(i);
  }
}

type Kind<K extends Instruction['kind']> = Extract<Instruction, { kind: K }>;

function formatJump(i: Kind<'jump' | 'branch' | 'call' | 'subprogram' | 'exit'>): string {
  switch (i.kind) {
    case 'jump':
      return `goto${i.long ? 'l' : ''} ${target(i.target)}`;
    case 'branch':
      return `if ${sized(i.dst, i.bits)} ${i.op} ${compared(i.src, i.bits)} goto ${target(i.target)}`;
    case 'call':
      return formatCall(i.name);
    case 'subprogram':
      return `call ${target(i.target)}`;
    case 'exit':
      return 'exit';
  }
}

/** Atomic operations of 32 bits have no suffix, those of 64 have one. */
function formatAtomic(i: Kind<'atomic'>): string {
  const suffix = i.size === 'u64' ? '64' : '';
  const place = `(${i.size} *)(${i.base} ${signed(i.offset)})`;
  if (i.op === 'cmpxchg') return `r0 = atomic${suffix}_cmpxchg(${place}, r0, ${i.src})`;
  if (i.op === 'xchg') return `${i.src} = atomic${suffix}_xchg(${place}, ${i.src})`;
  if (i.fetch) return `${i.src} = atomic${suffix}_fetch_${i.op}(${place}, ${i.src})`;
  return `lock *${place} ${{ add: '+=', or: '|=', and: '&=', xor: '^=' }[i.op]} ${i.src}`;
}

function formatCall(name: Kind<'call'>['name']): string {
  if (typeof name === 'number') return `call unknown#${name}`;
  return `call bpf_${name}#${FUNCTION_NUMBERS[name] ?? '?'}`;
}

function sized(register: Register, bits: 32 | 64): string {
  return bits === 32 ? register.replace('r', 'w') : register;
}

function compared(src: Operand, bits: 32 | 64): string {
  return typeof src === 'number' ? `0x${(src >>> 0).toString(16)}` : sized(src, bits);
}

function memory({ base, offset, size }: { base: Register; offset: number; size: MemorySize | SignedSize }): string {
  return `*(${size} *)(${base} ${signed(offset)})`;
}

function signed(offset: number): string {
  return offset < 0 ? String(offset) : `+${offset}`;
}

function target(to: Target, prefix = 'pc'): string {
  return typeof to === 'number' ? `${prefix}${signed(to)}` : to;
}

function mapName(map: MapReference, numbers: 'fd' | 'id'): string {
  if (typeof map === 'string') return map;
  return `${numbers}:${typeof map === 'number' ? map : map.fd}`;
}
