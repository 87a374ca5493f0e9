import { familyOf, type IpAddress } from '@podwire/base';
import { bindUdp, connectTcp, listenTcp, type Netns } from '@podwire/kernel';
import type { Address, Net } from '@podwire/net';
import { DNS_PROTOCOL } from './listen-plan.ts';
import type { SocketSource } from './sockets.ts';

/**
 * Scope host: with a wider one the kernel would take such an address as the source of packets to pods, for it is the
 * first on the first link.
 */
function loopbackAddress(address: IpAddress): Address {
  const prefixLength = familyOf(address) === 'ipv4' ? 32 : 128;
  return { link: 'lo', address, prefixLength, scope: 'host', protocol: DNS_PROTOCOL };
}

export function addLoopback(net: Net, addresses: readonly IpAddress[]): void {
  for (const address of addresses) net.addAddress(loopbackAddress(address));
}

export function removeLoopback(net: Net, addresses: readonly IpAddress[]): void {
  for (const address of addresses) net.deleteAddress(loopbackAddress(address));
}

/** Sockets made in a named namespace, or where the thread is. */
export function kernelSockets(netns: Netns | undefined): SocketSource {
  return {
    bindUdp: (at) => bindUdp({ netns, ...at }),
    listenTcp: (at) => listenTcp({ netns, ...at }),
    connectTcp: (to, timeout) => connectTcp({ netns, ...to, timeout }),
  };
}
