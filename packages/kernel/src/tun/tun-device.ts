import fs from 'node:fs';
import { choose } from '../choice.ts';
import { errnoName, errnoOf } from '../errno.ts';
import { checkCall, KernelError } from '../errors.ts';
import { lastErrno, libc } from '../libc.ts';
import { VIRTIO_NET_HEADER_SIZE } from './virtio-net-header.ts';

/** Requests and flags of linux/if_tun.h. */
const TUN = {
  SETIFF: 0x400454ca,
  SETPERSIST: 0x400454cb,
  SETOWNER: 0x400454cc,
  SETGROUP: 0x400454ce,
  SETOFFLOAD: 0x400454d0,
  SETVNETHDRSZ: 0x400454d8,
} as const;
const IFF = { TUN: 0x1, TAP: 0x2, MULTI_QUEUE: 0x100, NO_PI: 0x1000, VNET_HDR: 0x4000 } as const;
/** TUN_F_*; segmentation offloads need the checksum one. */
const OFFLOAD = { csum: 0x01, tso4: 0x02, tso6: 0x04, ecn: 0x08, uso: 0x60 } as const;

const CLONE_DEVICE = '/dev/net/tun';
const OPEN_FLAGS = fs.constants.O_RDWR | fs.constants.O_NONBLOCK;
/** struct ifreq: 16 bytes of name, then the flags. */
const IFREQ_SIZE = 40;
const IFNAMSIZ = 16;

/**
 * Work on frames that the reader promises to do, or to pass on with the frame:
 * csum: fill in the TCP or UDP checksum; tso4, tso6, uso: cut TCP over IPv4, over IPv6, and UDP super-frames of up to 64
 * KiB apart; ecn: know that only the first segment carries CWR.
 */
export type TunOffload = keyof typeof OFFLOAD;

export interface TunLink {
  /** Up to 15 bytes; `%d` becomes the first free number, absent: `tun%d` or `tap%d`. */
  readonly name?: string | undefined;
  /** tun: IP packets, tap: Ethernet frames. */
  readonly mode: 'tun' | 'tap';
  readonly vnetHeader: boolean;
  readonly multiQueue: boolean;
}

/** Opens one queue of a link in the calling thread's netns, and makes the link if there is none. */
export function openQueue({ name, mode, vnetHeader, multiQueue }: TunLink): { fd: number; name: string } {
  const fd = openCloneDevice();
  try {
    const wanted = name ?? `${mode}%d`;
    if (Buffer.byteLength(wanted) >= IFNAMSIZ) {
      throw new KernelError({
        op: `create ${mode} link ${wanted}`,
        errno: errnoOf('ENAMETOOLONG'),
        advice: '15 bytes fit',
      });
    }
    const request = Buffer.alloc(IFREQ_SIZE);
    request.write(wanted);
    const flags = IFF.NO_PI | (vnetHeader ? IFF.VNET_HDR : 0) | (multiQueue ? IFF.MULTI_QUEUE : 0);
    request.writeUInt16LE(flags | (mode === 'tun' ? IFF.TUN : IFF.TAP), IFNAMSIZ);
    if (libc.ioctl(fd, TUN.SETIFF, request) < 0) throw refusal(lastErrno(), mode, wanted);
    return { fd, name: request.toString('utf8', 0, request.indexOf(0)) };
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function refusal(errno: number, mode: TunLink['mode'], link: string): KernelError {
  const exists = libc.if_nametoindex(link) > 0;
  const other = `link ${link} exists and is no ${mode} link, or one with another number of queues; take another name`;
  const busy = `link ${link} is open already, here or in another program`;
  const advice = { EINVAL: exists ? other : undefined, EBUSY: busy }[errnoName(errno)];
  return new KernelError({ op: `create ${mode} link ${link}`, errno, advice });
}

function openCloneDevice(): number {
  try {
    return fs.openSync(CLONE_DEVICE, OPEN_FLAGS);
  } catch (cause) {
    const errno = errnoOf((cause as NodeJS.ErrnoException).code ?? '');
    const advice = `the kernel needs CONFIG_TUN; if the file is missing: mknod ${CLONE_DEVICE} c 10 200`;
    throw new KernelError({ op: `open ${CLONE_DEVICE}`, errno, advice });
  }
}

/** The size of virtio's header; a persistent link may have been left with another one. */
export function setHeaderSize(fd: number): void {
  const size = Buffer.alloc(4);
  size.writeInt32LE(VIRTIO_NET_HEADER_SIZE);
  checkCall(libc.ioctl(fd, TUN.SETVNETHDRSZ, size), () => 'set the header size of a tun link');
}

/** Throws KernelError, EINVAL when the kernel does not know one of them. */
export function setOffloads(fd: number, offloads: readonly TunOffload[]): void {
  const bits = offloads.reduce(
    (all, name) => all | choose(OFFLOAD, name, 'an offload of a tun link'),
    offloads.length > 0 ? OFFLOAD.csum : 0,
  );
  checkCall(libc.ioctlNumber(fd, TUN.SETOFFLOAD, bits), () => `set offloads ${offloads.join(', ')} of a tun link`);
}

export function setPersistent(fd: number, persistent: boolean): void {
  checkCall(libc.ioctlNumber(fd, TUN.SETPERSIST, persistent ? 1 : 0), () => 'make a tun link persistent');
}

/** Who may open the link without CAP_NET_ADMIN. */
export function setOwner(fd: number, owner: { readonly uid?: number; readonly gid?: number }): void {
  if (owner.uid !== undefined)
    checkCall(libc.ioctlNumber(fd, TUN.SETOWNER, owner.uid), () => 'set the owner of a tun link');
  if (owner.gid !== undefined)
    checkCall(libc.ioctlNumber(fd, TUN.SETGROUP, owner.gid), () => 'set the group of a tun link');
}
