import type { Environment } from '@marcbachmann/cel-js';
import { spend } from './budget.ts';
import { equalValues } from './schema-types.ts';

type Ordered = string | bigint | number | boolean | Date;
type List = readonly unknown[];

class SetsNamespace {}

/** What Kubernetes adds to lists, and `sets`. */
export function registerLists(environment: Environment): void {
  environment
    .registerFunction('list<T>.isSorted(): bool', (list: Ordered[]) =>
      list.every((one, i) => i === 0 || (list[i - 1] ?? one) <= one),
    )
    .registerFunction('list<int>.sum(): int', (list: bigint[]) => list.reduce((sum, one) => sum + one, 0n))
    .registerFunction('list<double>.sum(): double', (list: number[]) => list.reduce((sum, one) => sum + one, 0))
    .registerFunction('list<T>.min(): T', (list: Ordered[]) => extreme(list, (a, b) => a < b, 'min'))
    .registerFunction('list<T>.max(): T', (list: Ordered[]) => extreme(list, (a, b) => a > b, 'max'))
    .registerFunction('list<T>.indexOf(T): int', (list: List, one: unknown) =>
      BigInt(list.findIndex((other) => equalValues(one, other))),
    )
    .registerFunction('list<T>.lastIndexOf(T): int', (list: List, one: unknown) =>
      BigInt(list.findLastIndex((other) => equalValues(one, other))),
    );
  environment
    .registerType('SetsNamespace', SetsNamespace)
    .registerConstant('sets', 'SetsNamespace', new SetsNamespace())
    .registerFunction('SetsNamespace.contains(list<T>, list<T>): bool', (_: unknown, all: List, some: List) =>
      holdsAll(all, some),
    )
    .registerFunction(
      'SetsNamespace.equivalent(list<T>, list<T>): bool',
      (_: unknown, a: List, b: List) => holdsAll(a, b) && holdsAll(b, a),
    )
    .registerFunction('SetsNamespace.intersects(list<T>, list<T>): bool', (_: unknown, a: List, b: List) =>
      b.some((one) => holds(a, one)),
    );
}

function extreme(list: readonly Ordered[], isBetter: (a: Ordered, b: Ordered) => boolean, name: string): Ordered {
  const [first, ...rest] = list;
  if (first === undefined) throw new RangeError(`${name} called on empty list`);
  return rest.reduce((best, one) => (isBetter(one, best) ? one : best), first);
}

function holds(list: List, one: unknown): boolean {
  spend(list.length / 10);
  return list.some((other) => equalValues(one, other));
}

const holdsAll = (all: List, some: List) => some.every((one) => holds(all, one));
