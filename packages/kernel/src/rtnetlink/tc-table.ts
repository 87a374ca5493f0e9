import { isErrno } from '../errors.ts';
import { type AttributesOf, attributes, selectedBy } from '../netlink/attribute.ts';
import { bytes, flag, pad, s32, struct, text, u8, u32, u64 } from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';
import { type MessageLayout, registerLayouts } from '../netlink/layout.ts';
import type { Netlink } from '../netlink/netlink.ts';
import {
  attributesAfter,
  encodeBody,
  type NetlinkAnswer,
  type NetlinkMessage,
  NLM_F,
} from '../netlink/netlink-message.ts';
import { bpf, flower, matchall, u32Filter } from './tc-filter-table.ts';
import { fifo, fq, fqCodel, hook, htb, netem, prio, tbf } from './tc-qdisc-table.ts';

/** struct tcmsg of linux/rtnetlink.h. `info` is for filters: priority in the upper half, protocol in the lower. */
const tcmsg = struct('tcmsg', { family: u8, _1: pad(3), link: s32, handle: u32, parent: u32, info: u32 });
export type TcHeader = Partial<ReturnType<typeof tcmsg.read>>;

/** gnet_stats_* of linux/gen_stats.h. */
const stats = attributes('tc statistics', {
  basic: [1, completeStruct('gnet_stats_basic', { bytes: u64, packets: u32 }), 'TCA_STATS_BASIC'],
  rate: [2, completeStruct('gnet_stats_rate_est', { bytes: u32, packets: u32 }), 'TCA_STATS_RATE_EST'],
  queue: [
    3,
    completeStruct('gnet_stats_queue', { length: u32, backlog: u32, drops: u32, requeues: u32, overlimits: u32 }),
    'TCA_STATS_QUEUE',
  ],
  application: [4, bytes, 'TCA_STATS_APP'],
  rate64: [5, bytes, 'TCA_STATS_RATE_EST64'],
  hardware: [7, bytes, 'TCA_STATS_BASIC_HW'],
  packets64: [8, u64, 'TCA_STATS_PKT64'],
});

/** Attributes of qdiscs, classes and filters, linux/rtnetlink.h. */
export const tcAttributes = attributes('tc', {
  kind: [1, text, 'TCA_KIND'],
  options: [
    2,
    selectedBy('kind', {
      pfifo: fifo,
      bfifo: fifo,
      prio,
      tbf,
      htb,
      fq_codel: fqCodel,
      fq,
      netem,
      ingress: hook,
      clsact: hook,
      bpf,
      matchall,
      u32: u32Filter,
      flower,
    }),
    'TCA_OPTIONS',
  ],
  oldStats: [3, bytes, 'TCA_STATS'],
  kindStats: [4, bytes, 'TCA_XSTATS'],
  rate: [5, bytes, 'TCA_RATE'],
  stats: [7, stats, 'TCA_STATS2'],
  sizeTable: [8, bytes, 'TCA_STAB'],
  showInvisible: [10, flag, 'TCA_DUMP_INVISIBLE'],
  chain: [11, u32, 'TCA_CHAIN'],
  inHardware: [12, u8, 'TCA_HW_OFFLOAD'],
  ingressBlock: [13, u32, 'TCA_INGRESS_BLOCK'],
  egressBlock: [14, u32, 'TCA_EGRESS_BLOCK'],
  warning: [16, text, 'TCA_EXT_WARN_MSG'],
});
export type TcAttributes = AttributesOf<typeof tcAttributes.rows>;

const RTM = {
  qdisc: { create: 36, delete: 37, get: 38 },
  class: { create: 40, delete: 41, get: 42 },
  filter: { create: 44, delete: 45, get: 46 },
} as const;
type TcNoun = keyof typeof RTM;

/** `replace` creates what is missing and changes what is there; `change` wants it there, `create` wants it missing. */
export type TcVerb = 'create' | 'replace' | 'change' | 'delete';

const FLAGS = { create: NLM_F.CREATE | NLM_F.EXCL, replace: NLM_F.CREATE | NLM_F.REPLACE, change: 0, delete: 0 };

export interface TcMessage {
  readonly noun: TcNoun;
  readonly verb: TcVerb;
  readonly header: TcHeader;
  readonly attributes: TcAttributes;
  readonly op: string;
}

export function tcRequest({ noun, verb, header, attributes, op }: TcMessage): NetlinkMessage {
  const type = RTM[noun][verb === 'delete' ? 'delete' : 'create'];
  const body = encodeBody(tcmsg, header, tcAttributes, attributes);
  return { type, flags: FLAGS[verb], body, op, protocol: 'route' };
}

/** What the kernel says when the place to delete from is not there, or something else is in it; both EINVAL. */
const ABSENT = /^(Parent Qdisc doesn't exist|Invalid handle)/;

/** Whether something was deleted; false: it is not there. Throws KernelError, ENODEV when there is no such link. */
export function deleteTc(netlink: Netlink<'route'>, message: Omit<TcMessage, 'verb'>): boolean {
  try {
    netlink.request(tcRequest({ ...message, verb: 'delete' }));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || (isErrno(error, 'EINVAL') && ABSENT.test(error.extack ?? ''))) return false;
    throw error;
  }
}

export interface DecodedTc {
  readonly header: Required<TcHeader>;
  readonly attributes: TcAttributes;
}

/** Throws DecodeError. */
export function decodeTc(body: Buffer): DecodedTc {
  const attributes = tcAttributes.read(attributesAfter(body, tcmsg.size));
  return { header: tcmsg.read(body), attributes };
}

export function dumpTc(netlink: Netlink<'route'>, noun: TcNoun, header: TcHeader): NetlinkAnswer[] {
  const body = encodeBody(tcmsg, header, tcAttributes, {});
  const op = `list ${noun}s of link ${header.link ?? 'any'}`;
  return netlink.dump({ type: RTM[noun].get, flags: 0, body, op, protocol: 'route' });
}

/** What every qdisc and class counts. */
export interface TcStats {
  readonly bytes: bigint;
  readonly packets: bigint;
  readonly drops: number;
  readonly overlimits: number;
  /** Packets and bytes that wait. */
  readonly queued: number;
  readonly backlog: number;
}

export function statsOf({ stats: read }: TcAttributes): TcStats {
  const { basic, queue, packets64 } = read ?? {};
  return {
    bytes: basic?.bytes ?? 0n,
    packets: packets64 ?? BigInt(basic?.packets ?? 0),
    drops: queue?.drops ?? 0,
    overlimits: queue?.overlimits ?? 0,
    queued: queue?.length ?? 0,
    backlog: queue?.backlog ?? 0,
  };
}

const NAMES = { create: 'NEW', delete: 'DEL', get: 'GET' } as const;

/** RTM_*QDISC, *TCLASS and *TFILTER by type. */
export const tcLayouts: Readonly<Record<number, MessageLayout>> = Object.fromEntries(
  Object.entries(RTM).flatMap(([noun, types]) => {
    const word = noun === 'qdisc' ? 'QDISC' : `T${noun.toUpperCase()}`;
    const layout = (verb: keyof typeof NAMES) => ({
      name: `RTM_${NAMES[verb]}${word}`,
      header: tcmsg,
      table: tcAttributes,
    });
    return (['create', 'delete', 'get'] as const).map((verb) => [types[verb], layout(verb)]);
  }),
);
registerLayouts('route', tcLayouts);
