import { parse } from '@marcbachmann/cel-js';
import { isObject, type JsonSchema, valuesSchema } from '../json-schema.ts';
import { largestCount } from './largest-count.ts';

/** How expressions see values of a schema: the name of their type in CEL, and how plain data becomes a value of it. */
export interface ValueType {
  readonly name: string;
  /** Undefined: expressions do not see the value (it is of another type than its schema says). */
  readonly convert: (value: unknown) => unknown;
  /** Of lists and maps. */
  readonly items?: ValueType;
  /** How many items an object of the largest size may have. */
  readonly size?: number;
  /** By their names in expressions. */
  readonly fields?: ReadonlyMap<string, ValueType>;
}

const toDuration = parse('duration(text)');
const TIMESTAMP = 'google.protobuf.Timestamp';
const DURATION = 'google.protobuf.Duration';

export const DYN: ValueType = { name: 'dyn', convert: dynamic };
export const STRING: ValueType = {
  name: 'string',
  convert: (value) => (typeof value === 'string' ? value : undefined),
};

const TIMES: ValueType = { name: TIMESTAMP, convert: toTimestamp };
const FORMATS: Readonly<Record<string, ValueType>> = {
  date: TIMES,
  'date-time': TIMES,
  datetime: TIMES,
  duration: { name: DURATION, convert: (text) => attempt(() => toDuration({ text })) },
  byte: { name: 'bytes', convert: (text) => (typeof text === 'string' ? Buffer.from(text, 'base64') : undefined) },
};
const SCALARS: Readonly<Record<string, ValueType>> = {
  boolean: { name: 'bool', convert: (value) => (typeof value === 'boolean' ? value : undefined) },
  integer: { name: 'int', convert: (value) => (Number.isInteger(value) ? BigInt(value as number) : undefined) },
  number: { name: 'double', convert: (value) => (typeof value === 'number' ? value : undefined) },
};

/** The type of values that are no objects with named properties; `typeOf` knows the types of what is in them. */
export function plainType(schema: JsonSchema, typeOf: (schema: JsonSchema) => ValueType): ValueType {
  if (schema['x-kubernetes-int-or-string']) return DYN;
  const values = valuesSchema(schema);
  if (schema.type === 'array') return listOf(schema.items ? typeOf(schema.items) : DYN, largestCount(schema));
  if (schema.type === 'object') return values ? mapOf(typeOf(values), largestCount(schema)) : DYN;
  if (schema.type === 'string') return FORMATS[schema.format ?? ''] ?? STRING;
  return SCALARS[schema.type ?? ''] ?? DYN;
}

function listOf(items: ValueType, size: number): ValueType {
  const convert = (value: unknown) =>
    Array.isArray(value) ? value.map(items.convert).filter((item) => item !== undefined) : undefined;
  return { name: `list<${items.name}>`, convert, items, size };
}

function mapOf(values: ValueType, size: number): ValueType {
  const convert = (value: unknown) => {
    if (!isObject(value)) return undefined;
    const entries = Object.entries(value).map(([key, one]) => [key, values.convert(one)] as const);
    return new Map(entries.filter(([, one]) => one !== undefined));
  };
  return { name: `map<string, ${values.name}>`, convert, items: values, size };
}

function toTimestamp(value: unknown): Date | undefined {
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Data no schema describes. */
function dynamic(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(dynamic);
  if (isObject(value)) return new Map(Object.entries(value).map(([key, one]) => [key, dynamic(one)]));
  return value;
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
