import type { ASTNode } from '@marcbachmann/cel-js';
import { Loop } from './loop.ts';
import { isNode, type Node } from './syntax-tree.ts';
import type { ValueType } from './value-type.ts';

/** What one rule may cost for the largest object there can be, for all places it is run at. */
const LIMIT = 10_000_000;

type Scope = ReadonlyMap<string, ValueType>;
type Comprehension = Readonly<Record<'iterable' | 'init' | 'step', Node>> & { readonly iterVarName: string };

/**
 * Why a rule is too expensive; undefined: it is not. Only what is looped over is counted, which is less than Kubernetes
 * counts: a rule it takes is taken here. `times` is in how many places of an object the rule may be run.
 */
export function costFault(rule: ASTNode, self: ValueType, times: number): string | undefined {
  const scope = new Map([
    ['self', self],
    ['oldSelf', self],
  ]);
  const factor = (costOf(rule as unknown as Node, scope) * times) / LIMIT;
  if (factor <= 1) return undefined;
  const text = factor > 100 ? 'more than 100x' : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`;
  const advice = 'adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared';
  return `estimated rule cost exceeds budget by factor of ${text} (try simplifying the rule, or ${advice})`;
}

function costOf(value: unknown, scope: Scope): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + costOf(one, scope), 0);
  if (typeof value !== 'object' || value === null) return 0;
  if (!isNode(value)) return value.constructor === Object ? costOf(Object.values(value), scope) : 0;
  const { alternate, macro } = value.meta;
  if (alternate) return costOf(alternate, scope);
  if (macro instanceof Loop) return macroCost(macro, scope);
  if (macro) return bindingCost(macro as Binding, scope);
  if (value.op === 'comprehension') return loopCost(value.args as Comprehension, scope);
  return (value.op === 'id' ? 1 : 0) + costOf(value.args, scope);
}

function loopCost({ iterable, init, step, iterVarName }: Comprehension, scope: Scope): number {
  const type = typeOf(iterable, scope);
  const inner = new Map(scope);
  if (type?.items) inner.set(iterVarName, type.items);
  else inner.delete(iterVarName);
  return costOf([iterable, init], scope) + (type?.size ?? 1) * (1 + costOf(step, inner));
}

function macroCost({ range, names, parts }: Loop, scope: Scope): number {
  const type = typeOf(range, scope);
  const inner = new Map(scope);
  for (const name of names) inner.delete(name);
  const last = names.at(-1);
  if (type?.items && last !== undefined) inner.set(last, type.items);
  return costOf(range, scope) + (type?.size ?? 1) * (1 + costOf(parts, inner));
}

/** What the library keeps of `has` and `cel.bind`. */
interface Binding {
  readonly args?: unknown;
  readonly var?: string;
  readonly val?: Node;
  readonly exp?: Node;
}

function bindingCost({ args, var: name, val, exp }: Binding, scope: Scope): number {
  if (name === undefined || !val) return costOf(args, scope);
  const type = typeOf(val, scope);
  const inner = new Map(scope);
  if (type) inner.set(name, type);
  return costOf(val, scope) + costOf(exp, inner);
}

/** The type of a field, an item or what a loop makes of a list; undefined: not known. */
function typeOf(node: Node, scope: Scope): ValueType | undefined {
  const { alternate, macro } = node.meta;
  if (isNode(alternate)) return typeOf(alternate, scope);
  if (macro instanceof Loop) return typeOf(macro.range, scope);
  if (node.op === 'id') return scope.get(String(node.args));
  if (node.op === 'comprehension') return typeOf((node.args as Comprehension).iterable, scope);
  if (!Array.isArray(node.args)) return undefined;
  const [owner, field] = node.args as readonly unknown[];
  if (!isNode(owner) || (node.op !== '.' && node.op !== '[]')) return undefined;
  const type = typeOf(owner, scope);
  return node.op === '.' ? type?.fields?.get(String(field)) : type?.items;
}
