import { DecodeError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import { attributesAfter } from '../netlink/netlink-message.ts';
import { subscribeNetlink } from '../netlink/subscription.ts';
import type { Netns } from '../netns/netns.ts';
import type { Watch } from '../socket/readable-watch.ts';
import { NFNLGRP } from './conntrack-table.ts';
import { NFT_MSG, nftTrace } from './nf-tables.ts';
import { familyWord, NFNL_SUBSYS, type NfFamily, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';

type Values = AttributesOf<typeof nftTrace.rows>;

/**
 * One step of a packet that a rule marked with `meta nftrace set 1`; nft(8), net/netfilter/nf_tables_trace.c. Headers and
 * links come with the first step in each base chain only.
 */
export interface TraceEvent {
  /** The same for all steps of a packet; another packet may get it later. */
  readonly id: number;
  /** Of the table. */
  readonly family: NfFamily | number;
  readonly table: string;
  readonly chain: string;
  /** A rule was met, or the end of a chain; `return`: by a verdict; the chain's policy decided. */
  readonly type: 'rule' | 'return' | 'policy' | number;
  /** Of the rule; absent: the end of the chain was reached. */
  readonly handle?: bigint;
  /** What was decided; `continue`: the next rule is asked. */
  readonly verdict?: Values['verdict'];
  readonly policy?: Values['policy'];
  readonly mark?: number;
  /** What the packet is, when that is not what the table is about: `ip` in a table of inet. */
  readonly packetFamily?: NfFamily | number;
  /** Indexes of links, and what they are (ARPHRD_*: 1 is Ethernet, 772 the loopback). */
  readonly iif?: number;
  readonly iiftype?: number;
  readonly oif?: number;
  readonly oiftype?: number;
  /** Ethernet header, with the VLAN tag that the link took off. */
  readonly linkHeader?: Buffer;
  readonly networkHeader?: Buffer;
  /** At most 20 bytes. */
  readonly transportHeader?: Buffer;
  /** What connection tracking says of it; since Linux 6.16. */
  readonly connection?: {
    readonly id?: number;
    readonly direction?: NonNullable<Values['connectionDirection']>;
    readonly status?: NonNullable<Values['connectionStatus']>;
    readonly state?: NonNullable<Values['connectionState']>;
  };
}

export interface TraceOptions {
  /** Default: where the calling thread is. */
  readonly netns?: Netns;
  /** The steps of one datagram, in order; the kernel sends them one by one. */
  readonly onEvents: (events: readonly TraceEvent[]) => void;
  /** The buffer overflowed (ENOBUFS): steps of some packets are gone. */
  readonly onLost: () => void;
}

const TRACE = nfnetlinkType(NFNL_SUBSYS.NFTABLES, NFT_MSG.TRACE);

/**
 * Tells of the rules that traced packets of a netns meet (nft monitor trace), on the event loop. The kernel traces only
 * while somebody listens. The subscription keeps the event loop alive until it is stopped; it may be stopped from its own
 * callbacks.
 */
export function subscribeTrace({ netns, onEvents, onLost }: TraceOptions): Watch {
  return subscribeNetlink({
    protocol: 'netfilter',
    netns,
    groups: [NFNLGRP.NFTRACE],
    onMessages: (messages) =>
      onEvents(messages.filter(({ type }) => type === TRACE).map(({ body }) => decodeTrace(body))),
    onLost,
  });
}

/** Throws DecodeError. */
export function decodeTrace(body: Buffer): TraceEvent {
  const values = nftTrace.read(attributesAfter(body, nfgenmsg.size));
  const { id, table, chain, type, handle, verdict, policy, mark, nfproto } = values;
  if (id === undefined || table === undefined || chain === undefined || type === undefined)
    throw new DecodeError('a trace event without id, table, chain or type');
  return {
    id,
    family: familyWord(nfgenmsg.read(body).family),
    table,
    chain,
    type,
    ...(handle !== undefined && { handle }),
    ...(verdict !== undefined && { verdict }),
    ...(policy !== undefined && { policy }),
    ...(mark !== undefined && { mark }),
    ...(nfproto !== undefined && { packetFamily: familyWord(nfproto) }),
    ...placeFrom(values),
    ...connectionFrom(values),
  };
}

function placeFrom({ iif, iiftype, oif, oiftype, link, network, transport }: Values): Partial<TraceEvent> {
  return {
    ...(iif !== undefined && { iif }),
    ...(iiftype !== undefined && { iiftype }),
    ...(oif !== undefined && { oif }),
    ...(oiftype !== undefined && { oiftype }),
    ...(link !== undefined && { linkHeader: Buffer.from(link) }),
    ...(network !== undefined && { networkHeader: Buffer.from(network) }),
    ...(transport !== undefined && { transportHeader: Buffer.from(transport) }),
  };
}

function connectionFrom(values: Values): Pick<TraceEvent, 'connection'> {
  const { connectionId: id, connectionDirection: direction, connectionStatus: status, connectionState: state } = values;
  if (id === undefined && state === undefined) return {};
  const connection = {
    ...(id !== undefined && { id }),
    ...(direction !== undefined && { direction }),
    ...(status !== undefined && { status }),
    ...(state !== undefined && { state }),
  };
  return { connection };
}
