import { paddedLength } from './data-type.ts';
import { Inexpressible, type Term } from './term.ts';

interface Entry {
  readonly term: Term;
  /** Which 4-byte word of the term this register holds. */
  readonly part: number;
  /** The instruction that wrote it. */
  readonly at: number;
}

const WORDS = 16;

/** The kernel's 16 registers of 4 bytes while a rule is read. */
export class RegisterFile {
  readonly #entries = new Array<Entry | undefined>(WORDS).fill(undefined);

  write(word: number | undefined, term: Term, at: number): void {
    if (word === undefined) throw new Inexpressible('a value in the verdict register');
    if (term.length > 4 * WORDS) throw new Inexpressible(`${term.length} bytes in registers of ${4 * WORDS}`);
    for (let part = 0; part < Math.max(1, paddedLength(term.length) / 4); part++)
      if (word + part < WORDS) this.#entries[word + part] = { term, part, at };
  }

  /** The term that begins at the word. */
  read(word: number | undefined): Term {
    const entry = this.#entries[word ?? -1];
    if (entry?.part !== 0) throw new Inexpressible('a register that nothing was written to');
    return entry.term;
  }

  /** Whether the words follow each other in one term. */
  continues(word: number | undefined, first: number | undefined): boolean {
    const [one, two] = [this.#entries[first ?? -1], this.#entries[word ?? -1]];
    return one !== undefined && two !== undefined && one.term === two.term && two.part > 0;
  }

  /** The terms that lie one after another in `length` bytes. */
  span(word: number | undefined, length: number): Term[] {
    const terms: Term[] = [];
    for (let at = word ?? -1, end = at + paddedLength(length) / 4; at < end; ) {
      const term = this.read(at);
      terms.push(term);
      at += Math.max(1, paddedLength(term.length) / 4);
      if (at > end) throw new Inexpressible('a key that ends within a value');
    }
    return terms;
  }

  /** What an instruction that could not be read may have written is not known any more. */
  forget(): void {
    this.#entries.fill(undefined);
  }

  /** Whether an instruction before `start` wrote the word. */
  isOlder(word: number, start: number): boolean {
    const entry = this.#entries[word];
    return entry !== undefined && entry.at < start;
  }
}
