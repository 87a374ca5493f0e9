import type net from 'node:net';
import { PodwireError } from '@podwire/base';
import { checkCall } from '../errors.ts';
import { libc } from '../libc.ts';
import { decodeSockaddr, type SocketAddress } from './sockaddr.ts';

/** Same number for both families: linux/netfilter_ipv4.h, linux/netfilter_ipv6/ip6_tables.h. */
const SO_ORIGINAL_DST = 80;
const SOL_IP = 0;
const SOL_IPV6 = 41;
const IPV4_MAPPED = /^::ffff:[0-9a-f]+:[0-9a-f]+$/;

/**
 * Where a TCP connection was going before DNAT or redirect sent it here. Takes an accepted socket or a descriptor, also the
 * IPv4 connection of an IPv6 socket. Throws KernelError, ENOENT when conntrack does not know the connection (then it was not
 * translated), and KERNEL_CLOSED.
 */
export function originalDestination(socket: net.Socket | number): SocketAddress {
  const fd = typeof socket === 'number' ? socket : descriptorOf(socket);
  const sockaddr = Buffer.alloc(28);
  const length = lengthOf(sockaddr);
  checkCall(libc.getsockopt(fd, levelOf(fd), SO_ORIGINAL_DST, sockaddr, length), () => 'read SO_ORIGINAL_DST');
  return decoded(sockaddr, 'SO_ORIGINAL_DST gave no IP address; is this a TCP socket?');
}

/** Conntrack knows the connection by the addresses in its packets, not by the family of its socket. */
function levelOf(fd: number): number {
  const sockaddr = Buffer.alloc(28);
  checkCall(libc.getsockname(fd, sockaddr, lengthOf(sockaddr)), () => 'read the local address of a TCP socket');
  const { address } = decoded(sockaddr, 'a socket without IP address has no original destination');
  return !address.includes(':') || IPV4_MAPPED.test(address) ? SOL_IP : SOL_IPV6;
}

function lengthOf(sockaddr: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(sockaddr.length);
  return length;
}

function decoded(sockaddr: Buffer, failure: string): SocketAddress {
  const address = decodeSockaddr(sockaddr);
  if (address) return address;
  throw new PodwireError('KERNEL_DECODE', failure);
}

/** node:net has no public way to the descriptor of a socket. */
function descriptorOf(socket: net.Socket): number {
  const { _handle: inner } = socket as unknown as { _handle?: { fd?: number } | null };
  if (typeof inner?.fd === 'number' && inner.fd >= 0) return inner.fd;
  throw new PodwireError('KERNEL_CLOSED', 'the TCP socket is closed; ask while it is open');
}
