import { AttributeWriter } from './attribute-writer.ts';
import { paddedLength, TYPES, type TypeInfo, type ValueType } from './data-type.ts';
import { type SetShape, writeStatements, writeVerdict } from './encode-set.ts';
import { nftError } from './errors.ts';
import { lengthOf } from './expression-type.ts';
import { isCatchAll } from './format-element.ts';
import type { SetElement, Value } from './model.ts';
import { checkName } from './name.ts';
import { elementUserdata } from './userdata.ts';
import { type Bounds, encodeBounds, encodeValue, inIntervalOrder, joinParts } from './value.ts';
import { milliseconds } from './whole-number.ts';
import { CATCH_ALL, DATA, ELEMENT, INTERVAL_END, LIST_ELEMENT } from './wire.ts';

/** The bytes of a key: its first and last value, as sets with or without ranges want them. */
export function keyBounds(set: Pick<SetShape, 'name' | 'key' | 'interval'>, element: SetElement): Bounds {
  if (element.key.length !== set.key.length) {
    throw nftError(
      'NFT_BAD_RULESET',
      `an element of "${set.name}" has ${element.key.length} key parts, the set has ${set.key.length}`,
    );
  }
  const parts = element.key.map((value, i) => {
    const type = set.key[i] as ValueType;
    const { from, to } = encodeBounds(type, value);
    return set.interval ? { from: inIntervalOrder(type, from), to: inIntervalOrder(type, to) } : { from, to };
  });
  return { from: joinParts(parts.map((p) => p.from)), to: joinParts(parts.map((p) => p.to)) };
}

/** The bytes of a key in a set without ranges; throws NFT_BAD_VALUE for a range. */
export function checkSingle(set: Pick<SetShape, 'name' | 'key'>, element: SetElement): Bounds {
  const bounds = keyBounds({ name: set.name, key: set.key }, element);
  if (bounds.from.equals(bounds.to)) return bounds;
  throw nftError('NFT_BAD_VALUE', `an element of "${set.name}" is a range, but the set has no intervals`);
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

/**
 * Writes elements of one set as the entries of NFTA_SET_ELEM_LIST_ELEMENTS. A range in a set of one key type is two
 * entries, its start and the value behind its end; in a concatenation it is one entry with two keys. Elements that are a
 * key of single values and data, which most are, have all the same length: a template is copied and filled in.
 */
export class ElementEncoder {
  readonly #set: SetShape;
  readonly #key: PartWriter;
  readonly #data: PartWriter | undefined;
  readonly #keyTemplate: Template;
  readonly #template: Template | undefined;

  constructor(set: SetShape) {
    this.#set = set;
    this.#key = new PartWriter(set.key);
    this.#data =
      set.data === undefined || set.data === 'verdict' || set.dataInterval ? undefined : new PartWriter(set.data);
    this.#keyTemplate = templateOf(this.#key.length);
    this.#template =
      set.data === undefined && set.objects === undefined
        ? this.#keyTemplate
        : this.#data && templateOf(this.#key.length, this.#data.length);
  }

  /** `keyOnly`: as deletion wants it. */
  write(out: AttributeWriter, element: SetElement, keyOnly = false) {
    const template = keyOnly ? this.#keyTemplate : this.#template;
    const regular =
      !this.#set.interval &&
      isPlain(element, keyOnly) &&
      element.key.length === this.#set.key.length &&
      (keyOnly || (element.data === undefined) === (this.#data === undefined));
    if (!template || !regular) return this.#writeAny(out, element, keyOnly);
    const at = out.template(template.bytes);
    this.#key.write(out.buffer, at + template.key, element.key);
    if (template.data !== undefined) this.#data?.write(out.buffer, at + template.data, this.#dataOf(element));
  }

  /** The data's values, as many as the map has types. */
  #dataOf({ data }: SetElement): readonly Value[] {
    const { name, data: types } = this.#set;
    if (!data || types === undefined || 'kind' in data || data.length !== types.length)
      throw nftError(
        'NFT_BAD_RULESET',
        `data of an element of "${name}" does not have the map's ${types?.length} parts`,
      );
    return data;
  }

  #writeAny(out: AttributeWriter, element: SetElement, keyOnly: boolean) {
    const { interval, key } = this.#set;
    if (isCatchAll(element)) return this.#writeCatchAll(out, element, keyOnly);
    const { from, to } = interval ? keyBounds(this.#set, element) : checkSingle(this.#set, element);
    const simple = interval === true && key.length === 1;
    const end = simple ? successor(to) : undefined;
    out.nest(LIST_ELEMENT, () => {
      out.nest(ELEMENT.key, () => out.bytes(DATA.value, from));
      if (interval && !simple) out.nest(ELEMENT.keyEnd, () => out.bytes(DATA.value, to));
      if (!keyOnly) this.#writeRest(out, element, simple && end === undefined);
    });
    if (!end) return;
    out.nest(LIST_ELEMENT, () =>
      out.nest(ELEMENT.key, () => out.bytes(DATA.value, end)).u32(ELEMENT.flags, INTERVAL_END),
    );
  }

  #writeCatchAll(out: AttributeWriter, element: SetElement, keyOnly: boolean): void {
    out.nest(LIST_ELEMENT, () => {
      out.u32(ELEMENT.flags, CATCH_ALL);
      if (!keyOnly) this.#writeRest(out, element, false);
    });
  }

  #writeRest(out: AttributeWriter, element: SetElement, openEnded: boolean): void {
    const { name, data, objects } = this.#set;
    if (element.data !== undefined) out.nest(ELEMENT.data, () => this.#writeData(out, element));
    else if (data !== undefined) throw nftError('NFT_BAD_RULESET', `"${name}" is a map, but an element has no data`);
    if ((element.object === undefined) !== (objects === undefined))
      throw nftError(
        'NFT_BAD_RULESET',
        `an element of "${name}" names ${element.object === undefined ? 'no' : 'an'} object`,
      );
    if (element.object !== undefined) out.text(ELEMENT.object, checkName(element.object));
    if (element.timeout !== undefined) out.u64(ELEMENT.timeout, milliseconds(element.timeout));
    if (element.expires !== undefined) out.u64(ELEMENT.expiration, milliseconds(element.expires));
    const notes = elementUserdata(element.comment, openEnded);
    if (notes) out.bytes(ELEMENT.userdata, notes);
    writeStatements(out, element.statements ?? [], { one: ELEMENT.expression, many: ELEMENT.expressions });
  }

  #writeData(out: AttributeWriter, element: SetElement) {
    const { name, data: types, dataInterval } = this.#set;
    const { data } = element;
    if (data === undefined || types === undefined)
      throw nftError('NFT_BAD_RULESET', `"${name}" is a set, but an element has data`);
    if ('kind' in data) return writeVerdict(out, data);
    const values = this.#dataOf(element);
    const typeOf = (i: number) => (types === 'verdict' ? 'mark' : (types[i] ?? 'mark'));
    if (!dataInterval) {
      out.bytes(DATA.value, joinParts(values.map((value, i) => encodeValue(typeOf(i), value))));
      return;
    }
    const { from, to } = keyBounds({ name, key: values.map((_, i) => typeOf(i)) }, { key: values });
    out.bytes(DATA.value, joinParts([from, to]));
  }
}

/** Nothing but a key of single values, and data that are not a verdict. */
function isPlain(element: SetElement, keyOnly: boolean): boolean {
  const { key, data } = element;
  for (let i = 0; i < key.length; i++) if (typeof key[i] === 'object' || key[i] === '*') return false;
  if (keyOnly) return true;
  return (
    (data === undefined || !('kind' in data)) &&
    element.object === undefined &&
    element.timeout === undefined &&
    element.expires === undefined &&
    element.comment === undefined &&
    element.statements === undefined
  );
}

/** Fills in the values of a concatenation, each padded to 4 bytes. */
class PartWriter {
  readonly length: number;
  readonly #parts: readonly { readonly type: TypeInfo; readonly name: ValueType; readonly at: number }[];

  constructor(types: readonly ValueType[]) {
    let at = 0;
    this.#parts = types.map((name) => {
      const part = { type: TYPES[name], name, at };
      at += paddedLength(TYPES[name].length);
      return part;
    });
    this.length = lengthOf(types);
  }

  write(bytes: Buffer, at: number, values: readonly Value[]): void {
    for (let i = 0; i < this.#parts.length; i++) {
      const part = this.#parts[i];
      const value = values[i];
      if (part === undefined || value === undefined) continue;
      if (typeof value === 'object' || !part.type.write(bytes, at + part.at, value))
        bytes.set(encodeValue(part.name, value), at + part.at);
    }
  }
}

interface Template {
  readonly bytes: Buffer;
  /** Where in `bytes` the values stand. */
  readonly key: number;
  readonly data?: number;
}

/** An entry with zeros for its key and its data. */
function templateOf(keyLength: number, dataLength?: number): Template {
  const out = new AttributeWriter(64);
  const [list, keyNest, keyValue] = [4, 4, 4];
  out.nest(LIST_ELEMENT, () => {
    out.nest(ELEMENT.key, () => out.bytes(DATA.value, Buffer.alloc(keyLength)));
    if (dataLength !== undefined) out.nest(ELEMENT.data, () => out.bytes(DATA.value, Buffer.alloc(dataLength)));
  });
  const key = list + keyNest + keyValue;
  const bytes = out.take();
  return dataLength === undefined ? { bytes, key } : { bytes, key, data: bytes.length - paddedLength(dataLength) };
}
