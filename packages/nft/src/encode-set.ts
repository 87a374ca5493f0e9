import type { AttributeWriter } from './attribute-writer.ts';
import { TYPES } from './data-type.ts';
import { nftError } from './errors.ts';
import { lengthOf } from './expression-type.ts';
import type { DataType, NamedSet, SetElement, Verdict } from './model.ts';
import { checkName } from './name.ts';
import { elementUserdata, setUserdata } from './userdata.ts';
import { type Bounds, encodeBounds, encodeValue, joinParts } from './value.ts';
import {
  DATA,
  DESCRIPTION,
  ELEMENT,
  INTERVAL_END,
  LIST_ELEMENT,
  SET,
  SET_FLAG,
  VERDICT,
  VERDICT_CODE,
  VERDICT_TYPE,
} from './wire.ts';

/** nft's number for a concatenation: 6 bits a part. */
export function concatType(types: readonly { readonly number: number }[]): number {
  return types.reduce((all, type) => all * 64 + type.number, 0);
}

/** The kernel's flags of a set. */
function flagsOf(set: NamedSet): number {
  return (
    (set.interval ? SET_FLAG.interval | (set.key.length > 1 ? SET_FLAG.concat : 0) : 0) |
    (set.data === undefined ? 0 : SET_FLAG.map) |
    (set.timeout !== undefined || set.hasTimeouts ? SET_FLAG.timeout : 0) |
    (set.dynamic ? SET_FLAG.eval : 0)
  );
}

/** Attributes of NFT_MSG_NEWSET after the table. */
export function writeSet(out: AttributeWriter, set: NamedSet, id: number): void {
  const types = set.key.map((type) => TYPES[type]);
  out
    .text(SET.name, checkName(set.name))
    .u32(SET.flags, flagsOf(set))
    .u32(SET.keyType, concatType(types))
    .u32(SET.keyLength, lengthOf(set.key));
  if (set.data === 'verdict') out.u32(SET.dataType, VERDICT_TYPE).u32(SET.dataLength, 0);
  else if (set.data)
    out.u32(SET.dataType, concatType(set.data.map((type) => TYPES[type]))).u32(SET.dataLength, lengthOf(set.data));
  out.nest(SET.description, () => writeDescription(out, set));
  out.u32(SET.id, id);
  if (set.timeout !== undefined) out.u64(SET.timeout, set.timeout * 1000);
  out.bytes(SET.userdata, setUserdata(set));
  if (set.counter) out.nest(SET.expression, () => out.text(1, 'counter').nest(2, () => undefined));
}

function writeDescription(out: AttributeWriter, set: NamedSet): void {
  if (set.size !== undefined) out.u32(DESCRIPTION.size, set.size);
  if (!set.interval || set.key.length === 1) return;
  out.nest(DESCRIPTION.concat, () => {
    for (const type of set.key) out.nest(LIST_ELEMENT, () => out.u32(DESCRIPTION.fieldLength, TYPES[type].length));
  });
}

export function writeVerdict(out: AttributeWriter, verdict: Verdict): void {
  out.nest(DATA.verdict, () => {
    out.u32(VERDICT.code, VERDICT_CODE[verdict.kind]);
    if ('chain' in verdict) out.text(VERDICT.chain, checkName(verdict.chain));
  });
}

/** The bytes of a key: its first and last value. */
export function keyBounds(set: Pick<NamedSet, 'name' | 'key'>, element: SetElement): Bounds {
  if (element.key.length !== set.key.length) {
    throw nftError(
      'NFT_BAD_RULESET',
      `an element of "${set.name}" has ${element.key.length} key parts, the set has ${set.key.length}`,
    );
  }
  const parts = element.key.map((value, i) => encodeBounds(set.key[i] as DataType, value));
  return { from: joinParts(parts.map((p) => p.from)), to: joinParts(parts.map((p) => p.to)) };
}

/** The first value behind a range, or undefined at the end of the number space. */
function successor(bytes: Buffer): Buffer | undefined {
  const next = Buffer.from(bytes);
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = ((next[i] ?? 0) + 1) & 255;
    if (next[i] !== 0) return next;
  }
  return undefined;
}

export interface ElementOptions {
  /** Only the key is written, as deletion wants it. */
  readonly keyOnly?: boolean;
}

/**
 * Writes an element as the entries of NFTA_SET_ELEM_LIST_ELEMENTS. A range in a set of one key type is two entries,
 * its start and the value behind its end; in a concatenation it is one entry with two keys.
 */
export function writeElement(
  out: AttributeWriter,
  set: NamedSet,
  element: SetElement,
  options: ElementOptions = {},
): void {
  const { from, to } = keyBounds(set, element);
  if (!set.interval && !from.equals(to))
    throw nftError('NFT_BAD_VALUE', `an element of "${set.name}" is a range, but the set has no intervals`);
  const simple = set.interval === true && set.key.length === 1;
  const end = simple ? successor(to) : undefined;
  out.nest(LIST_ELEMENT, () => {
    out.nest(ELEMENT.key, () => out.bytes(DATA.value, from));
    if (set.interval && !simple) out.nest(ELEMENT.keyEnd, () => out.bytes(DATA.value, to));
    if (!options.keyOnly) writeElementRest(out, set, element, simple && end === undefined);
  });
  if (!end) return;
  out.nest(LIST_ELEMENT, () =>
    out.nest(ELEMENT.key, () => out.bytes(DATA.value, end)).u32(ELEMENT.flags, INTERVAL_END),
  );
}

function writeElementRest(out: AttributeWriter, set: NamedSet, element: SetElement, openEnded: boolean): void {
  if (element.data !== undefined) out.nest(ELEMENT.data, () => writeData(out, set, element));
  if (element.timeout !== undefined) out.u64(ELEMENT.timeout, element.timeout * 1000);
  const notes = elementUserdata(element.comment, openEnded);
  if (notes) out.bytes(ELEMENT.userdata, notes);
}

function writeData(out: AttributeWriter, set: NamedSet, { data }: SetElement): void {
  if (data === undefined || set.data === undefined)
    throw nftError('NFT_BAD_RULESET', `"${set.name}" is a set, but an element has data`);
  if ('kind' in data) {
    writeVerdict(out, data);
    return;
  }
  const types = set.data === 'verdict' ? [] : set.data;
  if (types.length !== data.length)
    throw nftError(
      'NFT_BAD_RULESET',
      `data of an element of "${set.name}" does not have the map's ${types.length} parts`,
    );
  out.bytes(DATA.value, joinParts(data.map((value, i) => encodeValue(types[i] as DataType, value))));
}
