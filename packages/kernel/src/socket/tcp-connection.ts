import net from 'node:net';
import { familyOf } from '@podwire/base';
import { errnoOf } from '../errno.ts';
import { KernelError } from '../errors.ts';
import { lastErrno, libc } from '../libc.ts';
import { watchDescriptor } from './descriptor-watch.ts';
import {
  bindInetSocket,
  inNetns,
  openInetSocket,
  orClose,
  type SocketOptions,
  setSocketOptions,
  socketError,
} from './inet-socket.ts';
import { type Endpoint, encodeSockaddr, endpointOf } from './sockaddr.ts';

export interface ConnectTcpOptions extends SocketOptions {
  readonly address: string;
  readonly port: number;
  /** Source address; default: the kernel's choice. With `transparent` it may be anybody's. */
  readonly localAddress?: string;
  /** In ms; default 10,000. */
  readonly timeout?: number;
}

/**
 * A connected socket made in the netns, usable from anywhere. Rejects with KERNEL_CONNECT; details.errnoName is
 * ECONNREFUSED, ETIMEDOUT (also for the time-out given), EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, ...
 */
export async function connectTcp(options: ConnectTcpOptions): Promise<net.Socket> {
  const endpoint = endpointOf(options.address, options.port);
  const fd = inNetns(options.netns, () => startConnect(endpoint, options));
  try {
    await connected(fd, endpoint, options.timeout ?? 10_000);
    return new net.Socket({ fd, readable: true, writable: true });
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function startConnect(endpoint: Endpoint, { localAddress, ...options }: ConnectTcpOptions): number {
  const fd = openInetSocket('tcp', endpoint);
  return orClose(fd, () => {
    if (localAddress !== undefined) bindInetSocket(fd, endpointOf(localAddress, 0), options);
    else setSocketOptions(fd, familyOf(endpoint.address), options);
    const sockaddr = encodeSockaddr(endpoint.address, endpoint.port);
    if (libc.connect(fd, sockaddr, sockaddr.length) < 0 && lastErrno() !== errnoOf('EINPROGRESS')) {
      throw connectError(endpoint, lastErrno());
    }
    return fd;
  });
}

function connectError(endpoint: Endpoint, errno: number): KernelError {
  return new KernelError({ op: `connect ${endpoint.text}`, errno }, 'KERNEL_CONNECT');
}

/** Waits until the connect of a non-blocking socket has come to an end; rejects unless it succeeded. */
function connected(fd: number, endpoint: Endpoint, timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const watch = watchDescriptor(fd, { onReadable: () => {}, onWritable: () => finish(socketError(fd)) });
    watch.wantWritable(true);
    watch.wantReadable(false);
    let late: NodeJS.Immediate | undefined;
    // when the thread stood still, timers are due before anybody looks for what has come meanwhile and tells the watch
    const timer = setTimeout(() => {
      late = setImmediate(() => {
        late = setImmediate(() => finish(errnoOf('ETIMEDOUT')));
      });
    }, timeout);
    function finish(errno: number): void {
      clearTimeout(timer);
      clearImmediate(late);
      watch.stop();
      if (errno === 0) resolve();
      else reject(connectError(endpoint, errno));
    }
  });
}
