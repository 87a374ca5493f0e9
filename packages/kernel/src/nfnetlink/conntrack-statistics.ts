import type { Netlink } from '../netlink/netlink.ts';
import { attributesAfter, encodeBody } from '../netlink/netlink-message.ts';
import {
  CONNTRACK_MSG,
  connectionAttributes,
  cpuStatisticsAttributes,
  statisticsAttributes,
} from './conntrack-table.ts';
import { NFNL_SUBSYS, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';

/** How many connections there are, and how many there may be (net.netfilter.nf_conntrack_max; absent before Linux 5.9). */
export interface ConnectionCount {
  readonly entries: number;
  readonly maxEntries?: number;
}

const question = (message: number, op: string) => ({
  type: nfnetlinkType(NFNL_SUBSYS.CONNTRACK, message),
  flags: 0,
  body: encodeBody(nfgenmsg, {}, connectionAttributes, {}),
  op,
});

/** Of the netns of the socket, which is of the protocol `netfilter`. */
export function countConnections(netlink: Netlink): ConnectionCount {
  const [answer] = netlink.request(question(CONNTRACK_MSG.GET_STATS, 'count tracked connections'));
  const { entries = 0, maxEntries } = answer
    ? statisticsAttributes.read(attributesAfter(answer.body, nfgenmsg.size))
    : {};
  return { entries, ...(maxEntries !== undefined && { maxEntries }) };
}

/** The counters of one CPU since the namespace began (conntrack -S); those the kernel no longer keeps are absent. */
export type ConnectionStatistics = Readonly<
  { cpu: number } & Partial<Record<Exclude<keyof typeof cpuStatisticsAttributes.rows, 'unknown'>, number>>
>;

export function connectionStatistics(netlink: Netlink): ConnectionStatistics[] {
  const answers = netlink.dump(question(CONNTRACK_MSG.GET_STATS_CPU, 'read statistics of connection tracking'));
  return answers.map(({ body }) => decodeConnectionStatistics(body));
}

/** Throws DecodeError. */
export function decodeConnectionStatistics(body: Buffer): ConnectionStatistics {
  const { unknown, ...counters } = cpuStatisticsAttributes.read(attributesAfter(body, nfgenmsg.size));
  return { cpu: nfgenmsg.read(body).resource, ...(counters as Record<string, number>) };
}
