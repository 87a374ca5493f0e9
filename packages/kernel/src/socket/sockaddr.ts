import { familyOf, type IpAddress, ipBytes, parseIp } from '@podwire/base';
import { AF } from '../libc.ts';

/** struct sockaddr_in or sockaddr_in6, as bind(2) and connect(2) want it. */
export function encodeSockaddr(address: IpAddress, port: number): Buffer {
  const v4 = familyOf(address) === 'ipv4';
  const sockaddr = Buffer.alloc(v4 ? 16 : 28);
  sockaddr.writeUInt16LE(v4 ? AF.INET : AF.INET6, 0);
  sockaddr.writeUInt16BE(port, 2);
  sockaddr.set(ipBytes(address), v4 ? 4 : 8);
  return sockaddr;
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

/** Checks an address and port given as plain values; port 0 stands for any free port. */
export function endpointOf(address: string, port: number): Endpoint {
  const ip = parseIp(address);
  return { address: ip, port, text: formatEndpoint(ip, port) };
}
