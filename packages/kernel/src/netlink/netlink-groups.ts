import { errnoOf } from '../errno.ts';
import { lastErrno, libc, MSG } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { inNetns, orClose, setOption } from '../socket/inet-socket.ts';
import { type Watch, watchReadable } from '../socket/readable-watch.ts';
import { type NetlinkProtocol, openNetlinkSocket } from './netlink.ts';

const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;

export interface NetlinkGroupsOptions {
  readonly protocol: NetlinkProtocol;
  readonly netns?: Netns | undefined;
  /** Multicast group numbers of the protocol, e.g. RTNLGRP_LINK. */
  readonly groups: readonly number[];
  /** Messages came, or were lost in an overflow; at most once per turn of the event loop. */
  readonly onChange: () => void;
}

/** Joins multicast groups. Only that something happened is told: what, is better observed, since messages get lost. */
export function watchNetlinkGroups({ protocol, netns, groups, onChange }: NetlinkGroupsOptions): Watch {
  const fd = inNetns(netns, () => {
    const socket = openNetlinkSocket(protocol);
    return orClose(socket, () => {
      for (const group of groups) setOption(socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
      return socket;
    });
  });
  const watch = watchReadable(fd, () => {
    if (drain(fd)) onChange();
  });
  let open = true;
  return {
    stop() {
      if (!open) return;
      open = false;
      watch.stop();
      libc.close(fd);
    },
  };
}

const scratch = Buffer.allocUnsafeSlow(1 << 16);

/** Reads away what is waiting; whether there was anything, or an overflow. */
function drain(fd: number): boolean {
  let changed = false;
  for (;;) {
    const length = libc.recv(fd, scratch, scratch.length, MSG.DONTWAIT);
    if (length < 0 && lastErrno() !== errnoOf('ENOBUFS')) return changed;
    changed = true;
  }
}
