import { messageOf } from '@podwire/base';
import { isErrno, KernelError, type Netns } from '@podwire/kernel';
import { NftChange } from './change.ts';
import { diffTables } from './diff.ts';
import { driftOf } from './drift.ts';
import { encodeChanges } from './encode-change.ts';
import { nftError } from './errors.ts';
import type { Table, TableFamily } from './model.ts';
import type { ObservedTable } from './observation.ts';
import { observeTable, observeTables } from './observe.ts';
import { NftTransport } from './transport.ts';

/** nf_tables of one network namespace. All calls are synchronous. */
export interface Nft {
  /**
   * Makes the kernel's table equal to `desired` in one atomic transaction; throws NFT_REFUSED, and nothing has changed.
   * The first call reads what is there under that name and keeps what is right, so that a restarted process resets no
   * counter and no dynamic element; later calls send the difference to the last one without looking.
   */
  apply(desired: Table): { readonly commands: number };
  /** False when there was no such table. */
  delete(family: TableFamily, name: string): boolean;
  /** Reads a table back from the kernel. */
  observe(family: TableFamily, name: string): ObservedTable | undefined;
  /** What differs between the kernel and `desired`, as the changes that would mend it; empty when in step. */
  drift(desired: Table): readonly NftChange[];
  /** Forgets what was committed, so that the next apply looks at the kernel again and mends drift. */
  forget(family: TableFamily, name: string): void;
  /** Every table of the namespace, also of other programs. */
  tables(): readonly { readonly family: TableFamily; readonly name: string }[];
  close(): void;
}

/** Opens nf_tables of the netns; without one, of the namespace the calling thread is in. */
export function openNft(netns?: Netns): Nft {
  return new KernelNft(new NftTransport(netns));
}

/** Someone else may write between reading and committing; then the kernel says ERESTART. */
const ADOPTIONS = 3;

const idOf = ({ family, name }: { family: TableFamily; name: string }): string => `${family} ${name}`;

class KernelNft implements Nft {
  readonly #transport: NftTransport;
  /** What the last transaction of each table left in the kernel. */
  readonly #committed = new Map<string, Table>();

  constructor(transport: NftTransport) {
    this.#transport = transport;
  }

  apply(desired: Table): { readonly commands: number } {
    const committed = this.#committed.get(idOf(desired));
    const changes = committed ? diffTables(committed, desired) : this.#adopt(desired);
    if (committed) this.#commit(desired, changes);
    this.#committed.set(idOf(desired), desired);
    return { commands: changes.length };
  }

  /** First contact: mends what differs, or replaces the table when the kernel does not let it be mended. */
  #adopt(desired: Table): readonly NftChange[] {
    for (let attempt = 0; attempt < ADOPTIONS; attempt++) {
      const generation = this.#transport.generation();
      const changes = this.drift(desired);
      try {
        if (changes.length > 0) this.#transport.commit(encodeChanges(desired, changes), generation);
        return changes;
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
      }
    }
    const changes = replacement(desired);
    this.#commit(desired, changes);
    return changes;
  }

  delete(family: TableFamily, name: string): boolean {
    const table: Table = { family, name, sets: [], chains: [] };
    this.#committed.delete(idOf(table));
    try {
      this.#transport.commit(encodeChanges(table, [new NftChange(table, { kind: 'delete-table' })]));
      return true;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    }
  }

  observe(family: TableFamily, name: string): ObservedTable | undefined {
    return observeTable(this.#transport, family, name);
  }

  drift(desired: Table): readonly NftChange[] {
    return driftOf(this.observe(desired.family, desired.name), desired);
  }

  forget(family: TableFamily, name: string): void {
    this.#committed.delete(idOf({ family, name }));
  }

  tables(): readonly { readonly family: TableFamily; readonly name: string }[] {
    return observeTables(this.#transport);
  }

  close(): void {
    this.#transport.close();
  }

  /** After a refusal the next apply looks at the kernel again: the reason may be someone else's change. */
  #commit(table: Table, changes: readonly NftChange[]): void {
    if (changes.length === 0) return;
    try {
      this.#transport.commit(encodeChanges(table, changes));
    } catch (error) {
      this.#committed.delete(idOf(table));
      throw nftError('NFT_REFUSED', `table ${idOf(table)} was not changed: ${messageOf(error)}`, error);
    }
  }
}

/** Adding first makes the deletion succeed also when there is no such table. */
function replacement(desired: Table): NftChange[] {
  const bare = { ...desired, sets: [], chains: [] };
  return [
    new NftChange(bare, { kind: 'add-table' }),
    new NftChange(bare, { kind: 'delete-table' }),
    ...diffTables(undefined, desired),
  ];
}
