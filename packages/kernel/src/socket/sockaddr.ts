import { familyOf, formatIp, type IpAddress, ipBytes, parseIp } from '@podwire/base';
import { encodeError } from '../errors.ts';
import { AF } from '../libc.ts';

/**
 * struct sockaddr_in or sockaddr_in6, as bind(2) and connect(2) want it. `scope` is the ifindex of the link that a
 * link-local IPv6 address belongs to. Throws KERNEL_ENCODE for a port or scope that is none.
 */
export function encodeSockaddr(address: IpAddress, port: number, scope = 0): Buffer {
  checkPort(address, port);
  if (!Number.isInteger(scope) || scope < 0 || scope > 0xffffffff)
    throw encodeError(`${scope} as the scope of ${address}`);
  const v4 = familyOf(address) === 'ipv4';
  const sockaddr = Buffer.alloc(v4 ? 16 : 28);
  sockaddr.writeUInt16LE(v4 ? AF.INET : AF.INET6, 0);
  sockaddr.writeUInt16BE(port, 2);
  sockaddr.set(ipBytes(address), v4 ? 4 : 8);
  if (!v4) sockaddr.writeUInt32LE(scope, 24);
  return sockaddr;
}

export interface SocketAddress {
  readonly address: IpAddress;
  readonly port: number;
  /** The ifindex of a link-local IPv6 address' link, else 0. */
  readonly scope: number;
}

/** Reads a struct sockaddr_in or sockaddr_in6; undefined for another family, as a socket without address has. */
export function decodeSockaddr(sockaddr: Buffer): SocketAddress | undefined {
  const family = sockaddr.length >= 16 ? sockaddr.readUInt16LE(0) : 0;
  const port = family === 0 ? 0 : sockaddr.readUInt16BE(2);
  if (family === AF.INET) return { address: formatIp(sockaddr.subarray(4, 8)), port, scope: 0 };
  if (family !== AF.INET6 || sockaddr.length < 28) return undefined;
  return { address: formatIp(sockaddr.subarray(8, 24)), port, scope: sockaddr.readUInt32LE(24) };
}

function checkPort(address: string, port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw encodeError(`${port} as a port of ${address}`);
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
function formatEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
  readonly text: string;
}

/** Checks an address and port given as plain values; port 0 stands for any free port. Throws BASE_BAD_ADDRESS, KERNEL_ENCODE. */
export function endpointOf(address: string, port: number): Endpoint {
  const ip = parseIp(address);
  checkPort(ip, port);
  return { address: ip, port, text: formatEndpoint(ip, port) };
}
