import type { ValueType } from './data-type.ts';
import { isCatchAll } from './format-element.ts';
import type { NamedSet, SetElement } from './model.ts';
import { type Bounds, encodeBounds } from './value.ts';
import { compareValues } from './value-order.ts';

const BOUNDS = new WeakMap<SetElement, readonly Bounds[]>();
const EXACT = new WeakMap<readonly SetElement[], ReadonlyMap<string, SetElement>>();

function boundsOf(set: NamedSet, element: SetElement): readonly Bounds[] {
  let bounds = BOUNDS.get(element);
  if (!bounds) {
    bounds = element.key.map((value, i) => encodeBounds(set.key[i] as ValueType, value));
    BOUNDS.set(element, bounds);
  }
  return bounds;
}

const textOf = (parts: readonly Buffer[]): string => parts.map((part) => part.toString('latin1')).join('.');

function exactIndex(set: NamedSet): ReadonlyMap<string, SetElement> {
  let index = EXACT.get(set.elements);
  if (!index) {
    const own = set.elements.filter((element) => !isCatchAll(element));
    index = new Map(own.map((element) => [textOf(boundsOf(set, element).map((b) => b.from)), element]));
    EXACT.set(set.elements, index);
  }
  return index;
}

/** The element that holds the key, as the kernel would find it; what no other holds is the catch-all's. */
export function lookupElement(
  set: NamedSet,
  key: readonly Buffer[],
  dynamic: readonly SetElement[],
): SetElement | undefined {
  const holds = (element: SetElement): boolean =>
    !isCatchAll(element) &&
    boundsOf(set, element).every(({ from, to }, i) => {
      const part = key[i];
      const type = set.key[i] as ValueType;
      return part !== undefined && compareValues(type, from, part) <= 0 && compareValues(type, part, to) <= 0;
    });
  const found = dynamic.find(holds) ?? (set.interval ? set.elements.find(holds) : exactIndex(set).get(textOf(key)));
  return found ?? set.elements.find(isCatchAll);
}
