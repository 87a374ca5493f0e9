import type { Environment } from '@marcbachmann/cel-js';
import { spend } from './budget.ts';
import { Loop, type LoopPlan } from './loop.ts';
import { registerMacro } from './macro.ts';
import { isNumeric, plainNumber } from './number-types.ts';
import { equalValues } from './schema-types.ts';

type List = readonly unknown[];

class ListsNamespace {}

/** The lists library of CEL. */
export function registerListExtension(environment: Environment): void {
  environment
    .registerType('ListsNamespace', ListsNamespace)
    .registerConstant('lists', 'ListsNamespace', new ListsNamespace())
    .registerFunction('ListsNamespace.range(int): list<int>', (_: unknown, count: bigint) => rangeOf(count))
    .registerFunction('list<T>.slice(int, int): list<T>', (list: List, start: bigint, end: bigint) => {
      if (start < 0n || end < 0n)
        throw new RangeError(`cannot slice(${start}, ${end}), negative indexes not supported`);
      if (start > end)
        throw new RangeError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
      if (end > list.length) throw new RangeError(`cannot slice(${start}, ${end}), list is length ${list.length}`);
      return list.slice(Number(start), Number(end));
    })
    .registerFunction('list<list<T>>.flatten(): list<T>', (list: List) => flat(list, 1))
    .registerFunction('list<dyn>.flatten(): list<dyn>', (list: List) => flat(list, 1))
    .registerFunction('list<dyn>.flatten(int): list<dyn>', (list: List, depth: bigint) => {
      if (depth < 0n) throw new RangeError('level must be non-negative');
      return flat(list, Number(depth));
    })
    .registerFunction('list<T>.reverse(): list<T>', (list: List) => list.toReversed())
    .registerFunction('list<T>.distinct(): list<T>', distinct)
    .registerFunction('list<T>.sort(): list<T>', (list: List) => sorted(list, list));
  registerMacro(environment, 'sortBy', 2, (call) => new Loop('sortBy', call, 1, sortBy));
  registerMacro(environment, 'existsOne', 2, (call) => new Loop('existsOne', call, 1, existsOne));
}

const items: LoopPlan['variables'] = ({ kind, keyType, valueType }, checker) => {
  if (kind === 'dyn') return [checker.getType('dyn')];
  if (kind === 'map') return [keyType ?? checker.getType('dyn')];
  return kind === 'list' ? [valueType ?? checker.getType('dyn')] : undefined;
};

const sortBy: LoopPlan = {
  variables: (range, checker) => (range.kind === 'map' ? undefined : items(range, checker)),
  result: (_checker, range) => range,
  isPredicate: () => false,
  run: (_loop, range, turn) => {
    const list = listOf(range);
    return sorted(
      list,
      list.map((item) => turn([item]).evaluate(0)),
    );
  },
};

const existsOne: LoopPlan = {
  variables: items,
  result: (checker) => checker.getType('bool'),
  isPredicate: () => true,
  run: (_loop, range, turn) => {
    const members = range instanceof Map ? [...range.keys()] : listOf(range);
    return members.filter((item) => turn([item]).evaluate(0) === true).length === 1;
  },
};

function listOf(range: unknown): List {
  if (!Array.isArray(range)) throw new TypeError('receiver must be a list');
  spend(range.length);
  return range;
}

function rangeOf(count: bigint): bigint[] {
  if (count < 0n) throw new RangeError('lists.range: size must be non-negative');
  spend(Number(count));
  return Array.from({ length: Number(count) }, (_, index) => BigInt(index));
}

function flat(list: List, depth: number): unknown[] {
  const result = list.flatMap((one) => (Array.isArray(one) && depth > 0 ? flat(one, depth - 1) : [one]));
  spend(result.length / 10);
  return result;
}

function distinct(list: List): unknown[] {
  const kept: unknown[] = [];
  for (const one of list) {
    spend(kept.length / 10);
    if (!kept.some((other) => equalValues(one, other))) kept.push(one);
  }
  return kept;
}

/** By keys, which have to be of one type. */
function sorted(list: List, keys: List): unknown[] {
  spend(list.length * Math.ceil(Math.log2(list.length + 1)));
  const values = keys.map((key) => (isNumeric(key) ? plainNumber(key) : key));
  const [first] = values;
  if (values.some((value) => !isComparable(value) || typeof value !== typeof first))
    throw new TypeError('list elements must have the same type, which has an order');
  const order = list.map((_, index) => index);
  order.sort((a, b) => compare(values[a], values[b]));
  return order.map((index) => list[index]);
}

function isComparable(value: unknown): value is string | number | bigint | boolean | Date {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) || hasOrder(value);
}

/** Times and durations. */
function hasOrder(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof value.valueOf() === 'number';
}

function compare(a: unknown, b: unknown): number {
  const [x, y] = [a as number, b as number];
  if (x < y) return -1;
  return x > y ? 1 : 0;
}
