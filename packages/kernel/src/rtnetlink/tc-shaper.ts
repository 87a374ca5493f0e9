import { DecodeError, encodeError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { htb, tbf } from './tc-qdisc-table.ts';
import { bitsOf, bytesSentIn, NO_RATE, sendingTicks, wireRate } from './tc-rate.ts';

type TbfWire = AttributesOf<typeof tbf.rows>;
type HtbWire = AttributesOf<typeof htb.rows>;

/** A token bucket, tc-tbf(8). */
export interface TbfOptions {
  /** Bits a second. */
  readonly rate: number;
  /** Bytes that may leave at once; at least the link's MTU with its header. Read back to within 64 ns of sending time. */
  readonly burst: number;
  /** Bytes that may wait for tokens; give this or `latency`. */
  readonly limit?: number;
  /** Microseconds that a packet may wait at most. Not read back: the kernel keeps `limit`. */
  readonly latency?: number;
  /** Bits a second that a burst may leave with, with the bytes of that second bucket. */
  readonly peak?: { readonly rate: number; readonly burst: number };
}

export function tbfToWire({ rate, burst, limit, latency, peak }: TbfOptions): TbfWire {
  if ((limit === undefined) === (latency === undefined)) throw encodeError('tbf: give one of limit and latency');
  const wire = wireRate('rate', rate);
  const peakWire = peak ? wireRate('peak.rate', peak.rate) : NO_RATE;
  return {
    parms: {
      rate: wire.spec,
      peakRate: peakWire.spec,
      limit: limit ?? Math.floor((wire.bytes * (latency ?? 0)) / 1e6 + burst),
      buffer: bucket('burst', burst, wire.bytes),
      mtu: peak ? bucket('peak.burst', peak.burst, peakWire.bytes) : 0,
    },
    burst,
    rate64: wire.rate64,
    peakRate64: peakWire.rate64,
    peakBurst: peak?.burst,
  };
}

export function tbfFromWire({ parms, rate64, peakRate64 }: TbfWire): TbfOptions {
  if (!parms) throw new DecodeError('tbf without TCA_TBF_PARMS');
  const rate = bitsOf(parms.rate, rate64);
  const options = { rate, burst: bytesSentIn(parms.buffer, rate / 8), limit: parms.limit };
  const peakRate = bitsOf(parms.peakRate, peakRate64);
  return peakRate === 0
    ? options
    : { ...options, peak: { rate: peakRate, burst: bytesSentIn(parms.mtu, peakRate / 8) } };
}

function bucket(field: string, burst: number, bytesPerSecond: number): number {
  const ticks = sendingTicks(burst, bytesPerSecond);
  if (!(burst >= 1 && ticks >= 1)) throw encodeError(`${field} of ${burst} bytes; at that rate more are needed`);
  return ticks;
}

/** The qdisc of a hierarchy, tc-htb(8). */
export interface HtbOptions {
  /** Minor number of the class for packets no filter takes; 0: they leave unshaped. */
  readonly defaultClass?: number;
  /** Divides a class's rate in bytes into its quantum; default 10. */
  readonly rateToQuantum?: number;
  /** Packets that may wait when no class takes them. */
  readonly directQueueLength?: number;
}

const HTB_VERSION = 3;

export function htbToWire({ defaultClass = 0, rateToQuantum = 10, directQueueLength }: HtbOptions): HtbWire {
  const init = { version: HTB_VERSION, rateToQuantum, defaultClass, debug: 0, directPackets: 0 };
  return { init, directQueueLength };
}

export function htbFromWire({ init, directQueueLength }: HtbWire): HtbOptions {
  if (!init) throw new DecodeError('htb without TCA_HTB_INIT');
  const { defaultClass, rateToQuantum } = init;
  return { defaultClass, rateToQuantum, ...(directQueueLength !== undefined && { directQueueLength }) };
}

/** A class of htb. */
export interface HtbClassOptions {
  /** Bits a second that are its own. */
  readonly rate: number;
  /** Bits a second with what it may borrow from its parent; default: rate. */
  readonly ceil?: number;
  /** Bytes that may leave at once; default 1600 and what is sent in a nanosecond, as in tc. */
  readonly burst?: number;
  readonly ceilBurst?: number;
  /** 0 is served first. */
  readonly priority?: number;
  /** Bytes a class sends before the next of equal priority has its turn; default by the rate. */
  readonly quantum?: number;
}

export function htbClassToWire({ rate, ceil = rate, priority = 0, quantum = 0, ...rest }: HtbClassOptions): HtbWire {
  const [own, most] = [wireRate('rate', rate), wireRate('ceil', ceil)];
  return {
    parms: {
      rate: own.spec,
      ceil: most.spec,
      buffer: bucket('burst', rest.burst ?? defaultBurst(own.bytes), own.bytes),
      ceilBuffer: bucket('ceilBurst', rest.ceilBurst ?? defaultBurst(most.bytes), most.bytes),
      quantum,
      level: 0,
      prio: priority,
    },
    rate64: own.rate64,
    ceil64: most.rate64,
  };
}

const defaultBurst = (bytesPerSecond: number): number => Math.floor(bytesPerSecond / 1e9) + 1600;

export function htbClassFromWire({ parms, rate64, ceil64 }: HtbWire): Required<HtbClassOptions> {
  if (!parms) throw new DecodeError('htb class without TCA_HTB_PARMS');
  const [rate, ceil] = [bitsOf(parms.rate, rate64), bitsOf(parms.ceil, ceil64)];
  return {
    rate,
    ceil,
    burst: bytesSentIn(parms.buffer, rate / 8),
    ceilBurst: bytesSentIn(parms.ceilBuffer, ceil / 8),
    priority: parms.prio,
    quantum: parms.quantum,
  };
}
