import koffi from 'koffi';
import { KernelError, type KernelFailure } from '../errors.ts';
import { lastErrno, libc } from '../libc.ts';

/** __NR_bpf of asm/unistd.h; the numbers differ by architecture. */
const SYS_BPF = process.arch === 'arm64' || process.arch === 'riscv64' ? 280 : 321;
/** union bpf_attr of Linux 6.18; kernels that know less accept the rest as long as it is zero. */
const ATTR_SIZE = 168;
/** Where a field of union bpf_attr lies; 4 and 8 bytes are numbers, 16 is a name. */
type FieldPlace = readonly [offset: number, size: 4 | 8 | 16];

/** A number, a name, or bytes whose address is passed. Absent fields are zero. */
type AttrValue = number | bigint | string | Uint8Array | undefined;

/** A command of bpf(2) and its part of union bpf_attr. */
export interface BpfCommand<F extends string> {
  readonly number: number;
  readonly fields: Readonly<Record<F, FieldPlace>>;
}

export function command<const F extends Record<string, FieldPlace>>(
  number: number,
  fields: F,
): BpfCommand<keyof F & string> {
  return { number, fields };
}

/** The kernel sees these by address only; held here they cannot be collected or moved while it does. */
const attr = Buffer.alloc(ATTR_SIZE);
let pointed: Uint8Array[] = [];

/** Makes the call and returns its result, or minus the errno. Fields the kernel writes are read with `answered`. */
export function tryBpf<F extends string>(
  { number, fields }: BpfCommand<F>,
  values: Partial<Record<F, AttrValue>>,
): number {
  attr.fill(0);
  for (const name in values) {
    const value = values[name];
    if (value !== undefined) writeField(fields[name], value);
  }
  const result = libc.syscall(SYS_BPF, number, attr, ATTR_SIZE);
  const errno = result < 0 ? lastErrno() : 0;
  pointed = [];
  return result < 0 ? -errno : result;
}

function writeField([offset, size]: FieldPlace, value: NonNullable<AttrValue>): void {
  if (typeof value === 'string') attr.write(value, offset, size - 1, 'latin1');
  else if (value instanceof Uint8Array) attr.writeBigUInt64LE(addressOf(value), offset);
  else if (size === 8) attr.writeBigUInt64LE(BigInt(value), offset);
  else attr.writeUInt32LE(Number(value) >>> 0, offset);
}

/** The address of bytes that the next call points to; they are held until it is done. */
export function addressOf(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  pointed.push(bytes);
  return BigInt(koffi.address(bytes));
}

/** A four-byte field as the kernel left it in the last call. */
export function answered<F extends string>({ fields }: BpfCommand<F>, field: F): number {
  return attr.readUInt32LE(fields[field][0]);
}

/** As `tryBpf`, and a KernelError when the kernel says no. `op` is only called then. */
export function bpf<F extends string>(
  command: BpfCommand<F>,
  values: Partial<Record<F, AttrValue>>,
  op: () => string,
): number {
  const result = tryBpf(command, values);
  if (result < 0) throw bpfError(op(), -result);
  return result;
}

const ADVICE: Readonly<Record<number, string>> = {
  1: 'run as root or add the capabilities CAP_BPF and CAP_NET_ADMIN (kernels before 5.11 also say this when RLIMIT_MEMLOCK is low)',
  7: 'it is full or too large: raise maxEntries',
};

export function bpfError(op: string, errno: number, more: Partial<KernelFailure> = {}): KernelError {
  return new KernelError({ op, errno, advice: ADVICE[errno], ...more });
}
