import { AttributeWriter } from './attribute-writer.ts';
import type { ValueType } from './data-type.ts';
import { ElementEncoder } from './encode-element.ts';
import type { AnonymousSets } from './encode-expression.ts';
import type { SetShape } from './encode-set.ts';
import { lengthOf } from './expression-type.ts';
import { type FieldShape, placed } from './field-shape.ts';
import type { SetElement } from './model.ts';
import { encodeValue, hasRanges, isInterval } from './value.ts';
import { DATA, ELEMENT, LIST_ELEMENT } from './wire.ts';

/** A set that lives and dies with its rule; it has no name, so the rule refers to `id`. */
export interface AnonymousSet {
  readonly id: number;
  readonly shape: SetShape;
  readonly keyLength: number;
  /** Entries of NFTA_SET_ELEM_LIST_ELEMENTS. */
  readonly elements: readonly Buffer[];
}

/** Makes the sets of one rule, into `made`. */
export function anonymousSets(made: AnonymousSet[], nextSetId: () => number): AnonymousSets {
  return ({ key, data, elements, shape: field }) => {
    const id = nextSetId();
    const interval = hasRanges(elements);
    const shape: SetShape = {
      name: data === undefined ? '__set%d' : '__map%d',
      key,
      ...(data && { data }),
      ...(interval && { interval }),
      ...(hasRangesAsData(elements) && { dataInterval: true }),
      size: elements.length * (interval ? 2 : 1) + 1,
      anonymous: true,
    };
    const keyLength = field?.length ?? lengthOf(key);
    made.push({
      id,
      shape,
      keyLength,
      elements: field ? fieldElements(key[0] ?? 'mark', field, elements) : encode(shape, elements),
    });
    return { name: shape.name, setId: id };
  };
}

const hasRangesAsData = (elements: readonly SetElement[]): boolean =>
  elements.some(({ data }) => data !== undefined && !('kind' in data) && data.some(isInterval));

function encode(shape: SetShape, elements: readonly SetElement[]): Buffer[] {
  const encoder = new ElementEncoder(shape);
  return elements.map((element) => {
    const out = new AttributeWriter(64);
    encoder.write(out, element);
    return out.take();
  });
}

/** Keys that are bits of a header, as they lie there. */
function fieldElements(type: ValueType, field: FieldShape, elements: readonly SetElement[]): Buffer[] {
  return elements.map(({ key: [value = ''] }) => entryOf(placed(field, encodeValue(type, value))));
}

function entryOf(key: Buffer): Buffer {
  const out = new AttributeWriter(32);
  out.nest(LIST_ELEMENT, () => out.nest(ELEMENT.key, () => out.bytes(DATA.value, key)));
  return out.take();
}
