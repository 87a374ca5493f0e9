import type { SetElement, Value } from './model.ts';

const FEWEST = 16;

/**
 * Values are compared as they are written: a planner that writes 10.0.0.1 and 10.0.0.1/32 by turns costs an element. What
 * stands between the ends of a range no value has.
 */
export function valueText(value: Value): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : `${value.from}-${value.to}`;
}

/**
 * Elements of one set by their keys. A Map would need a text for each key, which costs more than the element does; this
 * one needs two numbers.
 *
 *   heads[hash]  ─▶  position  ─ next ─▶  position  ─ next ─▶  none
 */
export class KeyTable {
  /** By position; undefined where one was taken out. */
  readonly #elements: (SetElement | undefined)[] = [];
  readonly #free: number[] = [];
  /** By hash, and then by position: the position in question and 1; 0: none. */
  #heads = new Int32Array(FEWEST);
  #next = new Int32Array(FEWEST);

  /** Of several with the same key the last one counts. */
  constructor(elements: readonly SetElement[]) {
    this.#resize(elements.length);
    for (const element of elements) this.set(element);
  }

  get elements(): readonly SetElement[] {
    return this.#elements.filter((element) => element !== undefined);
  }

  get(key: readonly Value[]): SetElement | undefined {
    return this.#elements[this.#find(key, hashOf(key))];
  }

  /** Puts the element in place of the one with its key. */
  set(element: SetElement): void {
    const hash = hashOf(element.key);
    const present = this.#find(element.key, hash);
    if (present >= 0) {
      this.#elements[present] = element;
      return;
    }
    const at = this.#free.pop() ?? this.#elements.length;
    this.#elements[at] = element;
    if (at < this.#next.length) this.#link(at, hash);
    else this.#resize(2 * at);
  }

  delete(key: readonly Value[]): void {
    const hash = hashOf(key);
    const at = this.#find(key, hash);
    if (at < 0) return;
    const rest = this.#next[at] ?? 0;
    let before = this.#first(hash);
    if (before === at) this.#heads[hash & (this.#heads.length - 1)] = rest;
    else {
      while (this.#next[before] !== at + 1) before = (this.#next[before] ?? 0) - 1;
      this.#next[before] = rest;
    }
    this.#elements[at] = undefined;
    this.#free.push(at);
  }

  #first(hash: number): number {
    return (this.#heads[hash & (this.#heads.length - 1)] ?? 0) - 1;
  }

  /** The position, or -1. */
  #find(key: readonly Value[], hash: number): number {
    let at = this.#first(hash);
    while (at >= 0 && !isSameKey(key, this.#elements[at]?.key)) at = (this.#next[at] ?? 0) - 1;
    return at;
  }

  #link(at: number, hash: number): void {
    this.#next[at] = this.#first(hash) + 1;
    this.#heads[hash & (this.#heads.length - 1)] = at + 1;
  }

  /** Makes room for so many. */
  #resize(count: number): void {
    const size = Math.max(FEWEST, 2 ** Math.ceil(Math.log2(count + 1)));
    this.#heads = new Int32Array(size);
    this.#next = new Int32Array(size);
    for (const [at, element] of this.#elements.entries()) if (element) this.#link(at, hashOf(element.key));
  }
}

/** FNV-1a of the text. */
function hashOf(key: readonly Value[]): number {
  let hash = 0x811c9dc5;
  for (let part = 0; part < key.length; part++) {
    const text = valueText(key[part] as Value);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  // the last bits alone would not differ where only the first characters do
  return hash ^ (hash >>> 15);
}

function isSameKey(a: readonly Value[], b: readonly Value[] | undefined): boolean {
  if (b?.length !== a.length) return false;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as Value;
    const y = b[i] as Value;
    if (x !== y && valueText(x) !== valueText(y)) return false;
  }
  return true;
}
