import type { FunctionName } from './function-number.ts';

/** r0: result; r1-r5: arguments, lost in a call; r6-r9: kept; r10: frame pointer, read only, 512 bytes below it. */
export type Register = 'r0' | 'r1' | 'r2' | 'r3' | 'r4' | 'r5' | 'r6' | 'r7' | 'r8' | 'r9' | 'r10';

/** Operators as the kernel prints them; `s/=`, `s%=` are signed and need Linux 6.6, `s>>=` is an arithmetic shift. */
export type AluOperator =
  | '='
  | '+='
  | '-='
  | '*='
  | '/='
  | '%='
  | 's/='
  | 's%='
  | '|='
  | '&='
  | '^='
  | '<<='
  | '>>='
  | 's>>=';

/** `&` is true when the two have a bit in common; `s` compares signed. */
export type Comparison = '==' | '!=' | '>' | '>=' | '<' | '<=' | '&' | 's>' | 's>=' | 's<' | 's<=';

export type MemorySize = 'u8' | 'u16' | 'u32' | 'u64';
/** Loads that extend the sign, since Linux 6.6. */
export type SignedSize = 's8' | 's16' | 's32';
export type AtomicOperator = 'add' | 'or' | 'and' | 'xor' | 'xchg' | 'cmpxchg';

/** A register or a constant; constants are 32 bits, sign-extended when the operation is of 64. */
export type Operand = Register | number;

/** A label, or the number of slots to skip (a 64-bit load takes two slots, all else one). */
export type Target = string | number;

/** What `loadMap` accepts: something with a descriptor, a descriptor, or a name that is bound when it is assembled. */
export type MapReference = { readonly fd: number } | number | string;

export type Instruction =
  | { readonly kind: 'label'; readonly name: string }
  | {
      readonly kind: 'alu';
      readonly op: AluOperator;
      readonly dst: Register;
      readonly src: Operand;
      readonly bits: 32 | 64;
    }
  | { readonly kind: 'negate'; readonly dst: Register; readonly bits: 32 | 64 }
  | {
      readonly kind: 'extend';
      readonly dst: Register;
      readonly src: Register;
      readonly from: 8 | 16 | 32;
      readonly bits: 32 | 64;
    }
  | {
      readonly kind: 'swap';
      readonly order: 'be' | 'le' | 'bswap';
      readonly dst: Register;
      readonly bits: 16 | 32 | 64;
    }
  | {
      readonly kind: 'load';
      readonly dst: Register;
      readonly base: Register;
      readonly offset: number;
      readonly size: MemorySize | SignedSize;
    }
  | {
      readonly kind: 'store';
      readonly base: Register;
      readonly offset: number;
      readonly src: Operand;
      readonly size: MemorySize;
    }
  | {
      readonly kind: 'atomic';
      readonly op: AtomicOperator;
      readonly base: Register;
      readonly offset: number;
      readonly src: Register;
      readonly size: 'u32' | 'u64';
      readonly fetch: boolean;
    }
  | {
      readonly kind: 'packet';
      readonly index: Register | undefined;
      readonly offset: number;
      readonly size: MemorySize;
    }
  | { readonly kind: 'constant'; readonly dst: Register; readonly value: bigint }
  | {
      readonly kind: 'map';
      readonly dst: Register;
      readonly map: MapReference;
      readonly valueOffset: number | undefined;
    }
  | { readonly kind: 'function'; readonly dst: Register; readonly target: Target }
  | { readonly kind: 'jump'; readonly target: Target; readonly long: boolean }
  | {
      readonly kind: 'branch';
      readonly op: Comparison;
      readonly dst: Register;
      readonly src: Operand;
      readonly bits: 32 | 64;
      readonly target: Target;
    }
  | { readonly kind: 'call'; readonly name: FunctionName | number }
  | { readonly kind: 'subprogram'; readonly target: Target }
  | { readonly kind: 'exit' };

/** Slots of eight bytes an instruction takes. */
export function slotsOf({ kind }: Instruction): 0 | 1 | 2 {
  if (kind === 'label') return 0;
  return kind === 'constant' || kind === 'map' || kind === 'function' ? 2 : 1;
}
