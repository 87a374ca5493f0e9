import { DecodeError } from '@podwire/kernel';
import type { ValueType } from './data-type.ts';
import type { ExtensionInfo } from './extension-field.ts';
import type { FieldInfo } from './header-field.ts';
import type { Expression } from './model.ts';

/** What a register holds: where it came from, and what was done to it since. */
export interface Term {
  readonly source: Source;
  /** Bytes. */
  readonly length: number;
  readonly operations: readonly Operation[];
}

export type Source =
  | { readonly kind: 'expression'; readonly expression: Expression; readonly types: readonly ValueType[] }
  /** Not named before it is used: a mask behind it may choose a part of a byte. Offset in bytes. */
  | { readonly kind: 'payload'; readonly base: FieldInfo['base']; readonly offset: number }
  | { readonly kind: 'extension'; readonly op: ExtensionInfo['op']; readonly number: number; readonly offset: number }
  | { readonly kind: 'constant'; readonly bytes: Buffer }
  /** Something the model has no words for. */
  | { readonly kind: 'opaque' }
  /** 1 or 0: whether a route or a header exists. */
  | { readonly kind: 'presence'; readonly expression: Expression };

export type Operation =
  | { readonly kind: 'mask'; readonly mask: Buffer; readonly xor: Buffer }
  | { readonly kind: 'shift'; readonly direction: 'left' | 'right'; readonly bits: number }
  /** Host order to network order, so that comparing bytes compares numbers. */
  | { readonly kind: 'swap' };

/** The bytecode says something that the model has no words for. */
export class Inexpressible extends DecodeError {}

/** The bits of a mask as a part of its bytes; undefined when there are gaps. Both ends in bits from the left. */
export function bitsOfMask(mask: Buffer): { readonly first: number; readonly count: number } | undefined {
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const [, before = '', ones = ''] = /^(0*)(1+)0*$/.exec(bits) ?? [];
  return ones === '' ? undefined : { first: before.length, count: ones.length };
}

export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
