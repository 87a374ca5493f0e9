import { familyOf } from '@podwire/base';
import { checkCall, KernelError } from '../errors.ts';
import { AF, libc, SOCK } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { type Endpoint, encodeSockaddr } from './sockaddr.ts';

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_REUSEPORT = 15;
const IPPROTO_IP = 0;
const IP_FREEBIND = 15;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPV6_FREEBIND = 78;

export interface BindOptions {
  /** Allows an address that no link has (yet). */
  readonly freebind?: boolean | undefined;
  /** Lets several sockets share the port; the kernel spreads packets over them. */
  readonly reusePort?: boolean | undefined;
  /** TCP: allows a port that still has connections in TIME_WAIT. */
  readonly reuseAddress?: boolean | undefined;
}

/** Runs at once: in the netns if one is given, else where the thread is. */
export function inNetns<T>(netns: Netns | undefined, fn: () => T): T {
  return netns ? netns.run(fn) : fn();
}

/** Opens a socket of the endpoint's family in the calling thread's netns. */
export function openInetSocket(type: 'tcp' | 'udp', endpoint: Endpoint): number {
  const domain = familyOf(endpoint.address) === 'ipv4' ? AF.INET : AF.INET6;
  const kind = type === 'tcp' ? SOCK.STREAM : SOCK.DGRAM;
  const op = () => `open a ${type} socket for ${endpoint.text}`;
  return checkCall(libc.socket(domain, kind | SOCK.CLOEXEC | SOCK.NONBLOCK, 0), op);
}

/** Runs `fn` on an open descriptor and closes it if that throws. */
export function orClose<T>(fd: number, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

export function bindInetSocket(fd: number, endpoint: Endpoint, options: BindOptions = {}): void {
  const v6 = familyOf(endpoint.address) === 'ipv6';
  if (v6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  if (options.reuseAddress) setOption(fd, SOL_SOCKET, SO_REUSEADDR);
  if (options.reusePort) setOption(fd, SOL_SOCKET, SO_REUSEPORT);
  if (options.freebind) setOption(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND);
  const sockaddr = encodeSockaddr(endpoint.address, endpoint.port);
  checkCall(libc.bind(fd, sockaddr, sockaddr.length), () => `bind ${endpoint.text}`);
}

export function setOption(fd: number, level: number, option: number, value = 1): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  checkCall(libc.setsockopt(fd, level, option, bytes, 4), () => `socket option ${level}/${option}`);
}

/** The pending error of a non-blocking connect, 0 if there is none (SO_ERROR of socket(7)). */
export function socketError(fd: number): number {
  const value = Buffer.alloc(4);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(4);
  checkCall(libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length), () => 'read SO_ERROR');
  return value.readInt32LE(0);
}

/** Makes a Node error with an errno (listen, dgram) one of ours. */
export function kernelErrorOf(op: string, error: unknown): unknown {
  const errno = (error as NodeJS.ErrnoException).errno;
  return typeof errno === 'number' ? new KernelError({ op, errno: Math.abs(errno) }) : error;
}
