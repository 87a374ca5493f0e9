import { type Environment, Optional } from '@marcbachmann/cel-js';
import { Loop, type LoopPlan } from './loop.ts';
import { type Checker, registerMacro, type Type } from './macro.ts';
import { isUnsigned } from './number-types.ts';
import { equalValues } from './schema-types.ts';

/** What the library's optional values lack. */
export function registerOptionals(environment: Environment): void {
  environment
    .registerFunction('OptionalNamespace.ofNonZeroValue(A): optional<A>', (_: unknown, value: unknown) =>
      isZero(value) ? Optional.none() : Optional.of(value),
    )
    .registerFunction('list<T>.first(): optional<T>', (list: readonly unknown[]) => Optional.of(list[0]))
    .registerFunction('list<T>.last(): optional<T>', (list: readonly unknown[]) => Optional.of(list.at(-1)))
    .registerFunction('OptionalNamespace.unwrap(list<optional<T>>): list<T>', (_: unknown, list: readonly Optional[]) =>
      present(list),
    )
    .registerFunction('list<optional<T>>.unwrapOpt(): list<T>', present)
    .registerOperator('optional<V> == optional<V>', (a: Optional, b: Optional) =>
      a.hasValue() && b.hasValue() ? equalValues(a.value(), b.value()) : a.hasValue() === b.hasValue(),
    );
  registerMacro(environment, 'optMap', 2, (call) => new Loop('optMap', call, 1, map));
  registerMacro(environment, 'optFlatMap', 2, (call) => new Loop('optFlatMap', call, 1, flatMap));
}

function present(list: readonly Optional[]): unknown[] {
  return list.flatMap((one) => (one.hasValue() ? [one.value()] : []));
}

function variables({ kind, valueType }: Type, checker: Checker): readonly Type[] | undefined {
  if (kind !== 'optional' && kind !== 'dyn') return undefined;
  return [valueType ?? checker.getType('dyn')];
}

const map: LoopPlan = {
  variables,
  result: (checker, _range, [part = checker.getType('dyn')]) => checker.registry.getOptionalType(part),
  isPredicate: () => false,
  run: (_loop, range, turn) => {
    const value = valueIn(range);
    return value === undefined ? Optional.none() : Optional.of(turn([value]).evaluate(0));
  },
};

const flatMap: LoopPlan = {
  variables,
  result: (checker, _range, [part = checker.getType('dyn')]) => part,
  isPredicate: () => false,
  run: (_loop, range, turn) => {
    const value = valueIn(range);
    if (value === undefined) return Optional.none();
    const result = turn([value]).evaluate(0);
    if (result instanceof Optional) return result;
    throw new TypeError('optFlatMap() must return an optional value');
  },
};

function valueIn(range: unknown): unknown {
  if (range instanceof Optional) return range.hasValue() ? range.value() : undefined;
  throw new TypeError('receiver must be optional');
}

/** Of its type: empty, nothing, no. */
function isZero(value: unknown): boolean {
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  if (isUnsigned(value)) return value.value === 0n;
  if (value?.constructor === Object) return Object.keys(value).length === 0;
  return value === null || value === '' || value === false || value === 0 || value === 0n;
}
