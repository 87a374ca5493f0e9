import { type MessageLayout, registerLayouts } from '../netlink/layout.ts';
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

function tableOf(message: string): MessageLayout['table'] {
  return TABLES[message.replace(/^(NEW|GET|DEL|DESTROY)/, '') as keyof typeof TABLES];
}

/** What stands in every message of nfnetlink, by message type. */
export const nfnetlinkLayouts: Readonly<Record<number, MessageLayout>> = Object.fromEntries(
  Object.entries(NFT_MSG).map(([name, number]): [number, MessageLayout] => [
    nfnetlinkType(NFNL_SUBSYS.NFTABLES, number),
    { name: `NFT_MSG_${name}`, header: nfgenmsg, table: tableOf(name) },
  ]),
);

registerLayouts('netfilter', nfnetlinkLayouts);
