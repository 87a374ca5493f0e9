import { attributes, selectedBy } from '../netlink/attribute.ts';
import { bytes, named, s32, text, u16, u32, u64 } from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';
import { numberedList } from '../netlink/numbered-list.ts';
import { ratespec } from './tc-rate.ts';

/** TC_ACT_*: what happens to the packet next. Numbers above 0x20000000 go to a chain, 0x10000000 jump. */
export const verdict = named(s32, {
  pass: 0,
  reclassify: 1,
  drop: 2,
  pipe: 3,
  stolen: 4,
  queued: 5,
  repeat: 6,
  redirect: 7,
  trap: 8,
  continue: -1,
});

/** tc_gen of linux/pkt_cls.h, which every action's parameters begin with. */
const generic = { index: u32, capab: u32, action: verdict, refcnt: s32, bindcnt: s32 } as const;

/** TCA_EGRESS_REDIR ... of linux/tc_act/tc_mirred.h. */
const mirredEffect = named(s32, {
  'egress redirect': 1,
  'egress mirror': 2,
  'ingress redirect': 3,
  'ingress mirror': 4,
});

const gact = attributes('gact', {
  times: [1, bytes, 'TCA_GACT_TM'],
  parms: [2, completeStruct('tc_gact', generic), 'TCA_GACT_PARMS'],
  probability: [3, completeStruct('tc_gact_p', { type: u16, value: u16, action: verdict }), 'TCA_GACT_PROB'],
});
const mirred = attributes('mirred', {
  times: [1, bytes, 'TCA_MIRRED_TM'],
  parms: [2, completeStruct('tc_mirred', { ...generic, effect: mirredEffect, link: u32 }), 'TCA_MIRRED_PARMS'],
});
const skbedit = attributes('skbedit', {
  times: [1, bytes, 'TCA_SKBEDIT_TM'],
  parms: [2, completeStruct('tc_skbedit', generic), 'TCA_SKBEDIT_PARMS'],
  priority: [3, u32, 'TCA_SKBEDIT_PRIORITY'],
  queue: [4, u16, 'TCA_SKBEDIT_QUEUE_MAPPING'],
  mark: [5, u32, 'TCA_SKBEDIT_MARK'],
  packetType: [7, u16, 'TCA_SKBEDIT_PTYPE'],
  mask: [8, u32, 'TCA_SKBEDIT_MASK'],
  flags: [9, u64, 'TCA_SKBEDIT_FLAGS'],
});
const policeParms = completeStruct('tc_police', {
  index: u32,
  action: verdict,
  limit: u32,
  burst: u32,
  mtu: u32,
  rate: ratespec,
  peakRate: ratespec,
  refcnt: s32,
  bindcnt: s32,
  capab: u32,
});
const police = attributes('police', {
  parms: [1, policeParms, 'TCA_POLICE_TBF'],
  rateTable: [2, bytes, 'TCA_POLICE_RATE'],
  peakRateTable: [3, bytes, 'TCA_POLICE_PEAKRATE'],
  averageRate: [4, u32, 'TCA_POLICE_AVRATE'],
  result: [5, verdict, 'TCA_POLICE_RESULT'],
  times: [6, bytes, 'TCA_POLICE_TM'],
  rate64: [8, u64, 'TCA_POLICE_RATE64'],
  peakRate64: [9, u64, 'TCA_POLICE_PEAKRATE64'],
  packetRate: [10, u64, 'TCA_POLICE_PKTRATE64'],
  packetBurst: [11, u64, 'TCA_POLICE_PKTBURST64'],
});

const bitfield32 = completeStruct('nla_bitfield32', { value: u32, selector: u32 });

/** One action of a filter, linux/pkt_cls.h. */
export const tcAction = attributes('tc action', {
  kind: [1, text, 'TCA_ACT_KIND'],
  options: [2, selectedBy('kind', { gact, mirred, skbedit, police }), 'TCA_ACT_OPTIONS'],
  index: [3, u32, 'TCA_ACT_INDEX'],
  stats: [4, bytes, 'TCA_ACT_STATS'],
  cookie: [6, bytes, 'TCA_ACT_COOKIE'],
  flags: [7, bitfield32, 'TCA_ACT_FLAGS'],
  hardwareStats: [8, bitfield32, 'TCA_ACT_HW_STATS'],
  usedHardwareStats: [9, bitfield32, 'TCA_ACT_USED_HW_STATS'],
  inHardware: [10, u32, 'TCA_ACT_IN_HW_COUNT'],
});

export const tcActions = numberedList(tcAction);

export type GactOptions = ReturnType<typeof gact.read>;
export type MirredOptions = ReturnType<typeof mirred.read>;
export type SkbeditOptions = ReturnType<typeof skbedit.read>;
export type PoliceOptions = ReturnType<typeof police.read>;
