import { encodeError } from '../errors.ts';
import { attributes } from '../netlink/attribute.ts';
import { array, bytes, type Codec, flag, s32, s64, u8, u32, u64 } from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';
import { headed } from './layout-codec.ts';
import { bitRate32, ratespec } from './tc-rate.ts';

/** The options of qdiscs and classes, linux/pkt_sched.h. Times are in microseconds unless said otherwise. */

export const fifo = completeStruct('tc_fifo_qopt', { limit: u32 });

const bands = array(u8);
const sixteenBands: Codec<readonly number[]> & { readonly size: number } = {
  ...bands,
  name: '16 bands',
  size: 16,
  write(out, value) {
    if (value.length !== 16) throw encodeError(`priomap of ${value.length} bands; 16 priorities need one each`);
    bands.write(out, value);
  },
};
export const prio = completeStruct('tc_prio_qopt', { bands: s32, priomap: sixteenBands });

export const tbf = attributes('tbf', {
  parms: [
    1,
    completeStruct('tc_tbf_qopt', { rate: ratespec, peakRate: ratespec, limit: u32, buffer: u32, mtu: u32 }),
    'TCA_TBF_PARMS',
  ],
  rateTable: [2, bytes, 'TCA_TBF_RTAB'],
  peakRateTable: [3, bytes, 'TCA_TBF_PTAB'],
  rate64: [4, u64, 'TCA_TBF_RATE64'],
  peakRate64: [5, u64, 'TCA_TBF_PRATE64'],
  burst: [6, u32, 'TCA_TBF_BURST'],
  peakBurst: [7, u32, 'TCA_TBF_PBURST'],
});

export const htb = attributes('htb', {
  parms: [
    1,
    completeStruct('tc_htb_opt', {
      rate: ratespec,
      ceil: ratespec,
      buffer: u32,
      ceilBuffer: u32,
      quantum: u32,
      level: u32,
      prio: u32,
    }),
    'TCA_HTB_PARMS',
  ],
  init: [
    2,
    completeStruct('tc_htb_glob', {
      version: u32,
      rateToQuantum: u32,
      defaultClass: u32,
      debug: u32,
      directPackets: u32,
    }),
    'TCA_HTB_INIT',
  ],
  ceilTable: [3, bytes, 'TCA_HTB_CTAB'],
  rateTable: [4, bytes, 'TCA_HTB_RTAB'],
  directQueueLength: [5, u32, 'TCA_HTB_DIRECT_QLEN'],
  rate64: [6, u64, 'TCA_HTB_RATE64'],
  ceil64: [7, u64, 'TCA_HTB_CEIL64'],
  offload: [9, flag, 'TCA_HTB_OFFLOAD'],
});

export const fqCodel = attributes('fq_codel', {
  target: [1, u32, 'TCA_FQ_CODEL_TARGET'],
  limit: [2, u32, 'TCA_FQ_CODEL_LIMIT'],
  interval: [3, u32, 'TCA_FQ_CODEL_INTERVAL'],
  ecn: [4, u32, 'TCA_FQ_CODEL_ECN'],
  flows: [5, u32, 'TCA_FQ_CODEL_FLOWS'],
  quantum: [6, u32, 'TCA_FQ_CODEL_QUANTUM'],
  ceThreshold: [7, u32, 'TCA_FQ_CODEL_CE_THRESHOLD'],
  dropBatch: [8, u32, 'TCA_FQ_CODEL_DROP_BATCH_SIZE'],
  memoryLimit: [9, u32, 'TCA_FQ_CODEL_MEMORY_LIMIT'],
  ceThresholdSelector: [10, u8, 'TCA_FQ_CODEL_CE_THRESHOLD_SELECTOR'],
  ceThresholdMask: [11, u8, 'TCA_FQ_CODEL_CE_THRESHOLD_MASK'],
});

export const fq = attributes('fq', {
  limit: [1, u32, 'TCA_FQ_PLIMIT'],
  flowLimit: [2, u32, 'TCA_FQ_FLOW_PLIMIT'],
  quantum: [3, u32, 'TCA_FQ_QUANTUM'],
  initialQuantum: [4, u32, 'TCA_FQ_INITIAL_QUANTUM'],
  pacing: [5, u32, 'TCA_FQ_RATE_ENABLE'],
  maxRate: [7, bitRate32, 'TCA_FQ_FLOW_MAX_RATE'],
  bucketsLog: [8, u32, 'TCA_FQ_BUCKETS_LOG'],
  refillDelay: [9, u32, 'TCA_FQ_FLOW_REFILL_DELAY'],
  orphanMask: [10, u32, 'TCA_FQ_ORPHAN_MASK'],
  lowRateThreshold: [11, bitRate32, 'TCA_FQ_LOW_RATE_THRESHOLD'],
  ceThreshold: [12, u32, 'TCA_FQ_CE_THRESHOLD'],
  /** Nanoseconds. */
  timerSlack: [13, u32, 'TCA_FQ_TIMER_SLACK'],
  horizon: [14, u32, 'TCA_FQ_HORIZON'],
  horizonDrop: [15, u8, 'TCA_FQ_HORIZON_DROP'],
});

const netemAttributes = attributes('netem', {
  correlations: [1, completeStruct('tc_netem_corr', { delay: u32, loss: u32, duplicate: u32 }), 'TCA_NETEM_CORR'],
  distribution: [2, bytes, 'TCA_NETEM_DELAY_DIST'],
  reorder: [3, completeStruct('tc_netem_reorder', { probability: u32, correlation: u32 }), 'TCA_NETEM_REORDER'],
  corrupt: [4, completeStruct('tc_netem_corrupt', { probability: u32, correlation: u32 }), 'TCA_NETEM_CORRUPT'],
  lossModel: [
    5,
    attributes('loss model', {
      fourState: [
        1,
        completeStruct('tc_netem_gimodel', { p13: u32, p31: u32, p32: u32, p14: u32, p23: u32 }),
        'NETEM_LOSS_GI',
      ],
      gilbertElliot: [2, completeStruct('tc_netem_gemodel', { p: u32, r: u32, h: u32, k1: u32 }), 'NETEM_LOSS_GE'],
    }),
    'TCA_NETEM_LOSS',
  ],
  rate: [
    6,
    completeStruct('tc_netem_rate', { rate: u32, packetOverhead: s32, cellSize: u32, cellOverhead: s32 }),
    'TCA_NETEM_RATE',
  ],
  ecn: [7, u32, 'TCA_NETEM_ECN'],
  rate64: [8, u64, 'TCA_NETEM_RATE64'],
  /** Nanoseconds. */
  latency64: [10, s64, 'TCA_NETEM_LATENCY64'],
  jitter64: [11, s64, 'TCA_NETEM_JITTER64'],
  slot: [12, bytes, 'TCA_NETEM_SLOT'],
  slotDistribution: [13, bytes, 'TCA_NETEM_SLOT_DIST'],
  seed: [14, u64, 'TCA_NETEM_PRNG_SEED'],
});
const netemHeader = completeStruct('tc_netem_qopt', {
  latency: u32,
  limit: u32,
  loss: u32,
  gap: u32,
  duplicate: u32,
  jitter: u32,
});
export const netem = headed(netemHeader, netemAttributes);

/** Takes no options; filters hang on it. */
export const hook = attributes('ingress, clsact', {});
