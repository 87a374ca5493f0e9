import type { Environment } from '@marcbachmann/cel-js';
import { spend } from './budget.ts';
import { type Call, type Checker, type Macro, registerMacro, type Type } from './macro.ts';
import { isNumeric, LEAST_INT, type Numeric, plainNumber, type Whole, wrapped } from './number-types.ts';

class MathNamespace {}

const MOST_ARGUMENTS = 16;
const DOUBLES: Readonly<Record<string, (x: number) => number>> = {
  ceil: Math.ceil,
  floor: Math.floor,
  trunc: Math.trunc,
  // Halves go away from zero.
  round: (x) => Math.sign(x) * Math.round(Math.abs(x)),
};
const TESTS: Readonly<Record<string, (x: number) => boolean>> = {
  isNaN: Number.isNaN,
  isFinite: Number.isFinite,
  isInf: (x) => !Number.isNaN(x) && !Number.isFinite(x),
};
const BITS: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  bitAnd: (a, b) => a & b,
  bitOr: (a, b) => a | b,
  bitXor: (a, b) => a ^ b,
};
const SHIFTS: Readonly<Record<string, (bits: bigint, by: bigint) => bigint>> = {
  bitShiftLeft: (bits, by) => bits << by,
  // Without regard to a sign.
  bitShiftRight: (bits, by) => BigInt.asUintN(64, bits) >> by,
};
const KINDS = ['int', 'uint', 'double'];

/** The math library of CEL. */
export function registerMath(environment: Environment): void {
  environment
    .registerType('MathNamespace', MathNamespace)
    .registerConstant('math', 'MathNamespace', new MathNamespace());
  for (const [name, run] of Object.entries(DOUBLES))
    environment.registerFunction(`MathNamespace.${name}(double): double`, (_: unknown, x: number) => run(x));
  for (const [name, run] of Object.entries(TESTS))
    environment.registerFunction(`MathNamespace.${name}(double): bool`, (_: unknown, x: number) => run(x));
  for (const kind of KINDS) {
    environment
      .registerFunction(`MathNamespace.abs(${kind}): ${kind}`, (_: unknown, x: Numeric) => absolute(x))
      .registerFunction(`MathNamespace.sign(${kind}): ${kind}`, (_: unknown, x: Numeric) => signOf(x))
      .registerFunction(`MathNamespace.sqrt(${kind}): double`, (_: unknown, x: Numeric) =>
        Math.sqrt(Number(plainNumber(x))),
      );
  }
  registerBits(environment);
  for (let count = 1; count <= MOST_ARGUMENTS; count++) {
    registerMacro(environment, 'least', count, (call) => extreme('least', call, (a, b) => a < b));
    registerMacro(environment, 'greatest', count, (call) => extreme('greatest', call, (a, b) => a > b));
  }
}

function registerBits(environment: Environment): void {
  const value = (x: Whole) => plainNumber(x) as bigint;
  for (const kind of ['int', 'uint']) {
    for (const [name, run] of Object.entries(BITS)) {
      environment.registerFunction(
        `MathNamespace.${name}(${kind}, ${kind}): ${kind}`,
        (_: unknown, a: Whole, b: Whole) => wrapped(run(value(a), value(b)), a),
      );
    }
    environment.registerFunction(`MathNamespace.bitNot(${kind}): ${kind}`, (_: unknown, x: Whole) =>
      wrapped(~value(x), x),
    );
    for (const [name, run] of Object.entries(SHIFTS)) {
      environment.registerFunction(
        `MathNamespace.${name}(${kind}, int): ${kind}`,
        (_: unknown, x: Whole, by: bigint) => {
          if (by < 0n) throw new RangeError(`math.${name}() negative offset: ${by}`);
          return wrapped(by > 63n ? 0n : run(value(x), by), x);
        },
      );
    }
  }
}

function absolute(x: Numeric): Numeric {
  if (typeof x === 'number') return Math.abs(x);
  if (x === LEAST_INT) throw new RangeError('integer overflow');
  return typeof x === 'bigint' && x < 0n ? -x : x;
}

function signOf(x: Numeric): Numeric {
  if (typeof x === 'number') return Math.sign(x);
  const value = plainNumber(x);
  return wrapped(value > 0 ? 1n : value < 0 ? -1n : 0n, x);
}

/** `math.least(1, 2u, 3.0)` or `math.least(list)`: of any number of arguments, so it cannot be a function. */
function extreme(name: string, { receiver, args, ast }: Call, isBetter: (a: Numeric, b: Numeric) => boolean): Macro {
  const typeCheck: Macro['typeCheck'] = (checker, _macro, context) => {
    const types = args.map((argument) => checker.check(argument, context));
    const [only] = types;
    const isList = types.length === 1 && only?.kind === 'list';
    const owner = checker.check(receiver, context);
    const all = isList && only.valueType ? [only.valueType] : types;
    if (owner.name === 'MathNamespace' && all.every(isNumberType)) return commonType(all, checker);
    const shown = types.map((type) => type.name).join(', ');
    throw checker.createError('no_matching_overload', `found no matching overload for 'math.${name}(${shown})'`, ast);
  };
  return {
    async: false,
    typeCheck,
    evaluate: (evaluator, _macro, context) => {
      const values = args.map((argument) => evaluator.run(argument, context));
      const all: readonly unknown[] = values.length === 1 && Array.isArray(values[0]) ? values[0] : values;
      spend(all.length / 10);
      if (all.length === 0)
        throw evaluator.createError('empty_list', `math.${name}(list) argument must not be empty`, ast);
      if (!all.every(isNumeric)) throw evaluator.createError('no_such_overload', `no such overload: math.${name}`, ast);
      return all.reduce((best, one) => (isBetter(plainNumber(one), plainNumber(best)) ? one : best));
    },
  };
}

const isNumberType = ({ kind, name }: Type): boolean => KINDS.includes(name) || kind === 'dyn' || kind === 'param';

function commonType(types: readonly Type[], checker: Checker): Type {
  const [first] = types;
  return first && types.every((type) => type === first) ? first : checker.getType('dyn');
}
