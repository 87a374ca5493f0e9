import { messageOf } from '@podwire/base';
import { isErrno, type Netns } from '@podwire/kernel';
import { NftChange } from './change.ts';
import { diffTables } from './diff.ts';
import { encodeChanges } from './encode-change.ts';
import { nftError } from './errors.ts';
import type { Table, TableFamily } from './model.ts';
import { NftTransport } from './transport.ts';

export interface Nft {
  /** Makes the kernel's table equal to `desired` in one atomic transaction; throws NFT_REFUSED and nothing has changed. */
  apply(desired: Table): { readonly commands: number };
  /** False when there was no such table. */
  delete(family: TableFamily, name: string): boolean;
  close(): void;
}

export function openNft(netns?: Netns): Nft {
  return new KernelNft(new NftTransport(netns));
}

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
    const changes = committed ? diffTables(committed, desired) : replacement(desired);
    this.#commit(desired, changes);
    this.#committed.set(idOf(desired), desired);
    return { commands: changes.length };
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

  close(): void {
    this.#transport.close();
  }

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
