import type { InstructionOf } from './bytecode.ts';
import { wordOf } from './bytecode.ts';
import { TYPES, type ValueType } from './data-type.ts';
import { decodeElements, type ElementAttributes } from './decode-set.ts';
import { expressionOf, type Reading, readingOf } from './decode-term.ts';
import type { SetShape } from './encode-set.ts';
import { lengthOf } from './expression-type.ts';
import type { DataType, Expression, NamedSet, SetElement, Statement } from './model.ts';
import type { ProtocolContext } from './protocol-context.ts';
import type { RegisterFile } from './register-file.ts';
import { Inexpressible, type Term } from './term.ts';

/** A set that lives and dies with its rule. */
export interface OwnSet {
  readonly set: SetShape;
  readonly elements: readonly ElementAttributes[];
}

/** The sets a rule may use. */
export interface SetScope {
  named(name: string): NamedSet | undefined;
  /** `id` is known only of rules that were not sent yet. */
  own(name: string, id: number | undefined): OwnSet | undefined;
}

interface Key {
  readonly expression: Expression;
  readonly types: readonly ValueType[];
  readonly trailing: number;
}

/** The terms in a run of registers, as the key of a set. */
export function keyOf(terms: readonly Term[], set: Pick<SetShape, 'interval'>, protocols: ProtocolContext): Key {
  const readings = terms.map((term) => inSetOrder(readingOf(term, protocols), set));
  const parts = readings.map(expressionOf);
  const [first] = parts;
  const trailing = readings[0]?.trailing ?? 0;
  if (!first || (trailing > 0 && parts.length > 1)) throw new Inexpressible('a concatenation of parts of bytes');
  return {
    expression: parts.length === 1 ? first : { kind: 'concat', parts },
    types: readings.flatMap(({ types }) => types),
    trailing,
  };
}

/** In sets with ranges, numbers in the host's order have to be turned round; the model takes that for granted. */
function inSetOrder(reading: Reading, { interval }: Pick<SetShape, 'interval'>): Reading {
  const swapped = reading.operations.at(-1)?.kind === 'swap';
  const type = reading.types[0] ?? 'mark';
  const wanted = interval === true && TYPES[type].order === 'host' && TYPES[type].length > 1 && TYPES[type].length <= 8;
  if (swapped !== wanted) throw new Inexpressible('a key in the other byte order');
  return swapped ? { ...reading, operations: reading.operations.slice(0, -1) } : reading;
}

export interface Lookup {
  readonly registers: RegisterFile;
  readonly protocols: ProtocolContext;
  readonly sets: SetScope;
}

/** A lookup as a statement, or as what it leaves in a register. */
export function lookupOf(
  { data }: InstructionOf<'lookup'>,
  { registers, protocols, sets }: Lookup,
): { readonly statement: Statement } | { readonly word: number | undefined; readonly term: Term } {
  const { set: name = '', sreg, dreg, flags, setId } = data;
  const named = sets.named(name);
  const own = named ? undefined : sets.own(name, setId);
  const set = named ?? own?.set;
  if (!set) throw new Inexpressible(`a set ${name} that is not there`);
  const key = keyOf(registers.span(wordOf(sreg), lengthOf(set.key)), set, protocols);
  const invert = flags?.includes('inverted') ?? false;
  if (key.trailing > 0 && named) throw new Inexpressible('part of a byte in a named set');
  if (dreg === undefined) {
    if (named) return { statement: { kind: 'lookup', key: key.expression, set: name, ...(invert && { invert }) } };
    return { statement: ownLookup(key, elementsOf(own, key), invert) };
  }
  if (set.data === undefined) throw new Inexpressible('data of a set that has none');
  if (set.data === 'verdict') {
    if (named) return { statement: { kind: 'vmap', key: key.expression, map: name } };
    return { statement: { kind: 'anonymous-vmap', key: key.expression, elements: elementsOf(own, key) } };
  }
  const expression: Expression = named
    ? { kind: 'map', key: key.expression, map: name }
    : { kind: 'anonymous-map', key: key.expression, data: set.data as DataType[], elements: elementsOf(own, key) };
  const length = (set.dataInterval ? 2 : 1) * lengthOf(set.data);
  return {
    word: wordOf(dreg),
    term: { source: { kind: 'expression', expression, types: set.data }, length, operations: [] },
  };
}

/** Values alone are the right side of a match; whatever more there is of them needs a statement of its own. */
function ownLookup(key: Key, elements: readonly SetElement[], invert: boolean): Statement {
  const [type] = key.types;
  const plain = elements.every((element) => Object.keys(element).length === 1 && element.key[0] !== '*');
  if (key.types.length === 1 && type !== undefined && !TYPES[type].flags && plain) {
    const right = elements.flatMap((element) => element.key);
    return { kind: 'match', left: key.expression, op: invert ? '!=' : '==', right };
  }
  return { kind: 'anonymous-lookup', key: key.expression, elements, ...(invert && { invert }) };
}

/** In the order of their bytes, for the kernel lists them in none; by the types of what is looked up. */
function elementsOf(own: OwnSet | undefined, { types, trailing }: Key): SetElement[] {
  if (!own) return [];
  const keyBytes = (entry: ElementAttributes) => Buffer.from(entry.key?.value ?? []);
  const sorted = own.elements.toSorted((a, b) => Buffer.compare(keyBytes(a), keyBytes(b)));
  const raw =
    trailing === 0 ? sorted : sorted.map((entry) => ({ ...entry, key: { value: shifted(keyBytes(entry), trailing) } }));
  const elements = decodeElements({ ...own.set, key: types }, raw);
  // a list may name a value twice; the kernel keeps it once
  return elements.filter((element, i) => JSON.stringify(element) !== JSON.stringify(elements[i - 1]));
}

function shifted(bytes: Buffer, count: number): Buffer {
  const number = BigInt(`0x${bytes.toString('hex') || '0'}`) >> BigInt(count);
  return Buffer.from(number.toString(16).padStart(2 * bytes.length, '0'), 'hex');
}
