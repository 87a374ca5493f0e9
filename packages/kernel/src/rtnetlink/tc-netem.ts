import { encodeError } from '../errors.ts';
import type { ValueOf } from '../netlink/codec.ts';
import type { netem } from './tc-qdisc-table.ts';
import { ticksPerMicrosecond } from './tc-rate.ts';

type NetemWire = ValueOf<typeof netem>;

/** How often something happens, and how much it depends on whether it happened to the packet before; both 0 to 1. */
export interface Chance {
  readonly probability: number;
  readonly correlation?: number;
}

/** A bad network, tc-netem(8). What is left out does not happen. */
export interface NetemOptions {
  /** Microseconds every packet is late, and by how much that differs. */
  readonly delay?: number;
  readonly jitter?: number;
  readonly delayCorrelation?: number;
  /** Samples of a distribution of the jitter, as in /usr/lib/tc/normal.dist: 8192 stands for one jitter. */
  readonly distribution?: readonly number[];
  readonly loss?: Chance;
  readonly duplicate?: Chance;
  readonly corrupt?: Chance;
  /** Packets that go at once while the others wait, of every `gap`-th; needs a delay. */
  readonly reorder?: Chance & { readonly gap?: number };
  /** Bits a second. */
  readonly rate?: number;
  /** Packets that may wait; default 1000. */
  readonly limit?: number;
  /** Mark instead of drop. */
  readonly ecn?: boolean;
}

const ALL = 0xffffffff;
/** As nanoseconds it still fits into a signed number of 64 bits. */
const MOST_MICROSECONDS = 2 ** 53;

export function netemToWire(options: NetemOptions): NetemWire {
  const { delay = 0, jitter = 0, loss, duplicate, corrupt, reorder, limit = 1000, distribution, ecn } = options;
  return {
    header: {
      latency: ticks('delay', delay),
      jitter: ticks('jitter', jitter),
      limit,
      loss: share('loss', loss?.probability),
      duplicate: share('duplicate', duplicate?.probability),
      gap: reorder ? (reorder.gap ?? 1) : 0,
    },
    latency64: nanoseconds(delay),
    jitter64: nanoseconds(jitter),
    correlations: {
      delay: share('delayCorrelation', options.delayCorrelation),
      loss: share('loss.correlation', loss?.correlation),
      duplicate: share('duplicate.correlation', duplicate?.correlation),
    },
    corrupt: corrupt && chanceToWire('corrupt', corrupt),
    reorder: reorder && chanceToWire('reorder', reorder),
    distribution: distribution && samplesToWire(distribution),
    ...rateToWire(options.rate),
    ecn: ecn ? 1 : undefined,
  };
}

function samplesToWire(samples: readonly number[]): Uint8Array {
  const wire = Buffer.alloc(samples.length * 2);
  samples.forEach((sample, i) => {
    if (!Number.isInteger(sample) || Math.abs(sample) > 0x7fff)
      throw encodeError(`distribution: a sample of ${sample}`);
    wire.writeInt16LE(sample, i * 2);
  });
  return wire;
}

function rateToWire(bits: number | undefined): Pick<NetemWire, 'rate' | 'rate64'> {
  if (bits === undefined) return {};
  const bytes = Math.round(bits / 8);
  if (!(bytes >= 1)) throw encodeError(`rate of ${bits} bit/s; at least 8 is needed`);
  const rate = { rate: Math.min(bytes, ALL), packetOverhead: 0, cellSize: 0, cellOverhead: 0 };
  return bytes >= ALL ? { rate, rate64: BigInt(bytes) } : { rate };
}

function share(field: string, fraction = 0): number {
  if (!(fraction >= 0 && fraction <= 1)) throw encodeError(`${field} of ${fraction}; it is a fraction from 0 to 1`);
  return Math.round(fraction * ALL);
}

function ticks(field: string, microseconds: number): number {
  if (!(microseconds >= 0 && microseconds <= MOST_MICROSECONDS)) throw encodeError(`${field} of ${microseconds} us`);
  return Math.min(Math.round(microseconds * ticksPerMicrosecond()), ALL);
}

const nanoseconds = (microseconds: number): bigint => BigInt(Math.round(microseconds * 1000));

function chanceToWire(field: string, { probability, correlation }: Chance) {
  return {
    probability: share(`${field}.probability`, probability),
    correlation: share(`${field}.correlation`, correlation),
  };
}

export function netemFromWire(wire: NetemWire): NetemOptions {
  const { header = {}, correlations, corrupt, reorder, rate } = wire;
  const { latency = 0, jitter = 0, limit = 0, loss = 0, duplicate = 0, gap = 0 } = header;
  const lossCorrelation = correlations?.loss ?? 0;
  const seconds = { delay: microseconds(wire.latency64, latency), jitter: microseconds(wire.jitter64, jitter) };
  return {
    ...(seconds.delay > 0 && { delay: seconds.delay }),
    ...(seconds.jitter > 0 && { jitter: seconds.jitter }),
    ...(correlations && correlations.delay > 0 && { delayCorrelation: correlations.delay / ALL }),
    ...(loss > 0 && { loss: chanceFromWire(loss, lossCorrelation) }),
    ...(duplicate > 0 && { duplicate: chanceFromWire(duplicate, correlations?.duplicate ?? 0) }),
    ...(corrupt && corrupt.probability > 0 && { corrupt: chanceFromWire(corrupt.probability, corrupt.correlation) }),
    ...(reorder &&
      reorder.probability > 0 && { reorder: { ...chanceFromWire(reorder.probability, reorder.correlation), gap } }),
    ...(rate && rate.rate > 0 && { rate: (wire.rate64 === undefined ? rate.rate : Number(wire.rate64)) * 8 }),
    limit,
    ...(wire.ecn && { ecn: true }),
  };
}

function microseconds(exact: bigint | undefined, inTicks: number): number {
  return exact === undefined ? inTicks / ticksPerMicrosecond() : Number(exact) / 1000;
}

function chanceFromWire(probability: number, correlation: number): Chance {
  return { probability: probability / ALL, ...(correlation > 0 && { correlation: correlation / ALL }) };
}
