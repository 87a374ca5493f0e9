import { checkCall } from '../errors.ts';
import { AF, libc, SOCK } from '../libc.ts';
import type { Netns } from './netns.ts';

const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;

/**
 * The number by which BPF programs know a network namespace (get_netns_cookie): never used again until the machine is
 * started anew. Of the calling thread's namespace when none is given. Throws KernelError, ENOPROTOOPT before Linux 5.14.
 */
export function netnsCookie(netns?: Netns): bigint {
  return netns ? netns.run(cookieHere) : cookieHere();
}

function cookieHere(): bigint {
  const fd = checkCall(
    libc.socket(AF.INET, SOCK.DGRAM | SOCK.CLOEXEC, 0),
    () => 'open a socket to read SO_NETNS_COOKIE',
  );
  try {
    const [cookie, length] = [Buffer.alloc(8), Buffer.from([8, 0, 0, 0])];
    const result = libc.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, length);
    checkCall(result, () => 'read SO_NETNS_COOKIE');
    return cookie.readBigUInt64LE();
  } finally {
    libc.close(fd);
  }
}
