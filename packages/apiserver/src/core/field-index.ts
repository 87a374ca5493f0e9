import type { KindId } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { fieldText, wantedValue } from './selectors.ts';

/**
 * The field that lists and watches of a kind are narrowed by before anything is matched: each of 5,000 kubelets watches the
 * pods of its node, and must not look at those of all others.
 */
const INDEXED: Partial<Record<KindId, string>> = { Pod: 'spec.nodeName' };

/** An object's value of the indexed field, empty when it has none; undefined for kinds without one. */
export function valueOfIndexed(kind: KindId): ((object: ApiObject) => string) | undefined {
  const field = INDEXED[kind];
  const path = field?.split('.') ?? [];
  return field === undefined ? undefined : (object) => fieldText(object, field, path);
}

/** The value of the indexed field that a field selector asks for; undefined when it asks for none. */
export function indexedValue(kind: KindId, fieldSelector: string | null | undefined): string | undefined {
  const field = INDEXED[kind];
  return field === undefined ? undefined : wantedValue(fieldSelector, field);
}

/** Objects of one kind by their values of a field. */
export class FieldIndex {
  readonly #indexedBy: (object: ApiObject) => string;
  readonly #objects = new Map<string, Map<string, ApiObject>>();

  constructor(indexedBy: (object: ApiObject) => string) {
    this.#indexedBy = indexedBy;
  }

  /** Undefined: it is not there any more, or was not before. */
  replace(key: string, before: ApiObject | undefined, after: ApiObject | undefined): void {
    const [was, is] = [before && this.#indexedBy(before), after && this.#indexedBy(after)];
    if (was !== undefined && was !== is) {
      const left = this.#objects.get(was);
      left?.delete(key);
      if (left?.size === 0) this.#objects.delete(was);
    }
    if (is === undefined || !after) return;
    const objects = this.#objects.get(is) ?? new Map<string, ApiObject>();
    if (objects.size === 0) this.#objects.set(is, objects);
    objects.set(key, after);
  }

  /** In order of their keys. */
  list(value: string): readonly ApiObject[] {
    const entries = [...(this.#objects.get(value) ?? [])];
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }
}
