import { checkCall } from '../errors.ts';
import { AF, libc, SOCK } from '../libc.ts';

const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
/** struct ifreq: 16 bytes of name, then the flags; netdevice(7). */
const IFREQ_SIZE = 40;
const FLAGS_OFFSET = 16;

/** Raises lo in the calling thread's netns. An ioctl, so that making a namespace needs no netlink socket. */
export function raiseLoopback(): void {
  const fd = checkCall(libc.socket(AF.INET, SOCK.DGRAM | SOCK.CLOEXEC, 0), () => 'open a socket to raise lo');
  try {
    const request = Buffer.alloc(IFREQ_SIZE);
    request.write('lo');
    checkCall(libc.ioctl(fd, SIOCGIFFLAGS, request), () => 'read the flags of lo');
    request.writeInt16LE(request.readInt16LE(FLAGS_OFFSET) | IFF_UP, FLAGS_OFFSET);
    checkCall(libc.ioctl(fd, SIOCSIFFLAGS, request), () => 'raise lo');
  } finally {
    libc.close(fd);
  }
}
