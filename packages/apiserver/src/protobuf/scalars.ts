import { malformed, packedVarints, textOf, type WireField, wireFields } from './wire.ts';

/** What a map entry without a value has; other scalars are empty strings. */
const ABSENT: Readonly<Record<string, unknown>> = { bool: false, int32: 0, int64: 0, quantity: '0' };

/** A scalar of the schema in its JSON form. */
export function scalarOf(type: string, wire: WireField): unknown {
  switch (type) {
    case 'bool':
      return varintOf(wire) !== 0n;
    case 'int32':
    case 'int64':
      return integer(type, varintOf(wire));
    case 'bytes':
      return bytesOf(wire).toString('base64');
    case 'time':
      return timeText(bytesOf(wire), 0);
    case 'microtime':
      return timeText(bytesOf(wire), 6);
    case 'quantity':
      return quantityText(bytesOf(wire));
    case 'intOrString':
      return intOrString(bytesOf(wire));
    case 'object':
      return rawJson(bytesOf(wire));
    default:
      return textOf(bytesOf(wire));
  }
}

/** The scalars of one occurrence of a repeated field: a list of numbers may come packed. */
export function scalarsOf(type: string, wire: WireField): unknown[] {
  if ((type === 'int32' || type === 'int64') && wire.wireType === 'bytes')
    return Array.from(packedVarints(wire.value), (value) => integer(type, value));
  return [scalarOf(type, wire)];
}

/** What the value of a map entry is when the wire does not have it. */
export function absentScalar(type: string): unknown {
  return ABSENT[type] ?? '';
}

export function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}

function varintOf(wire: WireField): bigint {
  if (wire.wireType !== 'varint') throw wrongWireType(wire);
  return wire.value;
}

export function bytesOf(wire: WireField): Buffer {
  if (wire.wireType !== 'bytes') throw wrongWireType(wire);
  return wire.value;
}

function wrongWireType({ number, wireType }: WireField): Error {
  return malformed(`wrong wireType ${wireType} for field ${number}`);
}

function integer(type: 'int32' | 'int64', value: bigint): number {
  return Number(BigInt.asIntN(type === 'int32' ? 32 : 64, value));
}

/** resource.Quantity: { 1: text }. */
function quantityText(bytes: Buffer): string {
  let text = '';
  for (const wire of wireFields(bytes)) if (wire.number === 1) text = textOf(bytesOf(wire));
  return text || '0';
}

/** util/intstr.IntOrString: { 1: 0 for a number, 1 for a string; 2: number; 3: string }. */
function intOrString(bytes: Buffer): number | string {
  let type = 0;
  let number = 0;
  let text = '';
  for (const wire of wireFields(bytes)) {
    if (wire.number === 1) type = integer('int32', varintOf(wire));
    else if (wire.number === 2) number = integer('int32', varintOf(wire));
    else if (wire.number === 3) text = textOf(bytesOf(wire));
  }
  if (type !== 0 && type !== 1) throw malformed('impossible IntOrString.Type');
  return type === 0 ? number : text;
}

/** meta/v1 Time and MicroTime: { 1: seconds since 1970, 2: nanoseconds }; the zero time is an empty message. */
function timeText(bytes: Buffer, digits: 0 | 6): string | null {
  if (bytes.length === 0) return null;
  let seconds = 0;
  let nanos = 0;
  for (const wire of wireFields(bytes)) {
    if (wire.number === 1) seconds = integer('int64', varintOf(wire));
    else if (wire.number === 2) nanos = integer('int32', varintOf(wire));
  }
  const date = new Date(seconds * 1000);
  // RFC 3339 has four digits for the year.
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9999)
    throw malformed('year outside of range [0,9999]');
  if (nanos < 0 || nanos >= 1e9) throw malformed('nanoseconds outside of range [0,999999999]');
  const fraction = digits === 0 ? '' : `.${String(nanos).padStart(9, '0').slice(0, digits)}`;
  return date.toISOString().replace(/\.\d+Z$/, `${fraction}Z`);
}

/** meta/v1 FieldsV1: { 1: JSON }. */
function rawJson(bytes: Buffer): unknown {
  let raw = '{}';
  for (const wire of wireFields(bytes)) if (wire.number === 1) raw = textOf(bytesOf(wire)) || raw;
  try {
    return JSON.parse(raw);
  } catch {
    throw malformed('an embedded document is not valid JSON');
  }
}
