import { isQuantity, QUANTITY_MESSAGE } from '@podwire/kube';
import type { ResolvedType } from './catalogue.ts';
import type { FieldSchema } from './notation.ts';

export type JsonObject = { [field: string]: unknown };

export interface Decoded {
  /** A deep copy without unknown fields and nulls. */
  readonly object: JsonObject;
  /** `unknown field "spec.foo"`, in document order. */
  readonly unknown: readonly string[];
  /** The first value of a wrong type, in the words of Go's decoder. */
  readonly error?: string;
}

class DecodeError extends Error {}

const INTEGER_LIMIT = { int32: 2 ** 31, int64: Number.MAX_SAFE_INTEGER + 1 } as const;

export interface DecodeOptions {
  /** An object of the type that was decoded before: what the input has in common with it by identity is kept as it is. */
  readonly old?: JsonObject | undefined;
  /** Whether only whole fields of the object are kept, or parts of them too, as always of metadata and status. */
  readonly keep: 'fields' | 'parts';
}

/** Reads plain JSON data as a type, as the real server's strict decoder does (sigs.k8s.io/json). Never throws. */
export function decode(type: ResolvedType, input: unknown, { old, keep }: DecodeOptions = { keep: 'fields' }): Decoded {
  const unknown: string[] = [];
  const context: Context = { unknown, deep: keep === 'parts' };
  try {
    return { object: decodeObject(type, { value: input, old }, ROOT, context), unknown };
  } catch (error) {
    if (error instanceof DecodeError) return { object: {}, unknown, error: error.message };
    throw error;
  }
}

/** Where a value is: with indexes (for unknown fields), without (for Go), and the Go struct that holds it. */
interface Place {
  readonly path: string;
  readonly names: string;
  readonly owner: string;
}

const ROOT: Place = { path: '', names: '', owner: '' };

interface Context {
  readonly unknown: string[];
  readonly deep: boolean;
}

/** A value, and what was there before it. */
interface Given {
  readonly value: unknown;
  readonly old: unknown;
}

function decodeObject(type: ResolvedType, { value: input, old }: Given, at: Place, context: Context): JsonObject {
  if (!isObject(input)) throw mismatch(input, at, `v1.${type.name}`);
  const result: JsonObject = {};
  const before: JsonObject = isObject(old) ? old : NOTHING;
  // Neither of Object.keys nor with more objects than are needed: all of a write that is not as it was comes here.
  for (const name in input) {
    const value = input[name];
    const field = type.fields.get(name);
    if (field && value !== undefined && value !== null) {
      const known = value === before[name] || (typeof value === 'string' && isText(field));
      result[name] = known ? value : decodeField(type, field, { value, old: before[name] }, within(name, at, context));
    } else if (!field) {
      context.unknown.push(`unknown field ${JSON.stringify(at.path ? `${at.path}.${name}` : name)}`);
    }
  }
  return result;
}

/** Where no default is put in below the first level. */
const KEPT_IN_PARTS: ReadonlySet<string> = new Set(['metadata', 'status']);
const NOTHING: JsonObject = Object.freeze({});
const isText = ({ type, shape }: FieldSchema): boolean => type === 'string' && shape === 'one';

interface Within {
  readonly at: Place;
  readonly context: Context;
}

function within(name: string, at: Place, context: Context): Within {
  const isKept = at === ROOT && !context.deep && KEPT_IN_PARTS.has(name);
  return { at, context: isKept ? { unknown: context.unknown, deep: true } : context };
}

function decodeField(type: ResolvedType, field: FieldSchema, { value, old }: Given, { at, context }: Within): unknown {
  const { name } = field;
  const below = type.typeOf(field);
  const place: Place = {
    path: at.path ? `${at.path}.${name}` : name,
    names: at.names ? `${at.names}.${name}` : name,
    owner: type.name,
  };
  const one = (item: unknown, before: unknown, where: Place): unknown => {
    if (!below) return decodeScalar(field.type, item, where);
    if (context.deep && item === before) return item;
    return decodeObject(below, { value: item, old: context.deep ? before : undefined }, where, context);
  };
  const goName = goType(field, below);
  if (field.shape === 'list') {
    if (!Array.isArray(value)) throw mismatch(value, place, `[]${goName}`);
    const before = Array.isArray(old) ? old : [];
    const items = value.map((item, index) =>
      item === null ? null : one(item, before[index], { ...place, path: `${place.path}[${index}]` }),
    );
    return items.includes(null) ? items.filter((item) => item !== null) : items;
  }
  if (field.shape === 'map') {
    if (!isObject(value)) throw mismatch(value, place, `map[string]${goName}`);
    const before = isObject(old) ? old : NOTHING;
    const entries = Object.entries(value).map(([key, item]) => [key, one(item ?? '', before[key], place)]);
    return Object.fromEntries(entries);
  }
  return one(value, old, place);
}

function goType(field: FieldSchema, below: ResolvedType | undefined): string {
  if (below) return `v1.${below.name}`;
  if (field.type === 'bytes') return '[]uint8';
  if (field.type === 'number') return 'float64';
  if (field.type === 'quantity') return 'resource.Quantity';
  return field.type;
}

function decodeScalar(type: string, value: unknown, at: Place): unknown {
  switch (type) {
    case 'int32':
    case 'int64':
      return decodeInteger(type, value, at);
    case 'number':
      if (typeof value !== 'number') throw mismatch(value, at, 'float64');
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(value, at, 'bool');
      return value;
    case 'intOrString':
      if (typeof value === 'string') return value;
      if (typeof value === 'number' && Number.isInteger(value)) return value;
      throw new DecodeError(`json: cannot unmarshal ${jsonWord(value)} into Go value of type int32`);
    case 'quantity':
      return decodeQuantity(value);
    case 'object':
    case 'any':
      return structuredClone(value);
    default:
      return decodeText(type, value, at);
  }
}

function decodeInteger(type: 'int32' | 'int64', value: unknown, at: Place): number {
  if (typeof value !== 'number') throw mismatch(value, at, type);
  const limit = INTEGER_LIMIT[type];
  if (Number.isInteger(value) && value < limit && value >= -limit) return value;
  throw mismatch(value, at, type, `number ${value}`);
}

function decodeQuantity(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text === 'string' && isQuantity(text)) return text;
  throw new DecodeError(QUANTITY_MESSAGE);
}

function decodeText(type: string, value: unknown, at: Place): string {
  if (typeof value !== 'string') throw mismatch(value, at, 'string');
  if (type === 'bytes') {
    const wrong = base64Error(value);
    if (wrong !== undefined) throw new DecodeError(`illegal base64 data at input byte ${wrong}`);
  }
  if ((type === 'time' || type === 'microtime') && !isTime(value)) {
    const layout = type === 'time' ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00';
    throw new DecodeError(
      `parsing time ${JSON.stringify(value)} as "${layout}": cannot parse ${JSON.stringify(value)} as "2006"`,
    );
  }
  return value;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function isTime(text: string): boolean {
  return TIME.test(text) && !Number.isNaN(Date.parse(text));
}

/** The index of the first character that is not standard base64; undefined when all is well. */
function base64Error(text: string): number | undefined {
  const plain = text.replace(/[\r\n]/g, '');
  const bad = plain.search(/[^A-Za-z0-9+/]/);
  const end = bad < 0 ? plain.length : bad;
  if (bad >= 0 && !/^={1,2}$/.test(plain.slice(bad))) return bad;
  return plain.length % 4 === 0 ? undefined : end;
}

function mismatch(value: unknown, at: Place, wanted: string, word = jsonWord(value)): DecodeError {
  const field = at.owner ? `struct field ${at.owner}.${at.names}` : 'value';
  return new DecodeError(`json: cannot unmarshal ${word} into Go ${field} of type ${wanted}`);
}

function jsonWord(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return value === null ? 'null' : typeof value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
