import type { ClassicInstruction } from './classic-bpf.ts';

/** Loads at these offsets ask the kernel, not the packet; linux/filter.h. */
const SKF_AD_OFF = -0x1000;
const SKF_AD_PROTOCOL = 0;

/** What a program can ask the kernel about a packet besides its bytes. */
export interface PacketAncillary {
  /** EtherType, host order. */
  readonly protocol?: number;
  /** Bytes on the wire, when the packet was cut off. */
  readonly length?: number;
}

/**
 * Runs a filter on a packet as the kernel would: how many bytes to keep, 0 to drop. For packets that come from a file, and
 * to see in tests what a filter does. Instructions the assembler does not make end the program with 0.
 */
export function runClassicProgram(
  program: readonly ClassicInstruction[],
  packet: Buffer,
  ancillary: PacketAncillary = {},
): number {
  let [a, x, at] = [0, 0, 0];
  for (;;) {
    const instruction = program[at];
    if (instruction === undefined) return 0;
    const { code, k, jt, jf } = instruction;
    at += 1;
    const cls = code & 7;
    if (cls === 6) return k;
    if (cls === 0) {
      const value = load(code, k, x, packet, ancillary);
      if (value === undefined) return 0;
      a = value;
    } else if (cls === 1) {
      if (k >= packet.length) return 0;
      x = ((packet[k] ?? 0) & 15) * 4;
    } else if (cls === 4) a = compute(code & 0xf0, a, k);
    else if (cls === 5) at += (code & 0xf0) === 0 ? k : holds(code & 0xf0, a, k) ? jt : jf;
    else return 0;
  }
}

function load(code: number, k: number, x: number, packet: Buffer, ancillary: PacketAncillary): number | undefined {
  const mode = code & 0xe0;
  if (mode === 0x80) return ancillary.length ?? packet.length;
  const offset = k | 0;
  if (offset === SKF_AD_OFF + SKF_AD_PROTOCOL) return ancillary.protocol;
  const start = mode === 0x40 ? x + k : offset;
  const size = 4 >> ((code & 0x18) >> 3);
  if (start < 0 || start + size > packet.length) return undefined;
  return packet.readUIntBE(start, size);
}

function compute(operation: number, a: number, k: number): number {
  if (operation === 0x00) return (a + k) >>> 0;
  if (operation === 0x10) return (a - k) >>> 0;
  if (operation === 0x20) return Math.imul(a, k) >>> 0;
  if (operation === 0x40) return (a | k) >>> 0;
  if (operation === 0x50) return (a & k) >>> 0;
  return (operation === 0x60 ? a << k : a >>> k) >>> 0;
}

function holds(condition: number, a: number, k: number): boolean {
  if (condition === 0x10) return a === k;
  if (condition === 0x20) return a > k;
  if (condition === 0x30) return a >= k;
  return (a & k) !== 0;
}
