import type { Family } from '@podwire/base';
import { type ElementChange, type Nft, openNft, type Table } from '@podwire/nft';
import type { ProxyContext } from '../proxy.ts';
import type { UdpEntries } from '../stale-flow.ts';
import { TABLES } from './layout.ts';

/** Writes the tables; nothing else is touched. */
export class KernelCapture {
  readonly nft: Nft;
  readonly #flows: ProxyContext['flows'];

  constructor({ netns, flows }: Pick<ProxyContext, 'netns' | 'flows'>) {
    this.#flows = flows;
    this.nft = openNft(netns);
  }

  /** Returns the number of commands. `look`: compare with what is there instead of trusting what was written last. */
  apply(table: Table, look: boolean): number {
    if (look) this.nft.forget(table.family, table.name);
    return this.nft.apply(table).commands;
  }

  change(family: Family, elements: readonly ElementChange[]): number {
    return this.nft.change(TABLES[family], elements).commands;
  }

  delete(family: Family): void {
    this.nft.delete(TABLES[family].family, TABLES[family].name);
  }

  /** SVC-25; UDP flows that no longer lead to a listener. Without `before`, nothing is known of the rules that were there. */
  forgetFlows(before: UdpEntries | undefined, after: UdpEntries): void {
    this.#flows.forget(before, after);
  }

  close(): void {
    this.nft.close();
  }
}
