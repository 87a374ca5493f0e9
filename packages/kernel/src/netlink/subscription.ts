import { libc, MSG } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { inNetns, orClose, setOption } from '../socket/inet-socket.ts';
import { type Watch, watchOf, watchReadable } from '../socket/readable-watch.ts';
import { type NetlinkAnswer, readMessages } from './netlink-message.ts';
import { type NetlinkProtocol, type NetlinkSocket, openNetlinkSocket, receiveDatagram } from './netlink-socket.ts';

const ADD_MEMBERSHIP = [270, 1, 'NETLINK_ADD_MEMBERSHIP'] as const;
/** Datagrams read in one turn of the event loop, so that a storm leaves room for everything else. */
const DATAGRAMS_PER_TURN = 256;

export interface SubscriptionOptions {
  readonly protocol: NetlinkProtocol;
  /** Default: where the calling thread is. */
  readonly netns?: Netns | undefined;
  /** Multicast group numbers of the protocol, e.g. RTNLGRP_LINK. */
  readonly groups: readonly number[];
  /** The messages of one datagram. */
  readonly onMessages: (messages: readonly NetlinkAnswer[]) => void;
  /** The buffer overflowed (ENOBUFS) and messages are gone: observe anew. Messages come again from here on. */
  readonly onLost: () => void;
}

/**
 * Joins multicast groups (netlink(7)) and hands over what the kernel sends to them, on the event loop, without busy
 * waiting. The subscription keeps the event loop alive until it is stopped; it may be stopped from its own callbacks.
 */
export function subscribeNetlink(options: SubscriptionOptions): Watch {
  const { protocol, netns, groups, onMessages, onLost } = options;
  const socket = inNetns(netns, () => joinGroups(protocol, groups));
  return watchNetlinkSocket(socket, { protocol, onMessages, onLost });
}

interface SocketWatchOptions extends Pick<SubscriptionOptions, 'protocol' | 'onMessages' | 'onLost'> {
  /** Also hands over what came between a loss and `onLost`, for messages that mean something alone; default false. */
  readonly keepAfterLoss?: boolean;
}

/** Hands over what the kernel sends to a socket unasked; owns the socket from here on and closes it when stopped. */
export function watchNetlinkSocket(socket: NetlinkSocket, options: SocketWatchOptions): Watch {
  const { protocol, onMessages, onLost, keepAfterLoss = false } = options;
  let open = true;
  let lost = false;
  const read = (): boolean => {
    const received = receiveDatagram(socket, protocol, MSG.DONTWAIT);
    if (received === 'overflow') lost = true;
    else if (received !== 'empty') {
      if (!lost || keepAfterLoss) onMessages(readMessages(received));
    } else if (lost) {
      // the kernel keeps dropping, and does not say so again, until the queue is empty: only now is nothing missed
      lost = false;
      onLost();
    }
    return received !== 'empty';
  };
  const drain = (): void => {
    for (let count = 0; open && count < DATAGRAMS_PER_TURN; count++) if (!read()) return;
    // what is left makes the socket readable again, but the end of a loss has to be looked for
    if (open && lost) setImmediate(drain);
  };
  const watch = watchReadable(socket.fd, drain);
  return watchOf(() => {
    if (!open) return;
    open = false;
    watch.stop();
    libc.close(socket.fd);
  });
}

/** Opens a socket that gets what is sent to the groups; the descriptor is the caller's to close. */
export function joinGroups(protocol: NetlinkProtocol, groups: readonly number[]): NetlinkSocket {
  const socket = openNetlinkSocket(protocol);
  return orClose(socket.fd, () => {
    for (const group of groups) setOption(socket.fd, ADD_MEMBERSHIP, group);
    return socket;
  });
}

export interface NetlinkGroupsOptions extends Pick<SubscriptionOptions, 'protocol' | 'netns' | 'groups'> {
  /** Messages came, or were lost; at most once per turn of the event loop. */
  readonly onChange: () => void;
}

/** As subscribeNetlink, for those who observe anew whatever happened. */
export function watchNetlinkGroups({ onChange, ...place }: NetlinkGroupsOptions): Watch {
  let pending: NodeJS.Immediate | undefined;
  const changed = () => {
    pending ??= setImmediate(() => {
      pending = undefined;
      onChange();
    });
  };
  const watch = subscribeNetlink({ ...place, onMessages: changed, onLost: changed });
  return watchOf(() => {
    clearImmediate(pending);
    watch.stop();
  });
}
