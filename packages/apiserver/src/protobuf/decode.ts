import type { ResolvedType } from '../schema/catalogue.ts';
import { isObject, type JsonObject } from '../schema/decode.ts';
import type { FieldSchema } from '../schema/notation.ts';
import { type Message, messageOf } from './message.ts';
import { absentScalar, bytesOf, isZero, scalarOf, scalarsOf } from './scalars.ts';
import { textOf, type WireField, wireFields } from './wire.ts';

/** A message as the JSON API has it. Numbers no table knows are of a newer client and left out. Throws 400. */
export function decodeMessage(type: ResolvedType, bytes: Buffer): JsonObject {
  const object: JsonObject = {};
  readFields(messageOf(type), bytes, object);
  return object;
}

function readFields(message: Message, bytes: Buffer, object: JsonObject): void {
  for (const wire of wireFields(bytes)) {
    const entry = message.entries.get(wire.number);
    if (!entry) continue;
    if ('embedded' in entry) {
      readFields(entry.embedded, bytesOf(wire), object);
      continue;
    }
    const { field, keepsZero } = entry;
    const below = message.type.typeOf(field);
    if (field.shape === 'list') readItems(object, { field, below }, wire);
    else if (field.shape === 'map') readMapEntry(object, { field, below }, wire);
    else readOne(object, { field, below, keepsZero }, wire);
  }
}

interface Target {
  readonly field: FieldSchema;
  readonly below: ResolvedType | undefined;
}

function readOne(
  object: JsonObject,
  { field, below, keepsZero }: Target & { readonly keepsZero: boolean },
  wire: WireField,
): void {
  const value = below ? decodeMessage(below, bytesOf(wire)) : scalarOf(field.type, wire);
  if (keepsZero || field.type === 'intOrString' || !isZero(value)) object[field.name] = value;
  else delete object[field.name];
}

function readItems(object: JsonObject, { field, below }: Target, wire: WireField): void {
  const items = below ? [decodeMessage(below, bytesOf(wire))] : scalarsOf(field.type, wire);
  const old = object[field.name];
  const list: unknown[] = Array.isArray(old) ? old : [];
  object[field.name] = list;
  for (const item of items) list.push(item);
}

/** A map is a list of messages { 1: key, 2: value }. */
function readMapEntry(object: JsonObject, { field, below }: Target, wire: WireField): void {
  let key = '';
  let value = below ? {} : absentScalar(field.type);
  for (const part of wireFields(bytesOf(wire))) {
    if (part.number === 1) key = textOf(bytesOf(part));
    else if (part.number === 2) value = below ? decodeMessage(below, bytesOf(part)) : scalarOf(field.type, part);
  }
  const old = object[field.name];
  const map = isObject(old) ? old : {};
  object[field.name] = map;
  // Assigning would take the key `__proto__` for the prototype.
  Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
}
