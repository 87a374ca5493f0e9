import fs from 'node:fs';
import { given } from '../choice.ts';
import { encodeError } from '../errors.ts';
import { ByteWriter } from '../netlink/byte-writer.ts';
import type { Codec, ValueOf } from '../netlink/codec.ts';

/** The layout of a key or a value: a codec of fixed size, or a number of bytes that are given and got as a Buffer. */
export type Layout = number | Codec<unknown>;

/** What a layout stands for. */
export type LayoutValue<L> = L extends number ? Buffer : ValueOf<L>;

/** A layout whose size is known. `read` may keep the bytes it gets. */
export interface Element<T> {
  readonly size: number;
  write(out: ByteWriter, value: T): void;
  read(bytes: Buffer): T;
}

/** Throws KERNEL_ENCODE when a codec has no fixed size. */
export function elementOf<L extends Layout>(layout: L, what: string): Element<LayoutValue<L>> {
  const element = typeof layout === 'number' ? blob(layout, what) : checked(layout, what);
  return element as Element<LayoutValue<L>>;
}

function blob(size: number, what: string): Element<Uint8Array> {
  if (!Number.isInteger(size) || size < 0) throw encodeError(`a ${what} of ${size} bytes`);
  return {
    size,
    write(out, value) {
      if (!(value instanceof Uint8Array)) throw encodeError(`${given(value)} as a ${what}; give ${size} bytes`);
      if (value.length !== size) throw encodeError(`${value.length} bytes as a ${what} of ${size} bytes`);
      out.raw(value);
    },
    read: (bytes) => bytes,
  };
}

function checked(codec: Codec<unknown>, what: string): Element<unknown> {
  const { size, name } = codec;
  if (size === undefined) throw encodeError(`a ${what} by codec ${name}, which has no fixed size`);
  return { size, write: (out, value) => codec.write(out, value), read: (bytes) => codec.read(bytes) };
}

/** Values of all CPUs one after the other, each at a multiple of eight bytes. */
export function perCpu<T>(element: Element<T>, cpus: number): Element<readonly T[]> {
  const stride = (element.size + 7) & ~7;
  return {
    size: stride * cpus,
    write(out, values) {
      if (values.length !== cpus) throw encodeError(`${values.length} values for ${cpus} CPUs`);
      for (const value of values) {
        element.write(out, value);
        out.zeros(stride - element.size);
      }
    },
    read(bytes) {
      return Array.from({ length: cpus }, (_, cpu) =>
        element.read(bytes.subarray(cpu * stride, cpu * stride + element.size)),
      );
    },
  };
}

/** The bytes of one value after the other. */
export function encodeAll<T>(element: Element<T>, values: readonly T[]): Buffer {
  const size = element.size * values.length;
  const out = new ByteWriter(size);
  let at = 0;
  try {
    for (; at < values.length; at++) element.write(out, values[at] as T);
  } catch (error) {
    // what the types forbid, a codec need not expect
    if (!(error instanceof TypeError)) throw error;
    throw encodeError(`${given(values[at])} as ${element.size} bytes of a BPF map: ${error.message}`);
  }
  if (out.length !== size) throw encodeError(`${out.length} bytes where the BPF map has ${size}`);
  return out.finish();
}

let possible: number | undefined;

/** How many CPUs the kernel keeps values for, present or not. */
export function possibleCpus(): number {
  possible ??= parseCpuCount(fs.readFileSync('/sys/devices/system/cpu/possible', 'utf8'));
  return possible;
}

/** Counts a list such as `0-3,5`. */
export function parseCpuCount(list: string): number {
  return list
    .trim()
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}
