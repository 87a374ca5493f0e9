import type { IpAddress, Prefix } from '../packages/base/src/index.ts';
import { type Netlink, type Netns, openNetlink, subscribeNetlink, type Watch } from '../packages/kernel/src/index.ts';
import { type Net, openNet, type Route } from '../packages/net/src/index.ts';
import { ip } from './child.ts';

/** Round trips between two turns of the event loop: enough events for an overflow of the subscription's buffer. */
const STRETCH = 50_000;
/** RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE of linux/rtnetlink.h. */
const GROUPS = [1, 5, 7] as const;
/** NFT_MSG_GETGEN of nfnetlink's subsystem 10, and struct nfgenmsg. */
const GET_GENERATION = { type: (10 << 8) | 16, flags: 0, body: new Uint8Array(4), op: 'read the nftables generation' };

/** Reads and writes of links, addresses, routes and the nftables generation, with a subscription that overflows. */
export class RoundTrips {
  readonly #net: Net;
  readonly #netfilter: Netlink;
  readonly #watch: Watch;
  #done = 0;
  #messages = 0;
  #losses = 0;
  /** Whether a message came since the last loss. */
  #heard = false;
  #deaf = 0;

  constructor(netns: Netns, peer: Netns) {
    ip(
      netns,
      `link add soak type veth peer name soak netns ${peer.name}`,
      'link set soak up',
      'addr add 10.9.0.1/24 dev soak',
    );
    ip(peer, 'link set soak up');
    this.#net = openNet(netns);
    this.#netfilter = openNetlink('netfilter', netns);
    this.#watch = subscribeNetlink({
      protocol: 'route',
      netns,
      groups: GROUPS,
      onMessages: (messages) => {
        this.#messages += messages.length;
        this.#heard = true;
      },
      onLost: () => {
        if (this.#losses > 0 && !this.#heard) this.#deaf++;
        this.#heard = false;
        this.#losses++;
      },
    });
  }

  get summary(): string {
    return `${this.#done} round trips, ${this.#messages} events, ${this.#losses} overflows`;
  }

  async run(count: number): Promise<void> {
    for (const end = this.#done + count; this.#done < end; ) {
      const stretch = Math.min(this.#done + STRETCH, end);
      while (this.#done < stretch) this.#once(this.#done);
      // a change that stands alone is heard again after the loss was told
      for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setTimeout(resolve, 2));
      this.#address('add');
      this.#address('remove');
      for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Each call of Net is one exchange with the kernel at least; they are counted as one. */
  #once(i: number): void {
    const net = this.#net;
    if (net.link('soak')?.name !== 'soak') throw new Error('the link soak is gone');
    const route: Route = {
      destination: `10.77.${(i >> 8) & 255}.${i & 255}/32` as Prefix,
      via: '10.9.0.2' as IpAddress,
      link: 'soak',
    };
    for (const changes of [
      { add: [route], remove: [] },
      { add: [], remove: [route] },
    ])
      for (const { error } of net.applyRoutes(changes)) if (error) throw error;
    if (this.#netfilter.request(GET_GENERATION).length !== 1) throw new Error('no nftables generation');
    this.#done += 4;
    if (i % 64 !== 0) return;
    this.#address('add');
    this.#address('remove');
    if (net.addresses('soak').length === 0 || net.routes().length === 0) throw new Error('a list is empty');
    this.#done += 2;
  }

  #address(verb: 'add' | 'remove'): void {
    const address = { address: '10.9.1.1' as IpAddress, prefixLength: 32, link: 'soak' };
    if (verb === 'add') this.#net.addAddress(address);
    else if (!this.#net.deleteAddress(address)) throw new Error('the address is gone');
    this.#done++;
  }

  /** What went wrong over all. */
  close(): string[] {
    this.#watch.stop();
    this.#netfilter.close();
    this.#net.close();
    return [
      ...(this.#losses === 0 && this.#done > 2 * STRETCH ? ['no subscription overflowed'] : []),
      ...(this.#messages === 0 ? ['no event came'] : []),
      ...(this.#deaf > 0 ? [`${this.#deaf} times no event came between two overflows`] : []),
    ];
  }
}
