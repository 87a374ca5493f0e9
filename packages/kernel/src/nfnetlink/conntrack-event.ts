import { attributesAfter, type NetlinkAnswer, NLM_F } from '../netlink/netlink-message.ts';
import { subscribeNetlink } from '../netlink/subscription.ts';
import type { Netns } from '../netns/netns.ts';
import type { Watch } from '../socket/readable-watch.ts';
import { type Connection, connectionFrom } from './conntrack-entry.ts';
import { CONNTRACK_MSG, connectionAttributes, NFNLGRP } from './conntrack-table.ts';
import { NFNL_SUBSYS, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';

/** What happened to a connection. */
export type ConnectionChangeType = 'new' | 'update' | 'destroy';

/** The connection as it is now, or as it was at its end. */
export interface ConnectionEvent {
  readonly type: ConnectionChangeType;
  readonly connection: Connection;
  /** When it happened, in nanoseconds since 1970: with net.netfilter.nf_conntrack_timestamp, since Linux 6.14. */
  readonly time?: bigint;
}

export interface ConnectionEventsOptions {
  /** Default: where the calling thread is. */
  readonly netns?: Netns;
  /** Default: all. */
  readonly types?: readonly ConnectionChangeType[];
  /** The events of one datagram, in order. */
  readonly onEvents: (events: readonly ConnectionEvent[]) => void;
  /** The buffer overflowed (ENOBUFS) and events are gone: list anew. Events come again from here on. */
  readonly onLost: () => void;
}

const GROUPS: Readonly<Record<ConnectionChangeType, number>> = {
  new: NFNLGRP.CONNTRACK_NEW,
  update: NFNLGRP.CONNTRACK_UPDATE,
  destroy: NFNLGRP.CONNTRACK_DESTROY,
};
const DELETE = nfnetlinkType(NFNL_SUBSYS.CONNTRACK, CONNTRACK_MSG.DELETE);

/**
 * Tells of connections of a netns as they come, change and go, on the event loop. With
 * net.netfilter.nf_conntrack_events at 2 (the default) only connections that began under a subscription are told of.
 * The subscription keeps the event loop alive until it is stopped; it may be stopped from its own callbacks.
 */
export function subscribeConnections(options: ConnectionEventsOptions): Watch {
  const { netns, types = ['new', 'update', 'destroy'], onEvents, onLost } = options;
  return subscribeNetlink({
    protocol: 'netfilter',
    netns,
    groups: types.map((type) => GROUPS[type]),
    onMessages: (messages) => onEvents(messages.map(decodeConnectionEvent)),
    onLost,
  });
}

/** Throws DecodeError. */
export function decodeConnectionEvent({ type, flags, body }: NetlinkAnswer): ConnectionEvent {
  const values = connectionAttributes.read(attributesAfter(body, nfgenmsg.size));
  const { eventTime: time } = values;
  return { type: changeOf(type, flags), connection: connectionFrom(values), ...(time !== undefined && { time }) };
}

function changeOf(type: number, flags: number): ConnectionChangeType {
  if (type === DELETE) return 'destroy';
  return flags & NLM_F.CREATE ? 'new' : 'update';
}
