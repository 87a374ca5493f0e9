import { type Netlink, type Netns, openNetlink } from '@podwire/kernel';
import { deleteFlows, listUdpFlows } from './conntrack.ts';
import { mayBeStale, staleFlows, type UdpEntries } from './stale-flow.ts';

/** Forgets tracked UDP flows that rules of before have led astray (SVC-25); its socket is opened with the first need. */
export class UdpFlows {
  readonly #netns: Netns | undefined;
  #netlink: Netlink | undefined;
  #before: UdpEntries | undefined;

  constructor(netns?: Netns) {
    this.#netns = netns;
  }

  /**
   * To be called when the rules for `after` are in force; returns how many flows it removed. Without `before`, nothing is
   * known of the rules that were there.
   */
  forget(before: UdpEntries | undefined, after: UdpEntries): number {
    if (!mayBeStale(before, after)) return 0;
    this.#netlink ??= openNetlink('netfilter', this.#netns);
    const stale = staleFlows(listUdpFlows(this.#netlink), before, after);
    return stale.length ? deleteFlows(this.#netlink, stale) : 0;
  }

  /** As `forget`, for those who tell every state there is: the one before is the last told. */
  follow(after: UdpEntries): number {
    const forgotten = this.forget(this.#before, after);
    this.#before = after;
    return forgotten;
  }

  close(): void {
    this.#netlink?.close();
    this.#netlink = undefined;
  }
}
