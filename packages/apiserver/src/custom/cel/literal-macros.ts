import { type Environment, Optional } from '@marcbachmann/cel-js';
import { OPTIONAL_ENTRY, STRUCT } from './literal-syntax.ts';
import type { Checker, Context, Evaluator, Macro, Type } from './macro.ts';
import type { Node } from './syntax-tree.ts';

/** A class whose values expressions may write as literals, by the name it is registered under. */
export interface StructClass {
  /** Types of fields by their names, null for any; absent: there are fields of all names. */
  readonly fieldTypes?: Readonly<Record<string, string | null>>;
  make(typeName: string, fields: ReadonlyMap<string, unknown>): object;
}

/** Where structs whose name has several parts are registered: `Object.spec` is an `Object.field`. */
export const BELOW = 'field';

/** Makes literals with optional entries ones that leave out what is not there. */
export function useOptionalEntries(node: Node): void {
  if (!Array.isArray(node.args)) return;
  const args: readonly unknown[] = node.args;
  if (node.op === 'list' && args.some((item) => optionalPart(item as Node)))
    node.setMeta('macro', new ListLiteral(args as readonly Node[]));
  if (node.op === 'map' && (args as readonly Entry[]).some(([key]) => optionalPart(key)))
    node.setMeta('macro', new MapLiteral(args as readonly Entry[]));
}

export function registerStructs(environment: Environment): void {
  environment.registerFunction(`${STRUCT}(ast, ast): dyn`, ({ args }: { readonly args: readonly [Node, Node] }) => {
    const [name, fields] = args;
    return new StructLiteral(String(name.args), fields);
  });
}

type Entry = readonly [key: Node, value: Node];

/** What is in the call that marks an optional entry. */
function optionalPart({ op, args }: Node): Node | undefined {
  if (op !== 'call' || !Array.isArray(args) || args[0] !== OPTIONAL_ENTRY) return undefined;
  return (args[1] as readonly Node[])[0];
}

/** Of a value that may be an optional one. */
function valueType(value: Node, isOptional: boolean, { checker, context }: Checking): Type {
  const type = checker.check(value, context);
  if (!isOptional || type.kind === 'dyn') return type;
  if (type.kind === 'optional') return type.valueType ?? checker.getType('dyn');
  const why = `expected type 'optional_type' but found '${type.name}'`;
  throw checker.createError('optional_expected', why, value);
}

interface Checking {
  readonly checker: Checker;
  readonly context: Context;
}

const unified = (types: readonly Type[], checker: Checker): Type =>
  types.reduce((one, other) => one.unify(checker.registry, other) ?? checker.getType('dyn'));

/** Undefined: it is left out. */
function present(value: unknown, isOptional: boolean, fail: (why: string) => Error): unknown {
  if (!isOptional) return value;
  if (!(value instanceof Optional)) throw fail('an entry with ? must have an optional value');
  return value.hasValue() ? value.value() : undefined;
}

class ListLiteral implements Macro {
  readonly async = false;
  readonly args: readonly Node[];
  readonly items: readonly { readonly value: Node; readonly isOptional: boolean }[];

  constructor(items: readonly Node[]) {
    this.args = items;
    this.items = items.map((item) => ({
      value: optionalPart(item) ?? item,
      isOptional: optionalPart(item) !== undefined,
    }));
  }

  typeCheck(checker: Checker, _macro: unknown, context: Context): Type {
    const types = this.items.map(({ value, isOptional }) => valueType(value, isOptional, { checker, context }));
    return checker.registry.getListType(unified(types, checker));
  }

  evaluate(evaluator: Evaluator, _macro: unknown, context: Context): unknown {
    return this.items.flatMap(({ value, isOptional }) => {
      const fail = (why: string) => evaluator.createError('optional_expected', why, value);
      const item = present(evaluator.run(value, context), isOptional, fail);
      return item === undefined ? [] : [item];
    });
  }
}

class MapLiteral implements Macro {
  readonly async = false;
  readonly args: readonly Entry[];
  readonly entries: readonly { readonly key: Node; readonly value: Node; readonly isOptional: boolean }[];

  constructor(entries: readonly Entry[]) {
    this.args = entries;
    this.entries = entries.map(([key, value]) => ({
      ...{ key: optionalPart(key) ?? key, value },
      isOptional: optionalPart(key) !== undefined,
    }));
  }

  typeCheck(checker: Checker, _macro: unknown, context: Context): Type {
    const keys = this.entries.map(({ key }) => checker.check(key, context));
    const values = this.entries.map(({ value, isOptional }) => valueType(value, isOptional, { checker, context }));
    return checker.registry.getMapType(unified(keys, checker), unified(values, checker));
  }

  evaluate(evaluator: Evaluator, _macro: unknown, context: Context): Map<unknown, unknown> {
    const result = new Map<unknown, unknown>();
    for (const { key, value, isOptional } of this.entries) {
      const name = evaluator.run(key, context);
      const fail = (why: string) => evaluator.createError('optional_expected', why, value);
      const member = present(evaluator.run(value, context), isOptional, fail);
      if (member !== undefined) result.set(name, member);
    }
    return result;
  }
}

/** `Object.spec{replicas: 1}`: a value of a class that is registered. */
class StructLiteral implements Macro {
  readonly async = false;
  readonly name: string;
  readonly args: readonly Node[];
  readonly #map: MapLiteral;
  #class: StructClass | undefined;

  constructor(name: string, fields: Node) {
    this.name = name;
    this.args = [fields];
    this.#map = new MapLiteral(fields.args as readonly Entry[]);
  }

  typeCheck(checker: Checker, _macro: unknown, context: Context): Type {
    const [root = '', ...below] = this.name.split('.');
    const typeName = below.length > 0 ? `${root}.${BELOW}` : root;
    const declared = checker.objectTypes.get(typeName);
    if (!declared || !('make' in declared.ctor))
      throw checker.createError('unknown_type', `undeclared reference to '${this.name}'`, this.args[0]);
    this.#class = declared.ctor as StructClass;
    const { fieldTypes } = this.#class;
    for (const { key, value, isOptional } of this.#map.entries) {
      const type = valueType(value, isOptional, { checker, context });
      if (fieldTypes) this.#checkField(String(key.args), type, { checker, node: value });
    }
    return checker.getType(typeName);
  }

  #checkField(field: string, { kind, name }: Type, { checker, node }: { checker: Checker; node: Node }): void {
    const wanted = this.#class?.fieldTypes?.[field];
    if (wanted === undefined) throw checker.createError('undefined_field', `undefined field '${field}'`, node);
    if (wanted === null || kind === 'dyn' || name === wanted) return;
    const why = `expected type of field '${field}' is '${wanted}' but provided type is '${name}'`;
    throw checker.createError('invalid_field_type', why, node);
  }

  evaluate(evaluator: Evaluator, _self: unknown, context: Context): unknown {
    const fields = this.#map.evaluate(evaluator, this.#map, context);
    return this.#class?.make(this.name, fields as ReadonlyMap<string, unknown>);
  }
}
