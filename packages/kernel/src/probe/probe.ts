import fs from 'node:fs';
import { messageOf } from '@podwire/base';
import { errnoOf } from '../errno.ts';
import { checkCall, isErrno, KernelError } from '../errors.ts';
import { AF, CLONE, libc, SOCK } from '../libc.ts';
import { raiseLoopback } from '../netns/loopback.ts';
import { excursion } from '../netns/netns.ts';
import { LINK_PROBES, tryLinkKind } from './probe-link.ts';
import { NFT_PROBES, tryNft } from './probe-nft.ts';

export interface ProbeResult {
  readonly outcome: 'yes' | 'no' | 'unknown';
  /** Why not, in the kernel's words. */
  readonly reason?: string;
}

const CGROUP2_MAGIC = 0x63677270;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;

/** What each probe tries, in a network namespace made for it; it throws if the kernel cannot. */
const TRIALS = {
  netns: () => raiseLoopback(),
  ipv6: () => tryDatagramSocket(AF.INET6),
  packet: () => tryPacketSocket(),
  tun: tryTun,
  cgroup2: tryCgroup2,
  ...trials(LINK_PROBES, tryLinkKind),
  ...trials(NFT_PROBES, tryNft),
} satisfies Record<string, () => void>;

export type ProbeName = keyof typeof TRIALS;

/** Every feature that can be asked for. */
export const PROBES = Object.keys(TRIALS) as readonly ProbeName[];

function trials<K extends string, V>(table: Readonly<Record<K, V>>, run: (value: V) => void): Record<K, () => void> {
  const entries = Object.entries<V>(table).map(([name, value]) => [name, () => run(value)] as const);
  return Object.fromEntries(entries) as Record<K, () => void>;
}

const known = new Map<ProbeName, ProbeResult>();

/** Whether the kernel has a feature, found out by using it; kept for the life of this thread. */
export function probe(name: ProbeName): ProbeResult {
  const result = known.get(name) ?? runProbe(TRIALS[name]);
  if (result.outcome !== 'unknown') known.set(name, result);
  return result;
}

function runProbe(trial: () => void): ProbeResult {
  try {
    excursion(() => {
      checkCall(libc.unshare(CLONE.NEWNET), () => 'unshare a network namespace');
      trial();
    });
    return { outcome: 'yes' };
  } catch (error) {
    const outcome = isErrno(error, 'EPERM', 'EACCES', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOBUFS') ? 'unknown' : 'no';
    return { outcome, reason: messageOf(error) };
  }
}

function tryDatagramSocket(family: number): void {
  libc.close(checkCall(libc.socket(family, SOCK.DGRAM | SOCK.CLOEXEC, 0), () => 'open an IPv6 socket'));
}

function tryPacketSocket(): void {
  libc.close(checkCall(libc.socket(AF.PACKET, SOCK.RAW | SOCK.CLOEXEC, 0), () => 'packet socket'));
}

function tryTun(): void {
  const file = '/dev/net/tun';
  if (!fs.existsSync(file)) throw new KernelError({ op: `open ${file}`, errno: errnoOf('ENOENT') });
  const fd = fs.openSync(file, 'r+');
  try {
    const request = Buffer.alloc(40);
    request.write('pwprobe');
    request.writeInt16LE(IFF_TUN_NO_PI, 16);
    checkCall(libc.ioctl(fd, TUNSETIFF, request), () => 'create a tun link');
  } finally {
    fs.closeSync(fd);
  }
}

function tryCgroup2(): void {
  const places = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];
  if (places.some((place) => fs.existsSync(place) && fs.statfsSync(place).type === CGROUP2_MAGIC)) return;
  throw new KernelError({ op: `find cgroup2 mounted at ${places.join(' or ')}`, errno: errnoOf('ENOENT') });
}
