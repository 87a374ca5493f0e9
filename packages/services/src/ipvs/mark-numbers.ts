import { IPVS_MARK } from '../ruleset/ipvs-mark.ts';
import { MAX_NUMBER } from './layout.ts';

/**
 * Marks of virtual servers for clients inside, by entry id. They live as long as somebody needs them, so that a connection
 * never meets another service's server; a restarted proxy reads them from the table.
 */
export class MarkNumbers {
  readonly #marks = new Map<string, number>();
  readonly #used = new Set<number>();
  #next = IPVS_MARK + 1;

  /** As an earlier process has given it. */
  adopt(id: string, mark: number): void {
    if (this.#marks.has(id) || this.#used.has(mark)) return;
    this.#marks.set(id, mark);
    this.#used.add(mark);
  }

  /** Nobody's, but a virtual server of that mark exists. */
  reserve(mark: number): void {
    this.#used.add(mark);
  }

  /** undefined: there are no more. */
  of(id: string): number | undefined {
    const mark = this.#marks.get(id) ?? this.#free();
    if (mark === undefined) return undefined;
    this.#marks.set(id, mark);
    this.#used.add(mark);
    return mark;
  }

  /** Gives back all but those of virtual servers that exist and of entries that are wanted. */
  keep(existing: ReadonlySet<number>, isWanted: (id: string) => boolean): void {
    for (const [id, mark] of this.#marks) if (!existing.has(mark) && !isWanted(id)) this.#marks.delete(id);
    this.#used.clear();
    for (const mark of [...existing, ...this.#marks.values()]) this.#used.add(mark);
  }

  #free(): number | undefined {
    for (let tries = 0; tries < MAX_NUMBER; tries++) {
      const mark = this.#next;
      this.#next = mark === IPVS_MARK + MAX_NUMBER ? IPVS_MARK + 1 : mark + 1;
      if (!this.#used.has(mark)) return mark;
    }
    return undefined;
  }
}
