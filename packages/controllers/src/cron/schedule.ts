/** When a CronJob runs: minutes whose local time matches five fields, or every so many ms. */
export type Schedule = { readonly every: number } | Fields;

interface Fields {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
  /** Both days of the month and of the week are limited: either will do. */
  readonly eitherDay: boolean;
}

interface Bounds {
  readonly first: number;
  readonly last: number;
  /** Names of the numbers from `first` on. */
  readonly names?: readonly string[];
}

const MINUTE: Bounds = { first: 0, last: 59 };
const HOUR: Bounds = { first: 0, last: 23 };
const DAY: Bounds = { first: 1, last: 31 };
const MONTH: Bounds = {
  first: 1,
  last: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
};
const WEEKDAY: Bounds = { first: 0, last: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] };

const WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/**
 * Five fields as in crontab(5), with names, ranges, steps and lists, an `@` word, or `@every` with a duration of at least
 * a second. Undefined: not a schedule, which the API server does not let in.
 */
export function parseSchedule(text: string): Schedule | undefined {
  if (text.startsWith('@every ')) return parseInterval(text.slice('@every '.length));
  const fields = (WORDS[text] ?? text).split(/\s+/).filter(Boolean);
  const [minutes, hours, days, months, weekdays] = [MINUTE, HOUR, DAY, MONTH, WEEKDAY].map((bounds, index) =>
    parseField(fields[index] ?? '', bounds),
  );
  if (fields.length !== 5 || !minutes || !hours || !days || !months || !weekdays) return undefined;
  // As in the library of Kubernetes, a star with a step limits.
  const isLimited = (field = ''): boolean => !field.split(',').some((range) => /^[*?](\/1)?$/.test(range));
  return { minutes, hours, days, months, weekdays, eitherDay: isLimited(fields[2]) && isLimited(fields[4]) };
}

function parseInterval(text: string): Schedule | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return undefined;
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ''] ?? 0), 0);
  return { every: Math.max(1000, Math.floor(ms / 1000) * 1000) };
}

function parseField(text: string, bounds: Bounds): Set<number> | undefined {
  const found = new Set<number>();
  for (const range of text.split(',')) {
    const [span = '', step = '1'] = range.split('/');
    const [from = '', to = from] = span.split('-');
    const isAny = from === '*' || from === '?';
    const first = isAny ? bounds.first : numberOf(from, bounds);
    // `5/2` runs from 5 to the end.
    const last = isAny || (range.includes('/') && !span.includes('-')) ? bounds.last : numberOf(to, bounds);
    if (!(first >= bounds.first && last <= bounds.last && first <= last && Number(step) >= 1)) return undefined;
    for (let value = first; value <= last; value += Number(step)) found.add(value);
  }
  return found;
}

function numberOf(word: string, { first, names = [] }: Bounds): number {
  const named = names.indexOf(word.toLowerCase());
  return named >= 0 ? first + named : /^\d+$/.test(word) ? Number(word) : Number.NaN;
}
