import dgram from 'node:dgram';
import { familyOf } from '@podwire/base';
import { bindInetSocket, inNetns, kernelErrorOf, openInetSocket, orClose, type SocketOptions } from './inet-socket.ts';
import { endpointOf } from './sockaddr.ts';

export interface BindUdpOptions extends SocketOptions {
  readonly address: string;
  /** 0: any free port, see socket.address(). */
  readonly port: number;
  readonly reusePort?: boolean;
}

/** Binds at once; the descriptor is the caller's. Throws KernelError (EADDRINUSE, EADDRNOTAVAIL, ...). */
export function bindUdpFd(options: BindUdpOptions): number {
  const endpoint = endpointOf(options.address, options.port);
  return inNetns(options.netns, () => {
    const fd = openInetSocket('udp', endpoint);
    return orClose(fd, () => {
      bindInetSocket(fd, endpoint, options);
      return fd;
    });
  });
}

/** A bound datagram socket made in the netns, usable from anywhere. Closing it closes the descriptor. */
export async function bindUdp(options: BindUdpOptions): Promise<dgram.Socket> {
  const fd = bindUdpFd(options);
  const socket = dgram.createSocket(
    familyOf(endpointOf(options.address, options.port).address) === 'ipv4' ? 'udp4' : 'udp6',
  );
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(kernelErrorOf(`bind ${options.address}:${options.port}`, error));
    socket.once('error', onError);
    socket.bind({ fd }, () => {
      socket.off('error', onError);
      resolve(socket);
    });
  });
}
