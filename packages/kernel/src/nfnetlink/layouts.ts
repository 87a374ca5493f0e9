import { type MessageLayout, registerLayouts } from '../netlink/layout.ts';
import {
  CONNTRACK_MSG,
  connectionAttributes,
  cpuStatisticsAttributes,
  EXPECTATION_MSG,
  expectationAttributes,
  expectationStatisticsAttributes,
  statisticsAttributes,
} from './conntrack-table.ts';
import { LOG_MSG, logConfigAttributes, logPacketAttributes } from './log-table.ts';
import {
  NFT_MSG,
  nftChain,
  nftElements,
  nftFlowtable,
  nftGeneration,
  nftRule,
  nftSet,
  nftTable,
  nftTrace,
} from './nf-tables.ts';
import { nftObject } from './nf-tables-object.ts';
import { NFNL_SUBSYS, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';

/** The table of each nf_tables object, by the end of its messages' names. */
const TABLES = {
  TABLE: nftTable,
  CHAIN: nftChain,
  RULE: nftRule,
  RULE_RESET: nftRule,
  SET: nftSet,
  SETELEM: nftElements,
  SETELEM_RESET: nftElements,
  GEN: nftGeneration,
  TRACE: nftTrace,
  OBJ: nftObject,
  OBJ_RESET: nftObject,
  FLOWTABLE: nftFlowtable,
} as const;

function nftTableOf(message: string): MessageLayout['table'] {
  return TABLES[message.replace(/^(NEW|GET|DEL|DESTROY)/, '') as keyof typeof TABLES];
}

/** Messages whose table is not that of the others of their subsystem. */
const STATISTICS: Readonly<Record<string, MessageLayout['table']>> = {
  IPCTNL_MSG_CT_GET_STATS_CPU: cpuStatisticsAttributes,
  IPCTNL_MSG_CT_GET_STATS: statisticsAttributes,
  IPCTNL_MSG_EXP_GET_STATS_CPU: expectationStatisticsAttributes,
};

interface Subsystem {
  readonly number: number;
  /** What stands in front of the names of its messages. */
  readonly prefix: string;
  readonly messages: Readonly<Record<string, number>>;
  readonly tableOf: (message: string) => MessageLayout['table'];
}

const SUBSYSTEMS: readonly Subsystem[] = [
  { number: NFNL_SUBSYS.NFTABLES, prefix: 'NFT_MSG_', messages: NFT_MSG, tableOf: nftTableOf },
  {
    number: NFNL_SUBSYS.CONNTRACK,
    prefix: 'IPCTNL_MSG_CT_',
    messages: CONNTRACK_MSG,
    tableOf: () => connectionAttributes,
  },
  {
    number: NFNL_SUBSYS.EXPECTATION,
    prefix: 'IPCTNL_MSG_EXP_',
    messages: EXPECTATION_MSG,
    tableOf: () => expectationAttributes,
  },
  {
    number: NFNL_SUBSYS.LOG,
    prefix: 'NFULNL_MSG_',
    messages: LOG_MSG,
    tableOf: (message) => (message === 'PACKET' ? logPacketAttributes : logConfigAttributes),
  },
];

/** What stands in every message of nfnetlink, by message type. */
export const nfnetlinkLayouts: Readonly<Record<number, MessageLayout>> = Object.fromEntries(
  SUBSYSTEMS.flatMap(({ number, prefix, messages, tableOf }) =>
    Object.entries(messages).map(([message, type]): [number, MessageLayout] => {
      const name = `${prefix}${message}`;
      return [nfnetlinkType(number, type), { name, header: nfgenmsg, table: STATISTICS[name] ?? tableOf(message) }];
    }),
  ),
);

registerLayouts('netfilter', nfnetlinkLayouts);
