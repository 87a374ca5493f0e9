/** Looks at a field before it is decided whether its values repeat. */
const TRIES = 64;
/** Distinct values kept of one field. */
const MOST = 256;
/** Text longer than this is not compared. */
const LONGEST = 256;

type Json = unknown;

/** What is known of the values of one field: the same place in all objects of a kind. */
class Field {
  #members: Map<string, Field> | undefined;
  #known: Map<string, Json> | undefined;
  #tries = 0;
  #hits = 0;

  /** Undefined beyond the first so many: keys of labels and data may be anything. */
  member(name: string): Field | undefined {
    this.#members ??= new Map();
    const present = this.#members.get(name);
    if (present || this.#members.size >= MOST) return present;
    const made = new Field();
    this.#members.set(name, made);
    return made;
  }

  /** Whether it is worth looking: names and addresses are all different, conditions and protocols are not. */
  get repeats(): boolean {
    return this.#tries < TRIES || this.#hits * 2 > this.#tries;
  }

  /** The first value that was the same as this one. */
  shared(key: string, value: Json): Json {
    this.#tries++;
    if (key.length > LONGEST) return value;
    this.#known ??= new Map();
    const present = this.#known.get(key);
    if (present !== undefined) {
      this.#hits++;
      return present;
    }
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(key, value);
    if (!this.repeats) this.#known = undefined;
    return value;
  }
}

/**
 * Lets parsed objects of one kind have equal parts in common, as strings, lists and maps that are the same object, for 10,000
 * Services differ in a name and an address only. It learns which fields repeat and leaves the others alone; objects that went
 * through it must not be changed any more.
 */
export class SharedValues {
  readonly #root = new Field();

  share<T extends object>(object: T): T {
    if (Object.isFrozen(object)) return object;
    shareMembers(object as Record<string, Json>, this.#root);
    return object;
  }
}

function shareMembers(object: Record<string, Json>, field: Field): void {
  for (const name in object) {
    // Also text that is equal: it may be another copy of it.
    object[name] = shareValue(object[name], field.member(name));
  }
}

function shareValue(value: Json, field: Field | undefined): Json {
  if (field === undefined) return value;
  if (typeof value === 'string') return field.repeats ? field.shared(value, value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (field.repeats) {
    // Told from text that looks the same.
    const shared = field.shared(`\0${JSON.stringify(value)}`, value);
    if (shared !== value) return shared;
  }
  if (Array.isArray(value)) shareElements(value, field);
  else shareMembers(value as Record<string, Json>, field);
  return value;
}

function shareElements(list: Json[], field: Field): void {
  const elements = field.member('[]');
  for (let i = 0; i < list.length; i++) list[i] = shareValue(list[i], elements);
}
