import { readFileSync } from 'node:fs';
import { type IpAddress, tryParseIp } from '@podwire/base';
import type { Net } from '@podwire/net';
import { DNS_PROTOCOL } from './listen-plan.ts';

/** Addresses of `lo`: all of them, and those that carry this room's mark. */
export function observeLoopback(net: Net): { all: IpAddress[]; own: IpAddress[] } {
  const addresses = net.addresses('lo');
  const marked = addresses.filter((address) => address.protocol === DNS_PROTOCOL);
  return { all: addresses.map(({ address }) => address), own: marked.map(({ address }) => address) };
}

/** The name servers of a resolv.conf(5) text; scoped addresses (fe80::1%eth0) are left out. */
export function parseNameservers(text: string): IpAddress[] {
  return text.split('\n').flatMap((line) => {
    const [, address] = /^\s*nameserver\s+(\S+)/.exec(line) ?? [];
    return address === undefined ? [] : (tryParseIp(address) ?? []);
  });
}

/** Empty when the file cannot be read. */
export function observeNameservers(path = '/etc/resolv.conf'): IpAddress[] {
  try {
    return parseNameservers(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}
