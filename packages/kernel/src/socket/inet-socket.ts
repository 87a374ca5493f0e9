import { type Family, familyOf, type IpAddress } from '@podwire/base';
import { errnoName, errnoOf } from '../errno.ts';
import { checkCall, encodeError, KernelError } from '../errors.ts';
import { AF, lastErrno, libc, SOCK } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { type Endpoint, encodeSockaddr } from './sockaddr.ts';

const SOL_SOCKET = 1;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const SO_ERROR = 4;

/** Level, number and name of the options of socket(7), ip(7) and ipv6(7) set here. */
export const OPTION = {
  reuseAddress: [SOL_SOCKET, 2, 'SO_REUSEADDR'],
  broadcast: [SOL_SOCKET, 6, 'SO_BROADCAST'],
  sendBuffer: [SOL_SOCKET, 7, 'SO_SNDBUF'],
  receiveBuffer: [SOL_SOCKET, 8, 'SO_RCVBUF'],
  reusePort: [SOL_SOCKET, 15, 'SO_REUSEPORT'],
  sendBufferForce: [SOL_SOCKET, 32, 'SO_SNDBUFFORCE'],
  receiveBufferForce: [SOL_SOCKET, 33, 'SO_RCVBUFFORCE'],
  timestampNs: [SOL_SOCKET, 35, 'SO_TIMESTAMPNS'],
  mark: [SOL_SOCKET, 36, 'SO_MARK'],
  bindToLink: [SOL_SOCKET, 62, 'SO_BINDTOIFINDEX'],
  packetInfo: [IPPROTO_IP, 8, 'IP_PKTINFO'],
  headerIncluded: [IPPROTO_IP, 3, 'IP_HDRINCL'],
  freebind: [IPPROTO_IP, 15, 'IP_FREEBIND'],
  transparent: [IPPROTO_IP, 19, 'IP_TRANSPARENT'],
  v6only: [IPPROTO_IPV6, 26, 'IPV6_V6ONLY'],
  headerIncluded6: [IPPROTO_IPV6, 36, 'IPV6_HDRINCL'],
  packetInfo6: [IPPROTO_IPV6, 49, 'IPV6_RECVPKTINFO'],
  transparent6: [IPPROTO_IPV6, 75, 'IPV6_TRANSPARENT'],
  freebind6: [IPPROTO_IPV6, 78, 'IPV6_FREEBIND'],
  gro: [17, 104, 'UDP_GRO'],
} as const satisfies Record<string, readonly [level: number, number: number, name: string]>;

/** Options that TCP, UDP and raw sockets have in common. */
export interface SocketOptions {
  /** Default: where the calling thread is. */
  readonly netns?: Netns | undefined;
  /** Allows an address that no link has (yet). */
  readonly freebind?: boolean | undefined;
  /** Allows any address as local one (IP_TRANSPARENT), as behind nft's tproxy or to connect as somebody else; CAP_NET_ADMIN. */
  readonly transparent?: boolean | undefined;
  /** The firewall mark of its packets (SO_MARK), which rules and nft can match; CAP_NET_ADMIN. */
  readonly mark?: number | undefined;
  /** Name of the only link it uses (SO_BINDTOIFINDEX, Linux 5.1). */
  readonly link?: string | undefined;
}

export interface BindOptions extends SocketOptions {
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

/** Sets the options of a socket that has just been made. */
export function setSocketOptions(fd: number, family: Family, options: SocketOptions): void {
  const v6 = family === 'ipv6';
  if (options.freebind) setOption(fd, v6 ? OPTION.freebind6 : OPTION.freebind);
  if (options.transparent) setOption(fd, v6 ? OPTION.transparent6 : OPTION.transparent);
  if (options.mark !== undefined) setOption(fd, OPTION.mark, options.mark);
  if (options.link !== undefined) setOption(fd, OPTION.bindToLink, linkIndex(options.link, 'bind a socket'));
}

/** The index of a link in the calling thread's netns. Throws KernelError, ENODEV when there is none. */
export function linkIndex(link: string, op: string): number {
  // a zero byte would end the name early, for the C library
  const index = link.includes('\0') ? 0 : libc.if_nametoindex(link);
  if (index > 0) return index;
  const advice = 'there is no such link in this network namespace';
  throw new KernelError({ op: `${op} to link ${JSON.stringify(link)}`, errno: errnoOf('ENODEV'), advice });
}

export function bindInetSocket(fd: number, endpoint: Endpoint, options: BindOptions = {}): void {
  const family = familyOf(endpoint.address);
  if (family === 'ipv6') setOption(fd, OPTION.v6only);
  if (options.reuseAddress) setOption(fd, OPTION.reuseAddress);
  if (options.reusePort) setOption(fd, OPTION.reusePort);
  setSocketOptions(fd, family, options);
  bindAddress(fd, endpoint, options.link);
}

/** bind(2) without options; `link` tells on which link a link-local address is. */
export function bindAddress(fd: number, endpoint: Endpoint, link: string | undefined): void {
  const sockaddr = encodeSockaddr(endpoint.address, endpoint.port, linkLocalScope(endpoint.address, link));
  const result = libc.bind(fd, sockaddr, sockaddr.length);
  const isMissing = result < 0 && errnoName(lastErrno()) === 'EADDRNOTAVAIL';
  const advice = `no link of this network namespace has ${endpoint.address}: add it to one, or bind with freebind`;
  checkCall(result, () => `bind ${endpoint.text}`, isMissing ? advice : undefined);
}

/** The scope that a link-local address needs in a socket address, in the calling thread's netns. */
function linkLocalScope(address: IpAddress, link: string | undefined): number {
  return link !== undefined && /^fe[89ab][0-9a-f]:/.test(address) ? linkIndex(link, `bind ${address}`) : 0;
}

type Option = readonly [level: number, number: number, name: string];

export function setOption(fd: number, [level, number, name]: Option, value = 1): void {
  checkCall(trySetOption(fd, [level, number, name], value), () => `set ${name} to ${value}`);
}

function trySetOption(fd: number, [level, number, name]: Option, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw encodeError(`${value} as ${name}`);
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value | 0);
  return libc.setsockopt(fd, level, number, bytes, 4);
}

/** Asks for buffers beyond net.core.rmem_max and wmem_max where CAP_NET_ADMIN allows it, else up to them. */
export function setBufferSizes(fd: number, receive: number | undefined, send: number | undefined): void {
  const set = (force: Option, plain: Option, bytes: number | undefined) => {
    if (bytes === undefined) return;
    // what the kernel takes for a negative number makes the buffer as small as can be
    if (bytes > 0x7fffffff) throw encodeError(`${bytes} as ${plain[2]}`);
    if (trySetOption(fd, force, bytes) < 0) setOption(fd, plain, bytes);
  };
  set(OPTION.receiveBufferForce, OPTION.receiveBuffer, receive);
  set(OPTION.sendBufferForce, OPTION.sendBuffer, send);
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
