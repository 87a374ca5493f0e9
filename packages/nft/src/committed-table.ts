import { deltaOf, type TableDelta } from './diff.ts';
import { ElementIndex, type SetDelta } from './element-index.ts';
import { nftError } from './errors.ts';
import type { NamedSet, SetElement, Table } from './model.ts';

/** Elements of one set or map to take out and to put in. */
export interface ElementChange {
  readonly set: string;
  /** Only keys matter. */
  readonly remove?: readonly Pick<SetElement, 'key'>[];
  readonly add?: readonly SetElement[];
}

/**
 * What the last transaction left in the kernel of one table. Sets whose elements are changed one by one get an index; the
 * list of their elements is then made only when a whole table is compared.
 */
export class CommittedTable {
  #table: Table;
  readonly #sets: Map<string, NamedSet>;
  readonly #indexes = new Map<string, ElementIndex>();
  /** Sets whose elements are no longer those of `#table`. */
  readonly #changed = new Set<string>();

  constructor(table: Table) {
    this.#table = table;
    this.#sets = new Map(table.sets.map((set) => [set.name, set]));
  }

  /** With all elements as they are now. */
  get table(): Table {
    if (this.#changed.size > 0) {
      const sets = this.#table.sets.map((set) => {
        const index = this.#changed.has(set.name) ? this.#indexes.get(set.name) : undefined;
        return index ? { ...set, elements: index.elements } : set;
      });
      this.#table = { ...this.#table, sets };
      this.#changed.clear();
    }
    return this.#table;
  }

  /** The table's definition; elements may be out of date. */
  get shape(): Table {
    return this.#table;
  }

  diff(desired: Table): TableDelta {
    return deltaOf(this.table, desired);
  }

  /** The difference that element changes make; throws NFT_BAD_RULESET for a set the table does not have. */
  resolve(changes: readonly ElementChange[]): SetDelta[] {
    return eachSetOnce(changes).map(({ set, add = [], remove = [] }) =>
      this.#indexOf(set).resolve(this.#setNamed(set), { add, remove }),
    );
  }

  /** The table as it is after the change, for comparison with the kernel. */
  after(deltas: readonly SetDelta[]): Table {
    const byName = new Map(deltas.map((delta) => [delta.set.name, delta]));
    const { table } = this;
    const sets = table.sets.map((set) => {
      const delta = byName.get(set.name);
      if (!delta) return set;
      const index = new ElementIndex(set.elements);
      index.follow(delta);
      return { ...set, elements: index.elements };
    });
    return { ...table, sets };
  }

  follow(deltas: readonly SetDelta[]): void {
    for (const delta of deltas) {
      this.#indexOf(delta.set.name).follow(delta);
      this.#changed.add(delta.set.name);
    }
  }

  #indexOf(name: string): ElementIndex {
    let index = this.#indexes.get(name);
    if (!index) {
      index = new ElementIndex(this.#setNamed(name).elements);
      this.#indexes.set(name, index);
    }
    return index;
  }

  #setNamed(name: string): NamedSet {
    const set = this.#sets.get(name);
    if (!set)
      throw nftError('NFT_BAD_RULESET', `table ${this.#table.family} ${this.#table.name} has no set or map "${name}"`);
    return set;
  }

  /** The state after a whole table was committed; indexes that are still right are kept. */
  replacedBy(desired: Table, delta: TableDelta): CommittedTable {
    const next = new CommittedTable(desired);
    const remade = new Set(delta.sets.removed.map((set) => set.name));
    for (const change of delta.sets.elements) {
      const index = this.#indexes.get(change.set.name);
      if (!index || remade.has(change.set.name)) continue;
      index.follow(change);
      next.#indexes.set(change.set.name, index);
    }
    return next;
  }
}

function eachSetOnce(changes: readonly ElementChange[]): readonly ElementChange[] {
  if (changes.length < 2) return changes;
  return [...Map.groupBy(changes, ({ set }) => set)].map(([set, wishes]) => ({
    set,
    add: wishes.flatMap(({ add = [] }) => add),
    remove: wishes.flatMap(({ remove = [] }) => remove),
  }));
}
