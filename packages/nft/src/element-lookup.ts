import type { DataType, NamedSet, SetElement } from './model.ts';
import { type Bounds, encodeBounds } from './value.ts';

const BOUNDS = new WeakMap<SetElement, readonly Bounds[]>();
const EXACT = new WeakMap<readonly SetElement[], ReadonlyMap<string, SetElement>>();

function boundsOf(set: NamedSet, element: SetElement): readonly Bounds[] {
  let bounds = BOUNDS.get(element);
  if (!bounds) {
    bounds = element.key.map((value, i) => encodeBounds(set.key[i] as DataType, value));
    BOUNDS.set(element, bounds);
  }
  return bounds;
}

const textOf = (parts: readonly Buffer[]): string => parts.map((part) => part.toString('hex')).join('.');

function exactIndex(set: NamedSet): ReadonlyMap<string, SetElement> {
  let index = EXACT.get(set.elements);
  if (!index) {
    index = new Map(set.elements.map((element) => [textOf(boundsOf(set, element).map((b) => b.from)), element]));
    EXACT.set(set.elements, index);
  }
  return index;
}

/** The element that holds the key, as the kernel would find it. */
export function lookupElement(
  set: NamedSet,
  key: readonly Buffer[],
  dynamic: readonly SetElement[],
): SetElement | undefined {
  const holds = (element: SetElement): boolean =>
    boundsOf(set, element).every(({ from, to }, i) => {
      const part = key[i];
      return part !== undefined && Buffer.compare(from, part) <= 0 && Buffer.compare(part, to) <= 0;
    });
  return dynamic.find(holds) ?? (set.interval ? set.elements.find(holds) : exactIndex(set).get(textOf(key)));
}
