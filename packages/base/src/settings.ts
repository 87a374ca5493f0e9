/** Names and indexes from the top down to a value. */
type Path = readonly (string | number)[];

/** What is wrong with a value, and where it is. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
}

/** Makes what is meant of a value of plain data; undefined after it told what is wrong. */
export type Reader<T> = (value: unknown, tell: Tell) => T | undefined;
type Tell = (message: string, path?: Path) => undefined;

/** How a setting is read, and what it is where nobody set it. */
export type Setting<T> = readonly [read: Reader<T>, unset: T];

/** Text that a parser knows; it answers undefined for what is not its notation. `why` is told then. */
export function notation<T>(parse: (text: string) => T | undefined, why: string): Reader<T> {
  return (value, tell) => (typeof value === 'string' ? parse(value) : undefined) ?? tell(why);
}

/** Text of a form. */
export const textLike = (form: RegExp, why: string): Reader<string> =>
  notation((text) => (form.test(text) ? text : undefined), why);

export const oneOf = <const T extends string>(words: readonly T[]): Reader<T> =>
  notation((text) => words.find((word) => word === text), `not one of ${words.join(', ')}`);

export const yesOrNo: Reader<boolean> = (value, tell) =>
  typeof value === 'boolean' ? value : tell('not true or false');

export function wholeNumber(least: number, most: number): Reader<number> {
  const fits = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return (value, tell) => (fits(value) ? value : tell(`not a whole number from ${least} to ${most}`));
}

/** Names and what belongs to them. */
export const mapping: Reader<Readonly<Record<string, unknown>>> = (value, tell) => {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMapping ? (value as Readonly<Record<string, unknown>>) : tell('not a mapping of names to values');
};

/** Of at least so many. */
export function listOf<T>(read: Reader<T>, least = 0): Reader<readonly T[]> {
  return (value, tell) => {
    if (!Array.isArray(value)) return tell('not a list');
    if (value.length < least) return tell(`not a list of at least ${least}`);
    return value.flatMap((item, i) => read(item, within(tell, i)) ?? []);
  };
}

/** Two of a kind, as a list. */
export function pairOf<T>(read: Reader<T>): Reader<readonly [T, T]> {
  const both = listOf(read);
  return (value, tell) => {
    if (!Array.isArray(value) || value.length !== 2) return tell('not a list of two');
    const [one, other] = both(value, tell) ?? [];
    return one === undefined || other === undefined ? undefined : [one, other];
  };
}

/** All of the names, and no others. */
export function recordOf<T extends object>(readers: { readonly [K in keyof T]: Reader<T[K]> }): Reader<T> {
  return (value, tell) => {
    const given = mapping(value, tell);
    if (!given) return undefined;
    const { result, isSound } = readNamed(given, tell, Object.entries<Reader<unknown>>(readers));
    return isSound ? (result as T) : undefined;
  };
}

/**
 * Reads settings by name, and tells all that is wrong: values, and names nobody knows. A setting that is wrong or absent is what
 * it is where nobody set it, so that settings can be compared with each other all the same.
 */
export function readSettings<T extends object>(
  table: { readonly [K in keyof T]: Setting<T[K]> },
  input: unknown,
): { readonly settings: T; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const tell: Tell = (message, path = []) => void faults.push({ path, message });
  const rows = Object.entries<Setting<unknown>>(table);
  const unset = Object.fromEntries(rows.map(([name, [, value]]) => [name, value]));
  const given = Object.fromEntries(
    Object.entries(mapping(input, tell) ?? {}).filter(([, value]) => value !== undefined),
  );
  const read = rows.filter(([name]) => Object.hasOwn(given, name)).map(([name, [reader]]) => [name, reader] as const);
  return { settings: { ...unset, ...readNamed(given, tell, read).result } as T, faults };
}

const within =
  (tell: Tell, at: string | number): Tell =>
  (message, path = []) =>
    tell(message, [at, ...path]);

/** The values that are sound, and whether all are and no name is unknown. */
function readNamed(
  given: Readonly<Record<string, unknown>>,
  tell: Tell,
  readers: readonly (readonly [name: string, read: Reader<unknown>])[],
): { readonly result: object; readonly isSound: boolean } {
  const known = new Set(readers.map(([name]) => name));
  const unknown = Object.keys(given).filter((name) => !known.has(name));
  for (const name of unknown) within(tell, name)('no such setting');
  const values = readers.flatMap(([name, read]) => {
    const value = read(Object.hasOwn(given, name) ? given[name] : undefined, within(tell, name));
    return value === undefined ? [] : [[name, value] as const];
  });
  return { result: Object.fromEntries(values), isSound: unknown.length === 0 && values.length === readers.length };
}
