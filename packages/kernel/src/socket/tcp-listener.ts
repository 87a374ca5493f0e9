import net from 'node:net';
import { checkCall } from '../errors.ts';
import { libc } from '../libc.ts';
import { bindInetSocket, inNetns, kernelErrorOf, openInetSocket, orClose, type SocketOptions } from './inet-socket.ts';
import { type Endpoint, endpointOf } from './sockaddr.ts';

export interface ListenTcpOptions extends SocketOptions {
  readonly address: string;
  /** 0: any free port, see server.address(). */
  readonly port: number;
  /** Default 511; the kernel caps it at net.core.somaxconn of the netns. */
  readonly backlog?: number;
  readonly reusePort?: boolean;
}

const DEFAULT_BACKLOG = 511;

/** Binds and listens at once; the descriptor is the caller's. Throws KernelError (EADDRINUSE, EADDRNOTAVAIL, ...). */
export function listenTcpFd(options: ListenTcpOptions): number {
  const endpoint = endpointOf(options.address, options.port);
  return inNetns(options.netns, () => listenHere(endpoint, options));
}

function listenHere(endpoint: Endpoint, { backlog = DEFAULT_BACKLOG, ...options }: ListenTcpOptions): number {
  const fd = openInetSocket('tcp', endpoint);
  return orClose(fd, () => {
    bindInetSocket(fd, endpoint, { ...options, reuseAddress: true });
    checkCall(libc.listen(fd, backlog), () => `listen ${endpoint.text}`);
    return fd;
  });
}

/** A listening server whose socket was made in the netns; it accepts from anywhere. Closing it closes the socket. */
export async function listenTcp(options: ListenTcpOptions): Promise<net.Server> {
  const fd = listenTcpFd(options);
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(kernelErrorOf(`listen ${options.address}:${options.port}`, error));
    server.once('error', onError);
    server.listen({ fd, backlog: options.backlog ?? DEFAULT_BACKLOG }, () => {
      server.off('error', onError);
      resolve(server);
    });
  });
}
