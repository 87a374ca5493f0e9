import { choose } from '../choice.ts';
import { encodeError } from '../errors.ts';
import { libc } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { inNetns } from '../socket/inet-socket.ts';
import {
  openQueue,
  setHeaderSize,
  setOffloads,
  setOwner,
  setPersistent,
  type TunLink,
  type TunOffload,
} from './tun-device.ts';
import { FrameQueue, type TunEvents, type TunQueue } from './tun-queue.ts';
import { VIRTIO_NET_HEADER_SIZE } from './virtio-net-header.ts';

/** MAX_TAP_QUEUES of the kernel. */
const MOST_QUEUES = 256;
const MODES = { tun: 1, tap: 1 } as const;

export interface TunOptions extends TunEvents {
  /** Where the link is made. Default: where the calling thread is. */
  readonly netns?: Netns | undefined;
  /** Up to 15 bytes; `%d` becomes the first free number. Default `tun%d` or `tap%d`. An existing link is opened again. */
  readonly name?: string;
  /** tun: IP packets; tap: Ethernet frames. Default tun. */
  readonly mode?: 'tun' | 'tap';
  /** Frames have a VirtioNetHeader in front (IFF_VNET_HDR). Default: when there are offloads, which need it. */
  readonly vnetHeader?: boolean;
  /** What the kernel may leave undone in frames it gives. Frames given to it may be super-frames in any case. */
  readonly offloads?: readonly TunOffload[];
  /** Queues, over which the kernel spreads flows; 1 to 256, default 1. */
  readonly queues?: number;
  /** The link stays when it is closed, until somebody removes it. */
  readonly persist?: boolean;
  /** Who may open the link without CAP_NET_ADMIN. */
  readonly owner?: { readonly uid?: number; readonly gid?: number };
}

export interface Tun {
  /** The link's name in its namespace; it is down and without address at first. */
  readonly name: string;
  /** Its ifindex there, by which netlink knows it. */
  readonly ifIndex: number;
  readonly queues: readonly [TunQueue, ...TunQueue[]];
  /** Gives up all queues; the link goes away unless it is persistent. A second call does nothing. */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Makes a tun or tap link whose other end is this program; Documentation/networking/tuntap. Throws KernelError: EBUSY when
 * somebody else has the link open, EINVAL when it exists and is of another kind, KERNEL_PERMISSION without CAP_NET_ADMIN.
 *
 *     sockets of the netns ──route──▶ link ──onFrame──▶ program
 *                          ◀──────── link ◀──write──── program
 */
export function openTun(options: TunOptions = {}): Tun {
  const { mode = 'tun', offloads = [], queues: count = 1, vnetHeader = offloads.length > 0 } = options;
  choose(MODES, mode, 'the mode of a tun link');
  if (!Number.isInteger(count) || count < 1 || count > MOST_QUEUES)
    throw encodeError(`${count} queues of a tun link; 1 to ${MOST_QUEUES} are possible`);
  if (offloads.length > 0 && !vnetHeader)
    throw encodeError('tun offloads without vnetHeader, which says what is left to do');
  const fds: number[] = [];
  const queues: FrameQueue[] = [];
  try {
    const name = inNetns(options.netns, () => openQueues(fds, count, { name: options.name, mode, vnetHeader }));
    const ifIndex = inNetns(options.netns, () => libc.if_nametoindex(name));
    configure(fds[0] ?? -1, vnetHeader, options);
    for (const fd of fds) queues.push(new FrameQueue(fd, name, vnetHeader ? VIRTIO_NET_HEADER_SIZE : 0, options));
    return tunOf(queues as [FrameQueue, ...FrameQueue[]], name, ifIndex);
  } catch (error) {
    // a queue stops its watch before it closes its descriptor
    for (const queue of queues) queue.close();
    for (const fd of fds.slice(queues.length)) libc.close(fd);
    throw error;
  }
}

/** Puts the descriptors of `count` queues into `fds`, also when it fails in between; returns the link's name. */
function openQueues(fds: number[], count: number, link: Omit<TunLink, 'multiQueue'>): string {
  let { name } = link;
  while (fds.length < count) {
    const queue = openQueue({ ...link, name, multiQueue: count > 1 });
    fds.push(queue.fd);
    name = queue.name;
  }
  return name ?? '';
}

function configure(fd: number, vnetHeader: boolean, { offloads = [], owner, persist }: TunOptions): void {
  if (vnetHeader) {
    setHeaderSize(fd);
    setOffloads(fd, offloads);
  }
  if (owner) setOwner(fd, owner);
  if (persist !== undefined) setPersistent(fd, persist);
}

function tunOf(queues: readonly [FrameQueue, ...FrameQueue[]], name: string, ifIndex: number): Tun {
  const close = () => {
    for (const queue of queues) queue.close();
  };
  return { name, ifIndex, queues, close, [Symbol.dispose]: close };
}
