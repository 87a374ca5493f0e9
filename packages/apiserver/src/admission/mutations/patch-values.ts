import type { Environment } from '@marcbachmann/cel-js';
import { spend } from '../../custom/cel/budget.ts';
import { durationText, isDuration } from '../../custom/cel/conversion-functions.ts';
import { BELOW, type StructClass } from '../../custom/cel/literal-macros.ts';
import { isUnsigned } from '../../custom/cel/number-types.ts';

/** `Object{...}` or `Object.spec{...}`: a part of an object, with fields of all names. */
class ObjectPart extends Map<string, unknown> {
  readonly typeName: string;
  constructor(typeName: string, fields: ReadonlyMap<string, unknown>) {
    super(fields);
    this.typeName = typeName;
  }
}

class WholeObject extends ObjectPart {
  static make = (typeName: string, fields: ReadonlyMap<string, unknown>) => new WholeObject(typeName, fields);
}

class ObjectField extends ObjectPart {
  static make = (typeName: string, fields: ReadonlyMap<string, unknown>) => new ObjectField(typeName, fields);
}

/** An operation of a JSON patch (RFC 6902). */
class JsonPatchValue extends Map<string, unknown> {
  static readonly fieldTypes = { op: 'string', path: 'string', from: 'string', value: null };
  static make = (_: string, fields: ReadonlyMap<string, unknown>) => new JsonPatchValue(fields);
}

const STRUCTS: Readonly<Record<string, StructClass & (new (...parts: never[]) => object)>> = {
  Object: WholeObject,
  [`Object.${BELOW}`]: ObjectField,
  JSONPatch: JsonPatchValue,
};

/** The types of mutations. */
export function registerPatchTypes(environment: Environment): void {
  for (const [name, ctor] of Object.entries(STRUCTS)) environment.registerType(name, { ctor });
}

/** An apply configuration as data. Throws where its types are not those of their places. */
export function configurationOf(value: unknown): Record<string, unknown> {
  if (!(value instanceof WholeObject)) throw new TypeError('the expression gave no Object');
  checkNames(value, value.typeName);
  return plainData(value) as Record<string, unknown>;
}

/** The operations of a JSON patch. */
export function operationsOf(value: unknown): readonly object[] {
  if (!Array.isArray(value)) throw new TypeError('the expression gave no list of JSONPatch');
  return value.map((operation) => {
    if (!(operation instanceof JsonPatchValue)) throw new TypeError('the expression gave no list of JSONPatch');
    const changed = operation.get('value');
    if (changed instanceof ObjectPart) checkNames(changed, changed.typeName);
    const from = operation.get('from') ? { from: operation.get('from') } : {};
    const given = changed === undefined ? {} : { value: plainData(changed) };
    return { op: operation.get('op') ?? '', path: operation.get('path') ?? '', ...from, ...given };
  });
}

/** What is in field `f` of an `Object.spec` is an `Object.spec.f`; lists and maps have no names. */
function checkNames(value: unknown, expected: string): void {
  spend(1);
  if (value instanceof ObjectPart) {
    if (value.typeName !== expected) {
      const [found, wanted] = [JSON.stringify(value.typeName), JSON.stringify(expected)];
      const why = `unexpected type name ${found}, expected ${wanted}, the path of its field from the root Object`;
      throw new TypeError(`type mismatch: ${why}`);
    }
    for (const [field, below] of value) checkNames(below, `${expected}.${field}`);
  } else if (Array.isArray(value) || value instanceof Map) {
    for (const below of value.values()) checkNames(below, expected);
  } else if (value?.constructor === Object) {
    for (const below of Object.values(value)) checkNames(below, expected);
  }
}

/** A value of an expression as JSON has it: what is in it twice, in few steps, is there twice. */
function plainData(value: unknown): unknown {
  spend(1);
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return Number(value);
  if (isUnsigned(value)) return Number(value.value);
  if (Array.isArray(value)) return value.map(plainData);
  if (value instanceof Map) return dataOfEntries([...value]);
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isDuration(value)) return durationText(value);
  if (value?.constructor === Object) return dataOfEntries(Object.entries(value));
  throw new TypeError('a value of this type is not known in JSON');
}

function dataOfEntries(entries: readonly (readonly [key: unknown, value: unknown])[]): Record<string, unknown> {
  const texts = entries.map(([key, value]) => [textKey(key), plainData(value)] as const);
  return Object.fromEntries(texts);
}

function textKey(key: unknown): string {
  // Copies are made by assignment, where this name would set the prototype.
  if (key === '__proto__') throw new TypeError('no field may be called __proto__');
  if (typeof key === 'string') return key;
  throw new TypeError('keys of maps must be texts in JSON');
}
