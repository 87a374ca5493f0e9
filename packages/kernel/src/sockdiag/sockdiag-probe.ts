import type { IpAddress } from '@podwire/base';
import { errnoOf } from '../errno.ts';
import { KernelError } from '../errors.ts';
import { libc } from '../libc.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import { bindUdpFd } from '../socket/udp-socket.ts';
import { destroySocket, listSockets } from './inet-diag.ts';

function withSockDiag(trial: (netlink: Netlink<'sock-diag'>) => void): void {
  const netlink = openNetlink('sock-diag');
  try {
    trial(netlink);
  } finally {
    netlink.close();
  }
}

/** Destroys a UDP socket of its own; needs lo up. */
function tryDestroy(): void {
  withSockDiag((netlink) => {
    const port = 4000;
    const fd = bindUdpFd({ address: '127.0.0.1', port });
    const [local, remote] = [
      { address: '127.0.0.1' as IpAddress, port },
      { address: '0.0.0.0' as IpAddress, port: 0 },
    ];
    try {
      const isGone = destroySocket(netlink, { protocol: 'udp', local, remote });
      if (!isGone) throw new KernelError({ op: 'destroy a UDP socket', errno: errnoOf('ENOENT') });
    } finally {
      libc.close(fd);
    }
  });
}

/** sock_diag(7) by being used; each needs a netns that is thrown away and throws KernelError. */
export const SOCKDIAG_PROBES = {
  'inet-diag': () => withSockDiag((netlink) => listSockets(netlink, { protocol: 'tcp' })),
  'sock-destroy': tryDestroy,
} as const satisfies Record<string, () => void>;
