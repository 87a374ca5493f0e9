import { readAttributes } from '@podwire/kernel';
import { TYPES } from './data-type.ts';
import { lengthOf } from './expression-type.ts';
import type { DataType, NamedSet, SetElement, Verdict } from './model.ts';
import { readComment } from './userdata.ts';
import { decodeBounds, splitParts } from './value.ts';
import {
  DATA,
  DESCRIPTION,
  ELEMENT,
  ELEMENTS,
  INTERVAL_END,
  SET,
  SET_FLAG,
  UDATA,
  VERDICT,
  VERDICT_CODE,
  VERDICT_TYPE,
} from './wire.ts';

export type Attributes = ReadonlyMap<number, Buffer>;

/** Attributes by number; of repeated ones the last. */
export function attributeMap(bytes: Buffer | undefined): Attributes {
  return new Map((bytes ? readAttributes(bytes, 'nf_tables') : []).map(({ type, payload }) => [type, payload]));
}

export const textOf = (bytes: Buffer | undefined): string => (bytes ? bytes.toString().replace(/\0.*$/s, '') : '');
export const u32Of = (bytes: Buffer | undefined): number => (bytes && bytes.length >= 4 ? bytes.readUInt32BE(0) : 0);

const BY_NUMBER = new Map(
  (
    [
      'ipv4_addr',
      'ipv6_addr',
      'ether_addr',
      'inet_proto',
      'inet_service',
      'mark',
      'ifname',
      'icmp_type',
      'icmpv6_type',
    ] as const
  ).map((name): [number, DataType] => [TYPES[name].number, name]),
);

/** nft's number of a concatenation back to its parts; unknown types are left out. */
function typesFrom(number: number): DataType[] {
  const parts: DataType[] = [];
  for (; number > 0; number = Math.floor(number / 64)) {
    const type = BY_NUMBER.get(number % 64);
    if (type) parts.unshift(type);
  }
  return parts;
}

export interface SetHeader {
  readonly set: NamedSet;
  readonly anonymous: boolean;
}

/** A set as the kernel lists it, without elements. */
export function decodeSet(attributes: Attributes): SetHeader {
  const flags = u32Of(attributes.get(SET.flags));
  const dataType = u32Of(attributes.get(SET.dataType));
  const isMap = (flags & SET_FLAG.map) !== 0;
  const timeout = attributes.get(SET.timeout)?.readBigUInt64BE(0);
  const size = attributeMap(attributes.get(SET.description)).get(DESCRIPTION.size);
  const comment = readComment(attributes.get(SET.userdata), UDATA.setComment);
  const set: NamedSet = {
    name: textOf(attributes.get(SET.name)),
    key: typesFrom(u32Of(attributes.get(SET.keyType))),
    ...(isMap && { data: dataType === VERDICT_TYPE ? 'verdict' : typesFrom(dataType) }),
    ...(flags & SET_FLAG.interval && { interval: true }),
    ...(flags & SET_FLAG.eval && { dynamic: true }),
    ...(timeout ? { timeout: Number(timeout / 1000n) } : flags & SET_FLAG.timeout && { hasTimeouts: true }),
    ...(size && { size: u32Of(size) }),
    ...(attributes.has(SET.expression) && { counter: true }),
    ...(comment !== undefined && { comment }),
    elements: [],
  };
  return { set, anonymous: (flags & SET_FLAG.anonymous) !== 0 };
}

/** An entry of NFTA_SET_ELEM_LIST_ELEMENTS. */
export interface RawElement {
  readonly key: Buffer;
  readonly keyEnd?: Buffer;
  readonly attributes: Attributes;
  readonly end: boolean;
}

export function decodeRawElements(listAttributes: Buffer): RawElement[] {
  return readAttributes(listAttributes, 'set elements').map(({ payload }) => {
    const attributes = attributeMap(payload);
    const keyEnd = attributes.get(ELEMENT.keyEnd);
    return {
      key: attributeMap(attributes.get(ELEMENT.key)).get(DATA.value) ?? Buffer.alloc(0),
      ...(keyEnd && { keyEnd: attributeMap(keyEnd).get(DATA.value) ?? Buffer.alloc(0) }),
      attributes,
      end: (u32Of(attributes.get(ELEMENT.flags)) & INTERVAL_END) !== 0,
    };
  });
}

/** All elements of a dump, one NFT_MSG_NEWSETELEM after the other. */
export function rawElementsOf(messages: readonly Buffer[]): RawElement[] {
  return messages.flatMap((message) =>
    decodeRawElements(attributeMap(message).get(ELEMENTS.elements) ?? Buffer.alloc(0)),
  );
}

export function decodeElements(set: NamedSet, raw: readonly RawElement[]): SetElement[] {
  if (!set.interval || set.key.length > 1)
    return raw.map((entry) => decodeElement(set, entry, entry.keyEnd ?? entry.key));
  // Starts and ends come in no useful order. Behind a start comes its end, or the next range if they touch.
  const sorted = raw.toSorted((a, b) => Buffer.compare(a.key, b.key) || Number(b.end) - Number(a.end));
  return sorted.flatMap((entry, i) =>
    entry.end ? [] : [decodeElement(set, entry, lastBefore(sorted[i + 1]?.key, lengthOf(set.key)))],
  );
}

/** The value before `key`; without one, the greatest there is. */
function lastBefore(key: Buffer | undefined, length: number): Buffer {
  if (!key) return Buffer.alloc(length, 0xff);
  const before = Buffer.from(key);
  for (let i = before.length - 1; i >= 0; i--) {
    before[i] = ((before[i] ?? 0) - 1) & 255;
    if (before[i] !== 255) break;
  }
  return before;
}

function decodeElement(set: NamedSet, { key, attributes }: RawElement, keyEnd: Buffer): SetElement {
  const ends = splitParts(set.key, keyEnd);
  const data = set.data === undefined ? undefined : decodeData(set.data, attributeMap(attributes.get(ELEMENT.data)));
  const timeout = attributes.get(ELEMENT.timeout)?.readBigUInt64BE(0);
  const comment = readComment(attributes.get(ELEMENT.userdata));
  return {
    key: splitParts(set.key, key).map((from, i) => decodeBounds(set.key[i] as DataType, { from, to: ends[i] ?? from })),
    ...(data && { data }),
    ...(timeout && { timeout: Number(timeout / 1000n) }),
    ...(comment !== undefined && { comment }),
  };
}

function decodeData(types: NonNullable<NamedSet['data']>, data: Attributes): SetElement['data'] {
  if (types !== 'verdict')
    return splitParts(types, data.get(DATA.value) ?? Buffer.alloc(0)).map((part, i) =>
      TYPES[types[i] as DataType].decode(part),
    );
  const verdict = attributeMap(data.get(DATA.verdict));
  const code = u32Of(verdict.get(VERDICT.code)) | 0;
  const kind =
    (Object.keys(VERDICT_CODE) as (keyof typeof VERDICT_CODE)[]).find((name) => VERDICT_CODE[name] === code) ??
    'continue';
  return (
    kind === 'jump' || kind === 'goto' ? { kind, chain: textOf(verdict.get(VERDICT.chain)) } : { kind }
  ) as Verdict;
}
