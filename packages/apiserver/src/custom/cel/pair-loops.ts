import type { Environment } from '@marcbachmann/cel-js';
import { BudgetError, spend } from './budget.ts';
import { Loop, type LoopPlan, type Turns } from './loop.ts';
import { type Checker, registerMacro, type Type } from './macro.ts';

type Entry = readonly [key: unknown, value: unknown];

/** Macros of two variables (index and item, or key and value), of which the rest is evaluated for each member. */
export function registerPairLoops(environment: Environment): void {
  const register = (name: string, counts: readonly number[], plan: LoopPlan) => {
    for (const count of counts) registerMacro(environment, name, count, (call) => new Loop(name, call, 2, plan));
  };
  register('all', [3], quantifier(false));
  register('exists', [3], quantifier(true));
  for (const name of ['exists_one', 'existsOne']) register(name, [3], exactlyOne);
  register('transformList', [3, 4], toList);
  register('transformMap', [3, 4], toMap);
  register('transformMapEntry', [3, 4], toEntries);
}

function variables({ kind, keyType, valueType }: Type, checker: Checker): readonly Type[] | undefined {
  const dyn = checker.getType('dyn');
  if (kind === 'list') return [checker.getType('int'), valueType ?? dyn];
  if (kind === 'map') return [keyType ?? dyn, valueType ?? dyn];
  return kind === 'dyn' ? [dyn, dyn] : undefined;
}

const toBool = (checker: Checker) => checker.getType('bool');

/** Ends at the first `decisive` one; an error counts only when there is none. */
function quantifier(decisive: boolean): LoopPlan {
  return {
    variables,
    result: toBool,
    isPredicate: () => true,
    run: (loop, range, turn) => {
      let error: unknown;
      for (const entry of entriesOf(range)) {
        const turns = turn(entry);
        const result = turns.attempt(0);
        if (result === decisive) return result;
        if (result === !decisive) continue;
        if (result instanceof BudgetError) throw result;
        error ??= result instanceof Error ? result : turns.fail(`${loop.name}(...) predicate must return bool`);
      }
      if (error !== undefined) throw error;
      return !decisive;
    },
  };
}

const exactlyOne: LoopPlan = {
  variables,
  result: toBool,
  isPredicate: () => true,
  run: (loop, range, turn) => {
    let count = 0;
    for (const entry of entriesOf(range)) if (isWanted(loop, turn(entry))) count++;
    return count === 1;
  },
};

const toList: LoopPlan = {
  variables,
  result: ({ registry }, _range, parts) => registry.getListType(lastOf(parts)),
  isPredicate: (parts) => parts > 1,
  run: (loop, range, turn) => entriesOf(range).flatMap((entry) => transformed(loop, turn(entry))),
};

const toMap: LoopPlan = {
  variables,
  result: (checker, range, parts) => {
    const [key = checker.getType('dyn')] = variables(range, checker) ?? [];
    return checker.registry.getMapType(key, lastOf(parts));
  },
  isPredicate: (parts) => parts > 1,
  run: (loop, range, turn) =>
    new Map(entriesOf(range).flatMap((entry) => transformed(loop, turn(entry)).map((value) => [entry[0], value]))),
};

const toEntries: LoopPlan = {
  variables,
  result: (_checker, _range, parts) => lastOf(parts),
  isPredicate: (parts) => parts > 1,
  run: (loop, range, turn) => {
    const map = new Map<unknown, unknown>();
    for (const entry of entriesOf(range)) {
      const turns = turn(entry);
      for (const [key, value] of transformed(loop, turns).flatMap(entriesOf)) {
        if (map.has(key)) throw turns.fail(`insert failed: key '${key}' already exists`);
        map.set(key, value);
      }
    }
    return map;
  },
};

/** What the last part makes of a member; nothing when there is a filter that leaves it out. */
function transformed(loop: Loop, turns: Turns): readonly unknown[] {
  if (loop.parts.length > 1 && !isWanted(loop, turns)) return [];
  return [turns.evaluate(loop.parts.length - 1)];
}

function isWanted(loop: Loop, turns: Turns): boolean {
  const result = turns.evaluate(0);
  if (typeof result !== 'boolean') throw turns.fail(`${loop.name}(...) predicate must return bool`);
  return result;
}

function lastOf(parts: readonly Type[]): Type {
  const type = parts.at(-1);
  if (!type) throw new RangeError('a loop has at least one part');
  return type;
}

function entriesOf(range: unknown): readonly Entry[] {
  const entries = allEntries(range);
  spend(entries.length);
  return entries;
}

function allEntries(range: unknown): readonly Entry[] {
  if (Array.isArray(range)) return range.map((value, index) => [BigInt(index), value]);
  if (range instanceof Map) return [...range];
  if (typeof range === 'object' && range !== null) return Object.entries(range);
  throw new TypeError('only lists and maps can be the range of a comprehension');
}
