/** nft takes 127 characters and refuses some; rule numbers and kinds are appended to names. */
const LONGEST = 96;

/** Gives every object a readable nft name of its own: as it is where it fits, else cut and marked with a hash. */
export class NameTable {
  readonly #owners = new Map<string, string>();

  /** The name for `text` behind `prefix`. The same text gets a new name each time unless it is `shared`. */
  give(prefix: string, text: string, sharing?: 'shared'): string {
    const plain = `${prefix}${text}`;
    const safe = plain.replace(/[^A-Za-z0-9_./-]/g, '_');
    const base = safe === plain && plain.length <= LONGEST ? plain : `${safe.slice(0, LONGEST - 18)}-${hash(plain)}`;
    for (let n = 1; ; n++) {
      const name = n === 1 ? base : `${base}-${n}`;
      const owner = this.#owners.get(name);
      if (owner === undefined || (sharing && owner === plain)) {
        this.#owners.set(name, plain);
        return name;
      }
    }
  }
}

/** FNV-1a, 64 bits. Names that collide are told apart by number, so nothing depends on its strength. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  return value.toString(16).padStart(16, '0');
}
