import fs from 'node:fs';
import { errnoOf } from '../errno.ts';
import { checkCall, KernelError } from '../errors.ts';
import { AF, libc, SOCK } from '../libc.ts';
import { raiseLoopback } from '../netns/loopback.ts';
import type { Feature } from './feature.ts';

const CGROUP2_MAGIC = 0x63677270;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;

/** What podwire's own work stands on. */
export const HOST_FEATURES = {
  netns: { use: 'pods, nodes of a lab', trial: () => raiseLoopback() },
  packet: { use: 'captures, ARP announcements', trial: tryPacketSocket },
  tun: { use: 'udp backend, tests of what leaves a node', trial: tryTun },
  btf: { use: 'tests of the BPF tables against the kernel', trial: tryBtf },
  cgroup2: { use: 'balancing at the socket', trial: tryCgroup2 },
} as const satisfies Record<string, Feature>;

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

/** The kernel tells its types (CONFIG_DEBUG_INFO_BTF). */
function tryBtf(): void {
  fs.accessSync('/sys/kernel/btf/vmlinux', fs.constants.R_OK);
}

function tryCgroup2(): void {
  const places = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];
  if (places.some((place) => fs.existsSync(place) && fs.statfsSync(place).type === CGROUP2_MAGIC)) return;
  throw new KernelError({ op: `find cgroup2 mounted at ${places.join(' or ')}`, errno: errnoOf('ENOENT') });
}
