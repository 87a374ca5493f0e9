import { countRules, type Splice, spliceOf } from './chain-change.ts';

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

  /** Puts other parts in place of those with the same keys. Returns what is different, in order. */
  replace(changes: ReadonlyMap<string, string>): Splice[] {
    const splices: Splice[] = [];
    const parts: Part[] = [];
    let [from, at] = [0, 0];
    const put = (part: Part): void => {
      if (part.length) parts.push(part);
      at += part.length;
    };
    for (const part of [...inOrder(changes), undefined]) {
      let present = this.#parts[from];
      for (; present && (!part || present.key < part.key); present = this.#parts[++from]) put(present);
      if (!part) break;
      const before = present?.key === part.key ? present.rules : '';
      if (present?.key === part.key) from++;
      const splice = spliceOf(at, before, part.rules);
      if (splice) splices.push(splice);
      put(part);
    }
    if (splices.length) this.#parts = parts;
    return splices;
  }
}

function inOrder(parts: ReadonlyMap<string, string>): Part[] {
  return [...parts]
    .map(([key, rules]) => ({ key, rules, length: countRules(rules) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}
