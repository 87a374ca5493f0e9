import dgram from 'node:dgram';
import { familyOf } from '@podwire/base';
import type { Netns } from '../netns/netns.ts';
import { bindInetSocket, inNetns, kernelErrorOf, openInetSocket, orClose } from './inet-socket.ts';
import { endpointOf } from './sockaddr.ts';

export interface BindUdpOptions {
  /** Default: where the calling thread is. */
  readonly netns?: Netns | undefined;
  readonly address: string;
  /** 0: any free port, see socket.address(). */
  readonly port: number;
  readonly freebind?: boolean;
  readonly reusePort?: boolean;
}

/** Binds at once; the descriptor is the caller's. Throws KernelError (EADDRINUSE, EADDRNOTAVAIL, ...). */
export function bindUdpFd({ netns, address, port, freebind, reusePort }: BindUdpOptions): number {
  const endpoint = endpointOf(address, port);
  return inNetns(netns, () => {
    const fd = openInetSocket('udp', endpoint);
    return orClose(fd, () => {
      bindInetSocket(fd, endpoint, { freebind, reusePort });
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
