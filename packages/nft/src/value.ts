import { formatIp } from '@podwire/base';
import { paddedLength, prefixBounds, TYPES, type ValueType } from './data-type.ts';
import { nftError } from './errors.ts';
import type { Value } from './model.ts';
import { compareValues, isTurned } from './value-order.ts';

/** A value as bytes in the order of its type: `from` equals `to` unless it is a range or a prefix. */
export interface Bounds {
  readonly from: Buffer;
  readonly to: Buffer;
}

const isRange = (value: Value): value is Extract<Value, object> => typeof value === 'object';

/** Whether the value stands for more than one. */
export function isInterval(value: Value): boolean {
  if (typeof value !== 'string') return typeof value === 'object';
  return (value.includes('/') && prefixBounds(value) !== undefined) || isWildcard('ifname', value);
}

/** Whether a set of these elements, or a rule's own, needs ranges. */
export const hasRanges = (elements: readonly { readonly key: readonly Value[] }[]): boolean =>
  elements.some(({ key }) => key.some(isInterval));

/** `eth*`: every interface whose name begins so. */
export function isWildcard(type: ValueType, value: Value): value is string {
  return type === 'ifname' && typeof value === 'string' && value.length > 1 && value.endsWith('*');
}

/** The names from the one that is only the beginning to the one that goes on with the greatest bytes. */
function wildcardBounds(text: string): Bounds {
  const from = TYPES.ifname.encode(text.slice(0, -1));
  const to = Buffer.from(from).fill(0xff, Buffer.byteLength(text) - 1);
  return { from, to };
}

export function encodeBounds(type: ValueType, value: Value): Bounds {
  const info = TYPES[type];
  if (isRange(value)) {
    const [from, to] = [info.encode(value.from), info.encode(value.to)];
    if (info.order === 'host' && info.length > 8)
      throw nftError('NFT_BAD_VALUE', `${type} has no ranges; list the values`);
    if (compareValues(type, from, to) > 0)
      throw nftError('NFT_BAD_VALUE', `range ${value.from}-${value.to} is upside down`);
    return { from, to };
  }
  if (isWildcard(type, value)) return wildcardBounds(value);
  const bounds = typeof value === 'string' ? prefixBounds(value) : undefined;
  if (bounds && bounds.from.length === info.length && info.length !== 6) return bounds;
  const bytes = info.encode(value);
  return { from: bytes, to: bytes };
}

/** The bytes in the order in which sets with ranges compare them. */
export function inIntervalOrder(type: ValueType, bytes: Buffer): Buffer {
  return isTurned(type) ? Buffer.from(bytes).reverse() : bytes;
}

/** A single value as bytes; throws NFT_BAD_VALUE for a range or prefix. */
export function encodeValue(type: ValueType, value: Value): Buffer {
  const { from, to } = encodeBounds(type, value);
  if (from !== to && !from.equals(to))
    throw nftError('NFT_BAD_VALUE', `${JSON.stringify(value)} is not a single ${type}`);
  return from;
}

/** Parts of a concatenation, each padded to 4 bytes as in registers; a single part is not padded. */
export function joinParts(parts: readonly Buffer[]): Buffer {
  if (parts.length === 1) return parts[0] as Buffer;
  return Buffer.concat(parts.flatMap((part) => [part, Buffer.alloc(paddedLength(part.length) - part.length)]));
}

export function splitParts(types: readonly ValueType[], bytes: Buffer): Buffer[] {
  let offset = 0;
  return types.map((type) => {
    const part = bytes.subarray(offset, offset + TYPES[type].length);
    offset += paddedLength(TYPES[type].length);
    return part;
  });
}

export function formatValue(type: ValueType, value: Value): string {
  const info = TYPES[type];
  if (isRange(value)) {
    const end = info.formatEnd ?? info.format;
    return `${end(value.from)}-${end(value.to)}`;
  }
  if (isWildcard(type, value)) return `"${info.decode(wildcardBounds(value).from)}*"`;
  const bounds = typeof value === 'string' ? prefixBounds(value) : undefined;
  if (bounds) return `${formatIp(bounds.from)}/${bounds.length}`;
  return info.format(value);
}

/** Bytes back to the shortest value that means them: a single value, a prefix, or a range. */
export function decodeBounds(type: ValueType, { from, to }: Bounds): Value {
  const info = TYPES[type];
  if (from.equals(to)) return info.decode(from);
  if (type === 'ipv4_addr' || type === 'ipv6_addr') {
    for (let length = 0; length <= 8 * info.length; length++) {
      const bounds = prefixBounds(`${formatIp(from)}/${length}`);
      if (bounds?.from.equals(from) && bounds.to.equals(to)) return `${formatIp(from)}/${length}`;
    }
  }
  if (type === 'ifname' && to.at(-1) === 0xff) return `${info.decode(from)}*`;
  return { from: info.decode(from), to: info.decode(to) };
}
