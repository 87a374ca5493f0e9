import { type ASTNode, Optional } from '@marcbachmann/cel-js';
import { type Node, visitNodes } from './syntax-tree.ts';

/** Steps one rule may take, and all rules of one object together. */
const RULE_LIMIT = 1_000_000;
const OBJECT_LIMIT = 5_000_000;

/** Thrown when a rule takes too many steps. */
export class BudgetError extends Error {}

/** Steps the rules of one object may still take. */
export class Budget {
  #left: number;
  #ruleLeft = RULE_LIMIT;

  constructor(limit = OBJECT_LIMIT) {
    this.#left = limit;
  }

  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** Throws BudgetError in the middle of the rule. */
  spend(steps: number): void {
    this.#left -= steps;
    this.#ruleLeft -= steps;
    if (this.#ruleLeft < 0 || this.#left < 0) throw new BudgetError('operation cancelled: actual cost limit exceeded');
  }

  /** Runs one rule within its limits. */
  run<T>(evaluate: () => T): T {
    this.#ruleLeft = RULE_LIMIT;
    const outer = current;
    current = this;
    try {
      const result = evaluate();
      // A quantifier takes an error in it for a value.
      if (this.#ruleLeft < 0 || this.#left < 0) this.spend(0);
      return result;
    } finally {
      current = outer;
    }
  }
}

let current: Budget | undefined;

/** Counted with the rule that is being evaluated. */
export function spend(steps: number): void {
  current?.spend(steps);
}

/** Of these the result may be as large as the object: who compares or copies it takes that long. */
const SIZED = new Set(['id', '.', '[]', '+', 'call', 'rcall', 'comprehension']);
/** These may look at all that is in what they are given. */
const COMPARING = new Set(['==', '!=', 'in']);
const FREE = new Set(['value', 'accuValue', 'accuInc']);

/** Makes a checked expression count its steps while it is evaluated. */
export function meter(expression: ASTNode): void {
  const compared = new Set<unknown>();
  visitNodes(expression, (node) => {
    // A macro is evaluated by what it stands for.
    if (COMPARING.has(node.op))
      for (const operand of node.args as readonly Node[]) compared.add(operand).add(operand.meta.alternate);
    if (FREE.has(node.op)) return;
    const { evaluate } = node.meta;
    const costOf = compared.has(node) ? weightOf : SIZED.has(node.op) ? sizeOf : () => 0;
    node.setMeta('evaluate', (...parts: unknown[]) => {
      const result = evaluate(...parts);
      spend(1 + costOf(result) / 10);
      return result;
    });
  });
}

const weights = new WeakMap<object, number>();

/** With all that is in it, as often as it is: a list that has itself twice, many times over, is made in few steps. */
function weightOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return sizeOf(value);
  const known = weights.get(value);
  if (known !== undefined) return known;
  const parts = partsOf(value);
  const weight = parts.reduce<number>((sum, part) => sum + weightOf(part), parts.length);
  weights.set(value, weight);
  return weight;
}

function partsOf(value: object): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.values()];
  if (value instanceof Optional) return value.hasValue() ? [value.value()] : [];
  return value.constructor === Object ? Object.values(value) : [];
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return value instanceof Map ? value.size : 0;
}
