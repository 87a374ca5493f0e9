import { type AnonymousSet, anonymousSets } from './anonymous-set.ts';
import { dependenciesOf, type Known, learn } from './dependency.ts';
import { writeAction, writeUnknown } from './encode-action.ts';
import { ExpressionWriter } from './encode-expression.ts';
import { writeMatch } from './encode-match.ts';
import { writeVerdict } from './encode-set.ts';
import { writeElementStatement } from './encode-state.ts';
import { setNamed } from './expression-type.ts';
import type { Expression, Rule, SetElement, Statement, Table } from './model.ts';
import { checkName } from './name.ts';
import { hasRanges } from './value.ts';
import { LIST_ELEMENT } from './wire.ts';

export interface EncodedRule {
  /** The children of NFTA_RULE_EXPRESSIONS. */
  readonly expressions: Buffer;
  readonly sets: readonly AnonymousSet[];
}

/** A rule as the kernel's expressions. `nextSetId` numbers the anonymous sets of a transaction. */
export function encodeRule(rule: Rule, table: Table, nextSetId: () => number): EncodedRule {
  const sets: AnonymousSet[] = [];
  const encoder = new RuleEncoder(new ExpressionWriter(table, anonymousSets(sets, nextSetId)));
  for (const statement of rule.statements) encoder.add(statement);
  return { expressions: encoder.writer.out.take(), sets };
}

class RuleEncoder {
  readonly writer: ExpressionWriter;
  readonly #known: Known = { values: new Map() };

  constructor(writer: ExpressionWriter) {
    this.writer = writer;
  }

  add(statement: Statement) {
    for (const dependency of dependenciesOf(statement, this.writer.table.family, this.#known))
      writeMatch(this.writer, dependency);
    this.#statement(statement);
    learn(statement, this.#known);
  }

  #statement(statement: Statement) {
    const { writer } = this;
    switch (statement.kind) {
      case 'match':
        return writeMatch(writer, statement);
      case 'lookup':
        return this.#lookup(statement.key, { name: statement.set, invert: statement.invert ?? false });
      case 'anonymous-lookup':
        return this.#anonymous(statement.key, { elements: statement.elements, invert: statement.invert ?? false });
      case 'vmap':
        return this.#lookup(statement.key, { name: statement.map, dreg: 0 });
      case 'anonymous-vmap':
        return this.#anonymous(statement.key, { elements: statement.elements, dreg: 0 });
      case 'verdict':
        return writer.emit('immediate', (out) => out.u32(1, 0).nest(2, () => writeVerdict(out, statement.verdict)));
      case 'counter':
      case 'limit':
      case 'quota':
      case 'ct-count':
        writer.out.nest(LIST_ELEMENT, () => writeElementStatement(writer.out, statement));
        return;
      case 'unknown':
        return writeUnknown(writer, statement);
      default:
        return writeAction(writer, statement);
    }
  }

  /** The verdict register is 0. */
  #lookup(key: Expression, { name, ...options }: { name: string; invert?: boolean; dreg?: number }): void {
    const set = setNamed(this.writer.table, name);
    this.writer.loadKey(key, 0, set.interval);
    this.writer.lookup(checkName(set.name), 0, options);
  }

  #anonymous(
    key: Expression,
    { elements, ...options }: { elements: readonly SetElement[]; invert?: boolean; dreg?: number },
  ): void {
    const types = this.writer.typesOf(key);
    this.writer.loadKey(key, 0, hasRanges(elements));
    const data = options.dreg === undefined ? {} : { data: 'verdict' as const };
    const { name, setId } = this.writer.anonymous({ key: types, elements, ...data });
    this.writer.lookup(name, 0, { ...options, setId });
  }
}
