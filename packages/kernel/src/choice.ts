import { inspect } from 'node:util';
import { encodeError } from './errors.ts';

/** Longer lists are cut down to what resembles the word. */
const LIST_LIMIT = 40;
const LIKENESS = 3;

/** What a word stands for. Throws KERNEL_ENCODE, which names what was given as `what` and what can be given. */
export function choose<T>(table: Readonly<Record<string, T>>, word: string, what: string): T {
  // a word may come from plain JavaScript, and be anything
  if (typeof word === 'string' && Object.hasOwn(table, word)) return table[word] as T;
  throw encodeError(`${given(word)} as ${what}; write ${choices(Object.keys(table), word)}`);
}

/** A value as it was given, in short. */
export function given(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 1, breakLength: Infinity });
}

function choices(words: readonly string[], word: unknown): string {
  const alike = words.filter((one) => one.startsWith(String(word).slice(0, LIKENESS)));
  const shown = words.length <= LIST_LIMIT ? words : alike.length > 0 ? alike : words.slice(0, LIST_LIMIT);
  const rest = shown.length < words.length ? ` (and ${words.length - shown.length} others)` : '';
  return `${shown.join(', ')}${rest}`;
}
