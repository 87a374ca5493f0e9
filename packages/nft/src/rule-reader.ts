import { PodwireError } from '@podwire/base';
import { listOf } from '@podwire/kernel';
import { nftElement } from '@podwire/kernel/nfnetlink';
import type { AnonymousSet } from './anonymous-set.ts';
import { readInstructions } from './bytecode.ts';
import type { OwnSet } from './decode-lookup.ts';
import { decompile } from './decode-rule.ts';
import { encodeRule } from './encode-rule.ts';
import type { NamedSet, Rule, Statement, Table } from './model.ts';
import { whatCounts } from './state.ts';

type Words = readonly Statement[];

/** Turns bytecode into statements, and proves each time that they mean the same bytecode. */
export class RuleReader {
  readonly #table: Table;
  readonly #sets: ReadonlyMap<string, NamedSet>;
  readonly #ownSet: (name: string) => OwnSet | undefined;

  /** `ownSet` finds the sets that belong to rules of the kernel. */
  constructor(table: Table, ownSet: (name: string) => OwnSet | undefined) {
    this.#table = table;
    this.#sets = new Map(table.sets.map((set) => [set.name, set]));
    this.#ownSet = ownSet;
  }

  /** Without the matches that the encoder adds by itself; bytecode where words would mean something else. */
  read(list: Buffer): Words {
    for (const naming of [true, false]) {
      const words = this.#decompile(list, this.#ownSet, naming);
      const meaning = textOf(words);
      const same = (statements: Words) => meaning === textOf(this.#reread(statements, naming));
      if (same(words)) return foldDependencies(words, same);
    }
    return [{ kind: 'unknown', expressions: readInstructions(list).map(({ raw }) => raw) }];
  }

  /** What `read` says of a rule of the model once the kernel has it: rules of equal text do the same. */
  normalised(rule: Rule): string {
    return textOf(this.#reread(rule.statements, true)) ?? '';
  }

  #decompile(list: Buffer, own: (name: string, id: number | undefined) => OwnSet | undefined, naming: boolean): Words {
    const sets = { named: (name: string) => this.#sets.get(name), own };
    return decompile(readInstructions(list), { family: this.#table.family, sets, naming });
  }

  /** The statements as bytecode, and that read again; undefined when they cannot be encoded. */
  #reread(statements: Words, naming: boolean): Words | undefined {
    try {
      let id = 0;
      const { expressions, sets } = encodeRule({ statements }, this.#table, () => ++id);
      const byId = new Map(sets.map((set) => [set.id, set]));
      const own = (_: string, wanted: number | undefined) => ownSetOf(byId.get(wanted ?? 0));
      return this.#decompile(expressions, own, naming);
    } catch (error) {
      if (error instanceof PodwireError) return undefined;
      throw error;
    }
  }
}

const elementList = listOf(1, nftElement);

function ownSetOf(set: AnonymousSet | undefined): OwnSet | undefined {
  return set && { set: set.shape, elements: elementList.read(Buffer.concat(set.elements)) };
}

/** Comparable form: what the rule does, not what it has counted. */
const textOf = (words: Words | undefined): string | undefined => words && JSON.stringify(words.map(whatCounts));

/** From the last on: a dependency may itself depend on one before it. */
function foldDependencies(words: Words, same: (statements: Words) => boolean): Words {
  let result = words;
  for (let i = words.length - 2; i >= 0; i--) {
    const without = result.toSpliced(i, 1);
    if (mayBeDependency(result[i]) && same(without)) result = without;
  }
  return result;
}

const DEPENDENCIES: readonly string[] = ['l4proto', 'nfproto', 'protocol', 'iiftype'];

function mayBeDependency(statement: Statement | undefined): boolean {
  if (statement?.kind !== 'match' || statement.op !== '==') return false;
  const { left } = statement;
  if (left.kind === 'meta') return DEPENDENCIES.includes(left.key);
  return left.kind === 'payload' && /^(ether type|vlan type|icmp type|icmpv6 type|ip protocol)$/.test(left.field);
}
