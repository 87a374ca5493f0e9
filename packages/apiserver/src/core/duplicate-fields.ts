/** More are not told, as Kubernetes has it. */
const MAX_FOUND = 100;

interface Level {
  readonly path: string;
  /** The fields seen; undefined: a list. */
  readonly seen: Set<string> | undefined;
  /** Of the field, or the index, that comes or is under way. */
  at: string | number;
  isName: boolean;
}

/**
 * Fields that a JSON text has twice in one object, e.g. `duplicate field "spec.replicas"`; JSON.parse takes the last of
 * them and says nothing. `value` is what the text was parsed to.
 */
export function duplicateFields(text: string, value: unknown): readonly string[] {
  // In what has nothing twice there are as many names as members.
  if (!SPACED_NAME.test(text) && countNames(text) === countMembers(value)) return [];
  return [...scan(text)].map((path) => `duplicate field ${JSON.stringify(path)}`);
}

/** What countNames() does not see. */
const SPACED_NAME = /"\s+:/;

/** Quotes with a colon behind them, but for those within strings: names, and the rare string that begins with a colon. */
function countNames(text: string): number {
  let count = 0;
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) if (!isEscaped(text, at)) count++;
  return count;
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) count += countMembers(value[i]);
  else for (const name in value) count += 1 + countMembers((value as Record<string, unknown>)[name]);
  return count;
}

function isEscaped(text: string, at: number): boolean {
  let escapes = 0;
  while (text[at - 1 - escapes] === '\\') escapes++;
  return escapes % 2 === 1;
}

function scan(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  const levels: Level[] = [];
  for (let i = 0; i < text.length && found.size < MAX_FOUND; i++) {
    const level = levels.at(-1);
    const letter = text[i];
    if (letter === '"') {
      const end = endOfString(text, i);
      if (level?.isName) enter(level, JSON.parse(text.slice(i, end + 1)) as string, found);
      i = end;
    } else if (letter === '{' || letter === '[') {
      const isObject = letter === '{';
      levels.push({ path: pathOf(level), seen: isObject ? new Set() : undefined, at: 0, isName: isObject });
    } else if (letter === '}' || letter === ']') levels.pop();
    else if (letter === ':' && level) level.isName = false;
    else if (letter === ',' && level) next(level);
  }
  return found;
}

function enter(level: Level, name: string, found: Set<string>): void {
  level.at = name;
  if (level.seen?.has(name)) found.add(pathOf(level));
  level.seen?.add(name);
}

function next(level: Level): void {
  if (level.seen) level.isName = true;
  else level.at = Number(level.at) + 1;
}

function pathOf(level: Level | undefined): string {
  if (!level) return '';
  const { path, at, seen } = level;
  if (!seen) return `${path}[${at}]`;
  return path ? `${path}.${at}` : String(at);
}

/** Index of the quote that ends the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; ) {
    const end = text.indexOf('"', at);
    if (end < 0) return text.length;
    if (!isEscaped(text, end)) return end;
    at = end + 1;
  }
}
