import { KeyTable, valueText } from './key-table.ts';
import type { NamedSet, SetElement, Value } from './model.ts';

/** What changes of one set: elements to take out, then elements to put in. */
export interface SetDelta {
  readonly set: NamedSet;
  readonly add: readonly SetElement[];
  readonly remove: readonly SetElement[];
}

export function keyText(values: readonly Value[]): string {
  let text = '';
  for (const value of values) text += `${valueText(value)} `;
  return text;
}

/** Everything of an element but its key, and but the state of what it keeps. */
export function contentText({ data, object, timeout, comment }: SetElement): string {
  const rest = timeout === undefined && !comment ? '' : ` ${timeout ?? ''} ${comment ?? ''}`;
  if (object !== undefined) return `${object}${rest}`;
  if (data === undefined) return rest;
  return ('kind' in data ? `${data.kind} ${'chain' in data ? data.chain : ''}` : keyText(data)) + rest;
}

/** The elements of a committed set by their key, so that a change costs what it changes and not what is there. */
export class ElementIndex {
  readonly #byKey: KeyTable;

  constructor(elements: readonly SetElement[]) {
    this.#byKey = new KeyTable(elements);
  }

  get elements(): readonly SetElement[] {
    return this.#byKey.elements;
  }

  /**
   * What of a wished change is one: taking out what is not there and putting in what is there already are none, putting in
   * a key with other content replaces the element.
   */
  resolve(
    set: NamedSet,
    wish: { readonly add: readonly SetElement[]; readonly remove: readonly Pick<SetElement, 'key'>[] },
  ): SetDelta {
    const remove = new Map<string, SetElement>();
    const add = new Map<string, SetElement>();
    for (const { key } of wish.remove) {
      const present = this.#byKey.get(key);
      if (present) remove.set(keyText(key), present);
    }
    for (const element of wish.add) {
      const text = keyText(element.key);
      const present = this.#byKey.get(element.key);
      if (present && contentText(present) === contentText(element)) {
        remove.delete(text);
        add.delete(text);
      } else {
        if (present) remove.set(text, present);
        add.set(text, element);
      }
    }
    return { set, add: [...add.values()], remove: [...remove.values()] };
  }

  /** Follows a change that was committed. */
  follow({ add, remove }: SetDelta): void {
    for (const { key } of remove) this.#byKey.delete(key);
    for (const element of add) this.#byKey.set(element);
  }
}
