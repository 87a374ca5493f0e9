import { type Netlink, type Netns, openNetlink } from '@podwire/kernel';
import type { Nft } from '@podwire/nft';
import { deleteFlows, listUdpFlows } from '../conntrack.ts';
import { mayBeStale, staleFlows, type UdpEntries } from '../stale-flow.ts';
import { TABLE } from './layout.ts';
import type { Desired } from './plan.ts';

/** What one pass cost. */
export interface Applied {
  readonly commands: number;
  readonly flowsForgotten: number;
}

/** Writes the table, then forgets UDP flows the old table led astray. Nothing but the table and those flows is touched. */
export class KernelRules {
  readonly #netns: Netns | undefined;
  readonly #nft: Nft;
  #netlink: Netlink | undefined;
  #udp: UdpEntries | undefined;

  constructor(nft: Nft, netns?: Netns) {
    this.#nft = nft;
    this.#netns = netns;
  }

  /** `look`: compare with the kernel first instead of trusting what was written last. */
  apply({ table, udp }: Desired, look = false): Applied {
    if (look) this.#nft.forget(TABLE.family, TABLE.name);
    const { commands } = this.#nft.apply(table);
    const flowsForgotten = mayBeStale(this.#udp, udp) ? this.#forget(udp) : 0;
    this.#udp = udp;
    return { commands, flowsForgotten };
  }

  delete(): void {
    this.#nft.delete(TABLE.family, TABLE.name);
    this.#udp = undefined;
  }

  close(): void {
    this.#nft.close();
    this.#netlink?.close();
    this.#netlink = undefined;
  }

  #forget(udp: UdpEntries): number {
    this.#netlink ??= openNetlink('netfilter', this.#netns);
    const stale = staleFlows(listUdpFlows(this.#netlink), this.#udp, udp);
    return stale.length ? deleteFlows(this.#netlink, stale) : 0;
  }
}
