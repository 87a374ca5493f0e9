import fs from 'node:fs';
import { DecodeError, encodeError } from '../errors.ts';
import { type Codec, s16, u8, u16, u32 } from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';

/** struct tc_ratespec: a rate in bytes a second, and how the length of a packet on the wire is counted. */
export const ratespec = completeStruct('tc_ratespec', {
  cellLog: u8,
  linkLayer: u8,
  overhead: u16,
  cellAlign: s16,
  mpu: u16,
  rate: u32,
});

/** TC_LINKLAYER_ETHERNET; any but 0 makes the kernel compute times itself instead of asking for a table (Linux 3.9). */
const LINKLAYER_ETHERNET = 1;
const MAX_U32 = 0xffffffff;

/** A rate in bits a second that the kernel keeps in bytes a second; all ones is the kernel's "no limit". */
export const bitRate32: Codec<number> & { readonly size: number } = {
  name: 'bits a second (u32 of bytes)',
  size: 4,
  write(out, value) {
    const bytes = value === Number.POSITIVE_INFINITY ? MAX_U32 : Math.round(value / 8);
    if (!(bytes >= 0 && bytes <= MAX_U32))
      throw encodeError(`a rate of ${value} bit/s; here it must be below 34.36 Gbit/s`);
    out.u32(bytes);
  },
  read(bytes) {
    if (bytes.length < 4) throw new DecodeError(`a rate from ${bytes.length} bytes`);
    const value = bytes.readUInt32LE(0);
    return value === MAX_U32 ? Number.POSITIVE_INFINITY : value * 8;
  },
};

/** A rate as the kernel takes it: bytes a second, those above 2^32 in an attribute beside the struct. */
export interface WireRate {
  readonly spec: ReturnType<typeof ratespec.read>;
  readonly rate64: bigint | undefined;
  /** Bytes a second. */
  readonly bytes: number;
}

const ABSENT = { cellLog: 0, linkLayer: 0, overhead: 0, cellAlign: 0, mpu: 0, rate: 0 };
/** The rate is not limited. */
export const NO_RATE: WireRate = { spec: ABSENT, rate64: undefined, bytes: 0 };

/** `field` names the rate in the error; `cellLog` is for those who still need a table, see rateTable. */
export function wireRate(field: string, bits: number, { cellLog = 0 } = {}): WireRate {
  const bytes = Math.round(bits / 8);
  if (!(bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER))
    throw encodeError(`${field} of ${bits} bit/s; at least 8 is needed`);
  const spec = { ...ABSENT, cellLog, linkLayer: LINKLAYER_ETHERNET, cellAlign: cellLog === 0 ? 0 : -1 };
  const rate64 = bytes >= MAX_U32 ? BigInt(bytes) : undefined;
  return { spec: { ...spec, rate: Math.min(bytes, MAX_U32) }, rate64, bytes };
}

/** Bits a second. */
export function bitsOf(spec: { readonly rate: number }, rate64: bigint | undefined): number {
  return (rate64 === undefined ? spec.rate : Number(rate64)) * 8;
}

/**
 * The table of struct tc_ratespec: how many ticks packets of 1 to 256 cells of 2^cellLog bytes take. Policers are refused
 * without one.
 */
export function rateTable({ spec, bytes }: WireRate): Buffer {
  const table = Buffer.alloc(1024);
  for (let cell = 0; cell < 256; cell++) table.writeUInt32LE(sendingTicks((cell + 1) << spec.cellLog, bytes), cell * 4);
  return table;
}

/** The cell size with which 256 cells reach the longest packet. */
export function cellLogFor(mtu: number): number {
  let log = 0;
  while (mtu >>> log > 255) log++;
  return log;
}

/** How long it takes to send so many bytes, in the scheduler's ticks. */
export function sendingTicks(bytes: number, bytesPerSecond: number): number {
  return Math.min(Math.round((bytes / bytesPerSecond) * 1e6 * ticksPerMicrosecond()), MAX_U32);
}

/** How many bytes are sent in so many ticks. */
export function bytesSentIn(ticks: number, bytesPerSecond: number): number {
  return Math.round((ticks / ticksPerMicrosecond() / 1e6) * bytesPerSecond);
}

let ticks: number | undefined;

/** From /proc/net/psched, as tc does; where that cannot be read 15.625, which is what every kernel since 2.6.31 has. */
export function ticksPerMicrosecond(): number {
  ticks ??= parsePsched('/proc/net/psched') ?? 15.625;
  return ticks;
}

function parsePsched(file: string): number | undefined {
  if (!fs.existsSync(file)) return undefined;
  const [ticksIn, perTick, resolution] = fs
    .readFileSync(file, 'latin1')
    .split(' ')
    .map((word) => Number.parseInt(word, 16));
  if (!ticksIn || !perTick || !resolution) return undefined;
  return (ticksIn / perTick) * (resolution / 1e6);
}
