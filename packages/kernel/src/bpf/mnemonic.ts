import { choose } from '../choice.ts';
import { encodeError } from '../errors.ts';
import type { ContextField, ContextLayout } from './context.ts';
import type { FunctionName } from './function-number.ts';
import type {
  AluOperator,
  AtomicOperator,
  Comparison,
  Instruction,
  MapReference,
  MemorySize,
  Operand,
  Register,
  SignedSize,
  Target,
} from './instruction.ts';

export const [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10] = [
  'r0',
  'r1',
  'r2',
  'r3',
  'r4',
  'r5',
  'r6',
  'r7',
  'r8',
  'r9',
  'r10',
] as const;

/** A place that jumps, subprogram calls and `loadFunction` name; it takes no room. */
export const label = (name: string): Instruction => ({ kind: 'label', name });

/** `dst op src` in 64 bits, e.g. `alu(r1, '+=', 4)`. */
export const alu = (dst: Register, op: AluOperator, src: Operand): Instruction => {
  return { kind: 'alu', op, dst, src, bits: 64 };
};

/** `dst op src` in 32 bits; the upper half of dst becomes zero. */
export const alu32 = (dst: Register, op: AluOperator, src: Operand): Instruction => {
  return { kind: 'alu', op, dst, src, bits: 32 };
};

export const mov = (dst: Register, src: Operand): Instruction => alu(dst, '=', src);
export const mov32 = (dst: Register, src: Operand): Instruction => alu32(dst, '=', src);
export const add = (dst: Register, src: Operand): Instruction => alu(dst, '+=', src);
export const sub = (dst: Register, src: Operand): Instruction => alu(dst, '-=', src);
export const mul = (dst: Register, src: Operand): Instruction => alu(dst, '*=', src);
/** Unsigned; a division by zero gives 0. */
export const div = (dst: Register, src: Operand): Instruction => alu(dst, '/=', src);
/** Unsigned; modulo zero leaves dst as it is. */
export const mod = (dst: Register, src: Operand): Instruction => alu(dst, '%=', src);
export const and = (dst: Register, src: Operand): Instruction => alu(dst, '&=', src);
export const or = (dst: Register, src: Operand): Instruction => alu(dst, '|=', src);
export const xor = (dst: Register, src: Operand): Instruction => alu(dst, '^=', src);
export const lsh = (dst: Register, src: Operand): Instruction => alu(dst, '<<=', src);
export const rsh = (dst: Register, src: Operand): Instruction => alu(dst, '>>=', src);
export const neg = (dst: Register, bits: 32 | 64 = 64): Instruction => ({ kind: 'negate', dst, bits });

/** `dst` becomes the lower `from` bits of `src` with their sign; Linux 6.6. */
export const movSigned = (dst: Register, src: Register, from: 8 | 16 | 32, bits: 32 | 64 = 64): Instruction => {
  return { kind: 'extend', dst, src, from, bits };
};

/** Host order to network order and back, of the lower `bits`; the bits above become zero. */
export const toBigEndian = (dst: Register, bits: 16 | 32 | 64): Instruction => {
  return { kind: 'swap', order: 'be', dst, bits };
};
export const toLittleEndian = (dst: Register, bits: 16 | 32 | 64): Instruction => {
  return { kind: 'swap', order: 'le', dst, bits };
};
/** Reverses the bytes whatever the host's order; Linux 6.6. */
export const byteSwap = (dst: Register, bits: 16 | 32 | 64): Instruction => {
  return { kind: 'swap', order: 'bswap', dst, bits };
};

/** `dst = *(size *)(base + offset)`; shorter values are extended to 64 bits. */
export const load = (dst: Register, base: Register, offset: number, size: MemorySize | SignedSize): Instruction => {
  return { kind: 'load', dst, base, offset, size };
};

/** `*(size *)(base + offset) = src`. */
export const store = (base: Register, offset: number, src: Operand, size: MemorySize): Instruction => {
  return { kind: 'store', base, offset, src, size };
};

/**
 * `*(size *)(base + offset) op= src` in one step. With `fetch` src gets the old value; `xchg` and `cmpxchg` always
 * fetch, `cmpxchg` compares with r0 and returns the old value there. All but a plain `add` need Linux 5.12.
 */
export function atomic(
  op: AtomicOperator,
  place: { readonly base: Register; readonly offset: number; readonly size?: 'u32' | 'u64'; readonly fetch?: boolean },
  src: Register,
): Instruction {
  const fetch = op === 'xchg' || op === 'cmpxchg' || (place.fetch ?? false);
  return { kind: 'atomic', op, base: place.base, offset: place.offset, src, size: place.size ?? 'u64', fetch };
}

const MEMORY_SIZES = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64' } as const;

/**
 * A field of the context; of fields longer than 8 bytes (addresses, cb) the four-byte word number `word`. Throws
 * KERNEL_ENCODE for a field that is not in the context, or a word that is not in the field.
 */
function place<F extends string>(layout: ContextLayout<F>, field: F, word: number): [number, MemorySize] {
  const { offset, size } = choose<ContextField>(layout.fields, field, `a field of ${layout.name}`);
  const words = size > 8 ? size / 4 : 1;
  if (!Number.isInteger(word) || word < 0 || word >= words)
    throw encodeError(`word ${word} of ${layout.name}.${field}, which has ${words}`);
  return [offset + word * 4, size > 8 ? 'u32' : MEMORY_SIZES[size as 1 | 2 | 4 | 8]];
}

/** Reads a field of the context that `context` points to: `loadField(r2, r1, CONTEXTS.bpf_sock_addr, 'user_ip4')`. */
export function loadField<F extends string, W extends F>(
  dst: Register,
  context: Register,
  layout: ContextLayout<F, W>,
  field: NoInfer<F> | readonly [field: NoInfer<F>, word: number],
): Instruction {
  const [name, word] = typeof field === 'string' ? [field, 0] : field;
  return load(dst, context, ...place<F>(layout, name, word));
}

/** Writes a field; that the field may be written is checked by type. */
export function storeField<F extends string, W extends F>(
  context: Register,
  layout: ContextLayout<F, W>,
  field: NoInfer<W> | readonly [field: NoInfer<W>, word: number],
  src: Register,
): Instruction {
  const [name, word] = typeof field === 'string' ? [field, 0] : field;
  const [offset, size] = place<F>(layout, name, word);
  return store(context, offset, src, size);
}

/**
 * r0 = bytes of the packet at a constant offset, in host order; the program ends with 0 when the packet is too short.
 * r6 must hold the context. Only in programs of type socket_filter, sched_cls and sched_act.
 */
export const loadPacket = (offset: number, size: 'u8' | 'u16' | 'u32', index?: Register): Instruction => {
  return { kind: 'packet', index, offset, size };
};

/** A constant of 64 bits; negative ones are taken as two's complement. */
export const loadConstant = (dst: Register, value: bigint): Instruction => {
  return { kind: 'constant', dst, value: BigInt.asUintN(64, value) };
};

/** The map itself, as the functions map_* want it. */
export const loadMap = (dst: Register, map: MapReference): Instruction => {
  return { kind: 'map', dst, map, valueOffset: undefined };
};

/** The address of byte `offset` in the value of an array map's element 0. */
export const loadMapValue = (dst: Register, map: MapReference, offset = 0): Instruction => {
  return { kind: 'map', dst, map, valueOffset: offset };
};

/** The address of a subprogram, for functions that call back: `loop`, `for_each_map_elem`. */
export const loadFunction = (dst: Register, target: Target): Instruction => ({ kind: 'function', dst, target });

export const jump = (target: Target): Instruction => ({ kind: 'jump', target, long: false });

/** Reaches further than 32,767 slots; Linux 6.6. */
export const jumpLong = (target: Target): Instruction => ({ kind: 'jump', target, long: true });

/** Jumps when `dst op src` holds for 64 bits, e.g. `jumpIf(r0, '==', 0, 'miss')`. */
export const jumpIf = (dst: Register, op: Comparison, src: Operand, target: Target): Instruction => {
  return { kind: 'branch', op, dst, src, bits: 64, target };
};

/** As `jumpIf` for the lower 32 bits; Linux 5.1. */
export const jumpIf32 = (dst: Register, op: Comparison, src: Operand, target: Target): Instruction => {
  return { kind: 'branch', op, dst, src, bits: 32, target };
};

/** Calls a function of the kernel: arguments in r1 to r5, result in r0. */
export const call = (name: FunctionName | number): Instruction => ({ kind: 'call', name });

/** Calls a part of the same program that begins at the label and ends with `exit`. */
export const callSubprogram = (target: Target): Instruction => ({ kind: 'subprogram', target });

export const exit = (): Instruction => ({ kind: 'exit' });
