import { freezeJson } from '@podwire/kube';

/** Longer texts are not looked for. */
const MAX_TEXT = 2048;
/** Parts in one of the two halves of what is known. */
const HALF = 4096;
/** Texts seen once that are remembered, by a hash; a power of two. */
const SEEN = 8192;
/** Levels of an object that are no parts of it: itself, and metadata, spec and status. */
const ABOVE = 2;
/** Levels of parts that are looked for: each costs a text of all that is below it. */
const LEVELS = 4;

type Part = Record<string, unknown>;

const NOTHING: Part = {};

/**
 * Parts that objects have in common -- the containers of one template, tolerations, conditions -- each once in memory. A
 * hundred thousand pods are then less than half as large, and V8 has less than half as much to mark. What is used least is
 * forgotten; what was seen only once has not cost more than a number.
 */
export class CommonParts {
  #young = new Map<string, Part>();
  #old = new Map<string, Part>();
  readonly #seen = new Int32Array(SEEN);

  /**
   * Freezes plain JSON data in depth, as freezeJson does, and changes it first: parts that are known already take the place
   * of those that are equal. What takes the place of a part of `previous` is not looked for: it is what changes, which
   * objects rarely have in common, and most writes are nothing else.
   */
  freeze<T extends object>(object: T, previous: object = NOTHING): T {
    this.#freezeMembers(object as Part, previous as Part, 1);
    return object;
  }

  #freezeMembers(value: Part | unknown[], previous: object, level: number): void {
    if (Array.isArray(value)) this.#freezeItems(value, previous as unknown[], level);
    else {
      for (const key in value) {
        const member = value[key];
        if (!isThawed(member)) continue;
        const part = this.#frozen(member, (previous as Part)[key], level);
        if (part !== member) value[key] = part;
      }
    }
    Object.freeze(value);
  }

  /** Not with the loop for members, which takes a microsecond for any list. */
  #freezeItems(list: unknown[], previous: readonly unknown[], level: number): void {
    for (let i = 0; i < list.length; i++) {
      const item = list[i];
      if (!isThawed(item)) continue;
      const part = this.#frozen(item, previous[i], level);
      if (part !== item) list[i] = part;
    }
  }

  #frozen(part: Part, previous: unknown, level: number): Part {
    if (isPart(previous)) {
      this.#freezeMembers(part, previous, level + 1);
      return part;
    }
    if (level >= ABOVE + LEVELS) return freezeJson(part);
    const text = level < ABOVE ? '' : JSON.stringify(part);
    const isShort = text !== '' && text.length <= MAX_TEXT;
    const known = isShort && this.#known(text);
    if (known) return known;
    this.#freezeMembers(part, NOTHING, level + 1);
    if (isShort && this.#wasSeen(text)) this.#keep(text, part);
    return part;
  }

  #known(text: string): Part | undefined {
    const young = this.#young.get(text);
    if (young) return young;
    const old = this.#old.get(text);
    if (old) this.#keep(text, old);
    return old;
  }

  #keep(text: string, part: Part): void {
    if (this.#young.size >= HALF) [this.#old, this.#young] = [this.#young, new Map()];
    this.#young.set(text, part);
  }

  #wasSeen(text: string): boolean {
    const hash = hashOf(text);
    const place = hash & (SEEN - 1);
    if (this.#seen[place] === hash) return true;
    this.#seen[place] = hash;
    return false;
  }
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null;
}

function isThawed(value: unknown): value is Part {
  return isPart(value) && !Object.isFrozen(value);
}

/** FNV-1a, of UTF-16. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
