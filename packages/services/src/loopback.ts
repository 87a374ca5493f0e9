import { type Family, familyOf, hasCode, messageOf } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { openNet } from '@podwire/net';
import { LoopbackRecord } from './loopback-record.ts';
import { isRoutable, type NodeModel } from './model.ts';
import type { ProxyMode } from './proxy.ts';

/**
 * Node ports at 127.0.0.1, where `nodePortAddresses` asks for them (SVC-9). A packet from there to a pod has another source
 * by the time it leaves, but is routed before it has; its answer has that destination when it is routed. The kernel calls
 * both martian unless route_localnet is set, and takes such packets from the wire as well then, so rules have to drop those.
 * It has no such sysctl for IPv6.
 */
export const ROUTE_LOCALNET = 'net/ipv4/conf/all/route_localnet';

/** Whether the node has node ports at loopback addresses of IPv4. */
export function hasLoopbackPorts({ nodePortAddresses }: NodeModel): boolean {
  return nodePortAddresses.some((address) => !isRoutable(address) && familyOf(address) === 'ipv4');
}

/** Where each mode can have them. */
export const LOOPBACK_FAMILIES: Readonly<Record<ProxyMode, readonly Family[]>> = {
  nftables: ['ipv4'],
  iptables: ['ipv4'],
  ipvs: [],
  userspace: ['ipv4', 'ipv6'],
  ebpf: ['ipv4', 'ipv6'],
};

/** One line for each loopback address at which a mode has no node ports. */
export function loopbackLimits({ nodePortAddresses }: NodeModel, mode: ProxyMode): string[] {
  return nodePortAddresses
    .filter((address) => !isRoutable(address) && !LOOPBACK_FAMILIES[mode].includes(familyOf(address)))
    .map((address) => `node ports are not at ${address} in mode ${mode}; take it out of nodePortAddresses`);
}

/**
 * Lets the kernel route packets of 127.0.0.0/8 while somebody needs it, and brings back what was set before, also what was
 * before an earlier process set it; one who never does leaves it as it is.
 */
export class LoopbackRouting {
  readonly #netns: Netns | undefined;
  readonly #record: LoopbackRecord;
  #problem: string | undefined;

  constructor(runDirectory: string, netns?: Netns) {
    this.#netns = netns;
    this.#record = new LoopbackRecord(runDirectory);
  }

  /**
   * To be called with true when there are rules that drop what comes from the wire, with false before they go. `look`: it may
   * have been changed by somebody.
   */
  bring(on: boolean, look: boolean): void {
    const before = this.#record.before;
    if (on ? before !== undefined && !look : before === undefined) return;
    try {
      if (on) this.#set();
      else this.#restore(before ?? '0');
      this.#problem = undefined;
    } catch (error) {
      if (!hasCode(error, 'NET_BAD_SYSCTL')) throw error;
      const what = on
        ? 'node ports at loopback addresses do not answer'
        : 'the kernel may take packets with loopback addresses from the wire, set it to 0';
      this.#problem = `${what}: ${messageOf(error)}`;
    }
  }

  problems(): string[] {
    return [...(this.#problem === undefined ? [] : [this.#problem]), ...this.#record.problems];
  }

  #set(): void {
    const net = openNet(this.#netns);
    try {
      if (this.#record.before === undefined) this.#record.keep(net.getSysctl(ROUTE_LOCALNET));
      net.setSysctl(ROUTE_LOCALNET, '1');
    } finally {
      net.close();
    }
  }

  #restore(before: string): void {
    const net = openNet(this.#netns);
    try {
      net.setSysctl(ROUTE_LOCALNET, before);
      this.#record.end();
    } finally {
      net.close();
    }
  }
}
