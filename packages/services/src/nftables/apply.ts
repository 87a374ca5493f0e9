import type { Family } from '@podwire/base';
import { type ElementChange, type Nft, openNft, type Table } from '@podwire/nft';
import type { ProxyContext } from '../proxy.ts';
import type { UdpEntries } from '../stale-flow.ts';
import type { TableWriter } from './family-rules.ts';
import { TABLES } from './layout.ts';

/** Writes the tables; nothing else is touched. */
export class KernelRules implements TableWriter {
  readonly nft: Nft;
  readonly #flows: ProxyContext['flows'];
  /** The generation that the ruleset has if nobody else wrote since it was last looked at. */
  #generation: number | undefined;

  constructor({ netns, flows }: Pick<ProxyContext, 'netns' | 'flows'>) {
    this.#flows = flows;
    this.nft = openNft(netns);
  }

  /**
   * Whether somebody wrote since the last time this was asked, in any table of the namespace: only then there is something
   * to look for. True the first time.
   */
  touched(): boolean {
    const generation = this.nft.generation();
    const touched = generation === undefined || generation !== this.#generation;
    this.#generation = generation;
    return touched;
  }

  /** A pass did not end: the next one has to look. */
  doubt(): void {
    this.#generation = undefined;
  }

  apply(table: Table, look: boolean): number {
    if (look) this.nft.forget(table.family, table.name);
    return this.#count(this.nft.apply(table).commands);
  }

  change(family: Family, changes: readonly ElementChange[]): number {
    return this.#count(this.nft.change(TABLES[family], changes).commands);
  }

  /** One transaction, or none. */
  #count(commands: number): number {
    if (commands > 0 && this.#generation !== undefined) this.#generation = (this.#generation + 1) >>> 0;
    return commands;
  }

  delete(family: Family): void {
    this.nft.delete(TABLES[family].family, TABLES[family].name);
  }

  forgetFlows(before: UdpEntries | undefined, after: UdpEntries): void {
    this.#flows.forget(before, after);
  }

  close(): void {
    this.nft.close();
  }
}
