import type { AttributesOf } from '@podwire/kernel';
import type { nftData, nftElement, nftSet } from '@podwire/kernel/nfnetlink';
import { TYPES, type ValueType } from './data-type.ts';
import { statefulList } from './decode-state.ts';
import type { SetShape } from './encode-set.ts';
import { lengthOf } from './expression-type.ts';
import type { DataType, NamedSet, ObjectKind, SetElement, Verdict } from './model.ts';
import { readComment, readFlag } from './read-userdata.ts';
import { Inexpressible } from './term.ts';
import { decodeBounds, splitParts } from './value.ts';
import { UDATA, VERDICT_TYPE } from './wire.ts';

type SetAttributes = AttributesOf<(typeof nftSet)['rows']>;
export type ElementAttributes = AttributesOf<(typeof nftElement)['rows']>;
type DataAttributes = AttributesOf<(typeof nftData)['rows']>;

/** Types by nft's number; `integer` is not one, for it has no length. */
const BY_NUMBER = new Map(
  (Object.keys(TYPES) as ValueType[])
    .filter((type) => TYPES[type].number !== TYPES.integer8.number)
    .map((type) => [TYPES[type].number, type as DataType]),
);
/** What stands for numbers of a type without a name in the model, by length. */
const BY_LENGTH: Readonly<Record<number, DataType>> = { 1: 'inet_proto', 2: 'inet_service', 4: 'mark', 16: 'ifname' };

/** nft's number of a concatenation back to its parts. */
function typesFrom(number = 0, length = 0): DataType[] {
  const numbers: number[] = [];
  for (let rest = number; rest > 0; rest = Math.floor(rest / 64)) numbers.unshift(rest % 64);
  const fallback = BY_LENGTH[length] ?? 'ipv6_addr';
  return numbers.map((one) => BY_NUMBER.get(one) ?? (numbers.length === 1 ? fallback : 'mark'));
}

export interface SetHeader {
  readonly set: NamedSet;
  readonly anonymous: boolean;
}

/** A set as the kernel lists it, without elements. */
export function decodeSet(attributes: SetAttributes): SetHeader {
  const { name = '', flags = [], timeout = 0n, gcInterval, policy, description, userdata } = attributes;
  const isMap = flags.includes('map');
  const verdicts = attributes.dataType === VERDICT_TYPE;
  const statements = statefulList(attributes.expression, attributes.expressions);
  const counter = statements.length === 1 && statements[0]?.kind === 'counter';
  const comment = readComment(userdata, UDATA.setComment);
  const objects = attributes.objectType as ObjectKind | undefined;
  const set: NamedSet = {
    name,
    key: typesFrom(attributes.keyType, attributes.keyLength),
    ...(isMap && { data: verdicts ? ('verdict' as const) : typesFrom(attributes.dataType, attributes.dataLength) }),
    ...(objects !== undefined && { objects }),
    ...(flags.includes('interval') && { interval: true }),
    ...(readFlag(userdata, UDATA.dataInterval) && { dataInterval: true }),
    ...(readFlag(userdata, UDATA.mergeElements) && { autoMerge: true }),
    ...(flags.includes('constant') && { constant: true }),
    ...(flags.includes('dynamic') && { dynamic: true }),
    ...(timeout ? { timeout: Number(timeout) / 1000 } : flags.includes('timeout') && { hasTimeouts: true }),
    ...(gcInterval && { gcInterval: gcInterval / 1000 }),
    ...(description?.size !== undefined && { size: description.size }),
    ...(policy === 'memory' && { policy }),
    ...(counter ? { counter } : statements.length > 0 && { statements }),
    ...(comment !== undefined && { comment }),
    elements: [],
  };
  return { set, anonymous: flags.includes('anonymous') };
}

const bytesOf = (data: DataAttributes | undefined): Buffer => Buffer.from(data?.value ?? []);

/** The elements of a set, in the order in which they are listed; ranges in the order of their numbers. */
export function decodeElements(set: SetShape, raw: readonly ElementAttributes[]): SetElement[] {
  const [rest, catchAll] = [raw.filter((entry) => !isCatchAll(entry)), raw.filter(isCatchAll)];
  const tail = catchAll.map((entry): SetElement => ({ key: ['*'], ...contentOf(set, entry) }));
  if (!set.interval || set.key.length > 1)
    return [...rest.map((entry) => decodeElement(set, entry, bytesOf(entry.keyEnd ?? entry.key))), ...tail];
  // Starts and ends come in no useful order. Behind a start comes its end, or the next range if they touch.
  const isEnd = (entry: ElementAttributes) => entry.flags?.includes('end') ?? false;
  const sorted = rest
    .map((entry) => ({ entry, key: bytesOf(entry.key), end: isEnd(entry) }))
    .toSorted((a, b) => Buffer.compare(a.key, b.key) || Number(b.end) - Number(a.end));
  const ranges = sorted.flatMap(({ entry, end }, i) =>
    end ? [] : [decodeElement(set, entry, lastBefore(sorted[i + 1]?.key, lengthOf(set.key)))],
  );
  return [...ranges, ...tail];
}

const isCatchAll = (entry: ElementAttributes): boolean => entry.flags?.includes('catchall') ?? false;

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

function partsOf(types: readonly ValueType[], bytes: Buffer): Buffer[] {
  if (bytes.length < lengthOf(types)) throw new Inexpressible(`${bytes.length} bytes as ${types.join(' . ')}`);
  return splitParts(types, bytes);
}

function decodeElement(set: SetShape, entry: ElementAttributes, keyEnd: Buffer): SetElement {
  const ends = partsOf(set.key, keyEnd);
  const key = partsOf(set.key, bytesOf(entry.key)).map((from, i) => {
    const type = set.key[i] as ValueType;
    return decodeBounds(type, inOrder(set, type, { from, to: ends[i] ?? from }));
  });
  return { key, ...contentOf(set, entry) };
}

/** Numbers of the host's byte order stand in sets with ranges in network order, for there the order of bytes counts. */
function inOrder(set: SetShape, type: ValueType, bounds: { from: Buffer; to: Buffer }): { from: Buffer; to: Buffer } {
  if (!set.interval || TYPES[type].order === 'big' || TYPES[type].length > 8) return bounds;
  return { from: Buffer.from(bounds.from).reverse(), to: Buffer.from(bounds.to).reverse() };
}

function contentOf(set: SetShape, entry: ElementAttributes): Omit<SetElement, 'key'> {
  const { timeout, expiration, object, userdata } = entry;
  const data = set.data === undefined ? undefined : decodeData(set, entry.data);
  const statements = statefulList(entry.expression, entry.expressions);
  const comment = readComment(userdata);
  return {
    ...(data && { data }),
    ...(object !== undefined && { object }),
    ...(timeout && { timeout: Number(timeout) / 1000 }),
    ...(expiration && { expires: Number(expiration) / 1000 }),
    ...(statements.length > 0 && { statements }),
    ...(comment !== undefined && { comment }),
  };
}

function decodeData({ data: types, dataInterval }: SetShape, data: DataAttributes | undefined): SetElement['data'] {
  if (types === 'verdict') return verdictOf(data);
  const bytes = bytesOf(data);
  if (types === undefined || !dataInterval)
    return partsOf(types ?? [], bytes).map((part, i) => TYPES[types?.[i] as ValueType].decode(part));
  const parts = partsOf([...types, ...types], bytes);
  return types.map((type, i) => {
    const from = parts[i] ?? Buffer.alloc(0);
    return decodeBounds(type, { from, to: parts[types.length + i] ?? from });
  });
}

export function verdictOf(data: DataAttributes | undefined): Verdict {
  const { code, chain = '' } = data?.verdict ?? {};
  switch (code) {
    case 'jump':
    case 'goto':
      return { kind: code, chain };
    case 'accept':
    case 'drop':
    case 'continue':
    case 'return':
      return { kind: code };
    default:
      throw new Inexpressible(`verdict ${code}`);
  }
}
