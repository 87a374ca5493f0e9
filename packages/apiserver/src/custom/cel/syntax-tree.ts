import type { ASTNode } from '@marcbachmann/cel-js';

/** What the library keeps with a node beside what it declares. */
interface Meta {
  alternate?: unknown;
  macro?: unknown;
  evaluate: (...parts: unknown[]) => unknown;
}

/** A node of a parsed expression. */
export interface Node {
  readonly op: string;
  args: unknown;
  readonly meta: Meta;
  setMeta(key: keyof Meta, value: unknown): void;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'op' in value && 'setMeta' in value;
}

/** Calls back with every node of an expression, those that macros made of it too. */
export function visitNodes(root: ASTNode, visit: (node: Node) => void): void {
  const seen = new Set<object>();
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (isNode(value)) {
      visit(value);
      open.push(value.args, value.meta.alternate, value.meta.macro);
    } else if (Array.isArray(value) || value.constructor === Object) {
      open.push(...Object.values(value));
    }
  }
}
