import { hasCode, messageOf, PodwireError } from '@podwire/base';
import { isErrno, type Netns } from '@podwire/kernel';
import { NftChange } from './change.ts';
import { CommittedTable, type ElementChange } from './committed-table.ts';
import { commandsOf, countOf, deltaOf, type TableDelta } from './diff.ts';
import { driftOf } from './drift.ts';
import type { SetDelta } from './element-index.ts';
import { encodeDelta, encodeElements } from './encode-delta.ts';
import { TableEncoder, type WireMessage } from './encode-table.ts';
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
   * counter and no dynamic element; later calls send the difference to the last one without looking. When the kernel does
   * not take that, because someone else changed the table, it looks once more and mends all of it.
   */
  apply(desired: Table): { readonly commands: number };
  /**
   * Changes elements of an applied table in one atomic transaction, at a cost of what changes and not of what is there.
   * Taking out an element that is not there does nothing, nor does putting in what is there; putting in a key with other
   * data replaces the element. A key in both lists is put in. The next `apply` counts from the result. Throws
   * NFT_NOT_APPLIED for a table that this object did not apply, NFT_REFUSED as `apply` does.
   */
  change(table: Pick<Table, 'family' | 'name'>, changes: readonly ElementChange[]): { readonly commands: number };
  /**
   * Looks at a table that was applied and makes it again what `apply` and `change` left, as `apply` does; 0 commands when
   * nobody has changed it, and for a table that this object did not apply.
   */
  repair(table: Pick<Table, 'family' | 'name'>): { readonly commands: number };
  /** False when there was no such table. Throws NFT_REFUSED, as for a table that another socket owns. */
  delete(family: TableFamily, name: string): boolean;
  /** Reads a table back from the kernel. */
  observe(family: TableFamily, name: string): ObservedTable | undefined;
  /** What differs between the kernel and `desired`, as the changes that would mend it; empty when in step. */
  drift(desired: Table): readonly NftChange[];
  /** Forgets what was committed, so that the next apply looks at the kernel again and mends drift. */
  forget(family: TableFamily, name: string): void;
  /**
   * Changes with every transaction of anyone in the namespace, by one: who counts own transactions knows whether others
   * wrote. undefined before Linux 3.18.
   */
  generation(): number | undefined;
  /** Every table of the namespace, also of other programs. */
  tables(): readonly { readonly family: TableFamily; readonly name: string }[];
  close(): void;
}

/** Opens nf_tables of the netns; without one, of the namespace the calling thread is in. */
export function openNft(netns?: Netns): Nft {
  return new KernelNft(new NftTransport(netns));
}

/** Someone else may write between reading and committing; then the kernel says ERESTART. Or its answer gets lost. */
const ADOPTIONS = 5;

/** The transaction may be in force or not: who wants to know has to look. */
const isLost = (error: unknown): boolean => hasCode(error, 'KERNEL_NETLINK_LOST');

type TableId = Pick<Table, 'family' | 'name'>;
const idOf = ({ family, name }: TableId): string => `${family} ${name}`;

class KernelNft implements Nft {
  readonly #transport: NftTransport;
  /** What the last transaction of each table left in the kernel. */
  readonly #committed = new Map<string, CommittedTable>();

  constructor(transport: NftTransport) {
    this.#transport = transport;
  }

  apply(desired: Table): { readonly commands: number } {
    const committed = this.#committed.get(idOf(desired));
    if (!committed) return { commands: this.#adopt(desired) };
    const delta = committed.diff(desired);
    const commands = countOf(delta);
    if (commands > 0 && !this.#accepted(encodeDelta(delta))) return { commands: this.#adopt(desired) };
    this.#committed.set(idOf(desired), committed.replacedBy(desired, delta));
    return { commands };
  }

  change(id: TableId, changes: readonly ElementChange[]): { readonly commands: number } {
    const committed = this.#committed.get(idOf(id));
    if (!committed)
      throw nftError('NFT_NOT_APPLIED', `table ${idOf(id)} was not applied; apply it, then change elements`);
    const deltas = committed.resolve(changes);
    const commands = deltas.reduce((sum, { add, remove }) => sum + add.length + remove.length, 0);
    if (commands === 0) return { commands };
    if (!this.#accepted(elementMessages(committed.shape, deltas)))
      return { commands: this.#adopt(committed.after(deltas)) };
    committed.follow(deltas);
    return { commands };
  }

  repair(id: TableId): { readonly commands: number } {
    const committed = this.#committed.get(idOf(id));
    return { commands: committed ? this.#adopt(committed.table) : 0 };
  }

  /**
   * The trusted way: false when the kernel is not as it was left, or when its answer got lost. What was committed stays
   * known, and is looked at again before it is trusted.
   */
  #accepted(messages: readonly WireMessage[]): boolean {
    try {
      this.#transport.commit(messages);
      return true;
    } catch (error) {
      if (isErrno(error, 'EPERM') || !(error instanceof PodwireError)) throw refused(error);
      return false;
    }
  }

  /** Looks at the kernel, mends what differs, or replaces the table when the kernel does not let it be mended. */
  #adopt(desired: Table): number {
    for (let attempt = 0; attempt < ADOPTIONS; attempt++) {
      const generation = this.#transport.generation();
      const delta = driftOf(this.observe(desired.family, desired.name), desired);
      const commands = countOf(delta);
      try {
        if (commands > 0) this.#transport.commit(encodeDelta(delta), generation);
        this.#committed.set(idOf(desired), new CommittedTable(desired));
        return commands;
      } catch (error) {
        if (!(error instanceof PodwireError) || error.code.startsWith('NFT_')) throw error;
        if (!isErrno(error, 'ERESTART') && !isLost(error)) break;
      }
    }
    return this.#replace(desired);
  }

  /** Adding first makes the deletion succeed also when there is no such table. */
  #replace(desired: Table): number {
    const bare = new TableEncoder({ family: desired.family, name: desired.name, sets: [], chains: [] });
    const delta: TableDelta = deltaOf(undefined, desired);
    const messages = [
      ...bare.encode({ kind: 'add-table' }),
      ...bare.encode({ kind: 'delete-table' }),
      ...encodeDelta(delta),
    ];
    try {
      this.#transport.commit(messages);
    } catch (error) {
      if (!isLost(error) || this.drift(desired).length > 0) throw refused(error, desired);
    }
    this.#committed.set(idOf(desired), new CommittedTable(desired));
    return countOf(delta) + 2;
  }

  delete(family: TableFamily, name: string): boolean {
    const table: Table = { family, name, sets: [], chains: [] };
    this.#committed.delete(idOf(table));
    try {
      this.#transport.commit(new TableEncoder(table).encode({ kind: 'delete-table' }));
      return true;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return false;
      if (isLost(error) && !this.tables().some((there) => idOf(there) === idOf(table))) return true;
      throw refused(error, table);
    }
  }

  observe(family: TableFamily, name: string): ObservedTable | undefined {
    return observeTable(this.#transport, family, name);
  }

  drift(desired: Table): readonly NftChange[] {
    const delta = driftOf(this.observe(desired.family, desired.name), desired);
    return commandsOf(delta).map((command) => new NftChange(desired, command));
  }

  forget(family: TableFamily, name: string): void {
    this.#committed.delete(idOf({ family, name }));
  }

  generation(): number | undefined {
    return this.#transport.generation()?.readUInt32BE(0);
  }

  tables(): readonly { readonly family: TableFamily; readonly name: string }[] {
    return observeTables(this.#transport);
  }

  close(): void {
    this.#transport.close();
  }
}

/** Everything goes before anything comes, so that a replaced element is there again at the end. */
function elementMessages(table: Table, deltas: readonly SetDelta[]): WireMessage[] {
  return [...encodeElements(table, deltas, 'delete'), ...encodeElements(table, deltas, 'add')];
}

function refused(error: unknown, table?: TableId): unknown {
  if (!(error instanceof PodwireError) || error.code.startsWith('NFT_')) return error;
  return nftError(
    'NFT_REFUSED',
    `${table ? `table ${idOf(table)}` : 'the ruleset'} was not changed: ${messageOf(error)}`,
    error,
  );
}
