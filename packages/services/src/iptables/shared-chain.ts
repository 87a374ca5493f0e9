import { countRules, rulesOf, type Splice, spliceOf } from './chain-change.ts';

/** Lines as in a chain, one or more. */
interface Part {
  readonly key: string;
  readonly rules: string;
  readonly length: number;
}

/**
 * A chain to which many contribute: each has a part, and the parts stand in the order of their keys, however they came.
 *
 *   before services │ a's rules │ b's rules │ ... │ after services
 */
export class SharedChain {
  #parts: readonly Part[];

  /** Rules by key; empty ones are no part. */
  constructor(parts: ReadonlyMap<string, string>) {
    this.#parts = inOrder(parts).filter(({ length }) => length > 0);
  }

  get length(): number {
    return this.#parts.reduce((sum, { length }) => sum + length, 0);
  }

  /** All rules, in order. */
  rules(): string {
    return this.#parts.map(({ rules }) => rules).join('\n');
  }

  has(rule: string): boolean {
    return this.#parts.some(({ rules }) => rules.includes(rule) && rulesOf(rules).includes(rule));
  }

  /** Puts other parts in place of those with the same keys. Returns what is different, in order. */
  replace(changes: ReadonlyMap<string, string>): Splice[] {
    const different = inOrder(changes).filter((part) => this.#rulesAt(part.key) !== part.rules);
    const splices: Splice[] = [];
    if (different.length === 0) return splices;
    const parts: Part[] = [];
    let [from, at] = [0, 0];
    const put = (part: Part): void => {
      if (part.length) parts.push(part);
      at += part.length;
    };
    for (const part of different) {
      const place = this.#place(part.key);
      for (const present of this.#parts.slice(from, place)) put(present);
      from = place;
      const splice = spliceOf(at, this.#rulesAt(part.key), part.rules);
      if (splice) splices.push(splice);
      if (this.#parts[from]?.key === part.key) from++;
      put(part);
    }
    this.#parts = [...parts, ...this.#parts.slice(from)];
    return splices;
  }

  #rulesAt(key: string): string {
    const part = this.#parts[this.#place(key)];
    return part?.key === key ? part.rules : '';
  }

  /** Where the part is, or would be. */
  #place(key: string): number {
    let [low, high] = [0, this.#parts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#parts[middle]?.key ?? key) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function inOrder(parts: ReadonlyMap<string, string>): Part[] {
  return [...parts]
    .map(([key, rules]) => ({ key, rules, length: countRules(rules) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}
