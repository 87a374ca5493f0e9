/**
 * What is wrong with a schedule of five cron fields or an `@` word, in the words of the cron library Kubernetes uses;
 * undefined: nothing.
 *
 * @see https://en.wikipedia.org/wiki/Cron
 */
export function cronProblem(schedule: string): string | undefined {
  if (schedule.startsWith('@')) return descriptorProblem(schedule);
  const fields = schedule.split(/\s+/).filter(Boolean);
  if (fields.length !== FIELDS.length) {
    return `expected exactly ${FIELDS.length} fields, found ${fields.length}: [${fields.join(' ')}]`;
  }
  for (const [index, bounds] of FIELDS.entries()) {
    const problem = (fields[index] ?? '')
      .split(',')
      .map((range) => rangeProblem(range, bounds))
      .find(Boolean);
    if (problem) return problem;
  }
  return undefined;
}

interface Bounds {
  readonly first: number;
  readonly last: number;
  /** Names of the numbers from `first` on. */
  readonly names: readonly string[];
}

const FIELDS: readonly Bounds[] = [
  { first: 0, last: 59, names: [] },
  { first: 0, last: 23, names: [] },
  { first: 1, last: 31, names: [] },
  { first: 1, last: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { first: 0, last: 6, names: 'sun mon tue wed thu fri sat'.split(' ') },
];

const DESCRIPTORS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

function descriptorProblem(schedule: string): string | undefined {
  if (DESCRIPTORS.includes(schedule)) return undefined;
  const every = '@every ';
  if (!schedule.startsWith(every)) return `unrecognized descriptor: ${schedule}`;
  if (/^([\d.]+(ns|us|µs|ms|s|m|h))+$/.test(schedule.slice(every.length))) return undefined;
  return `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(schedule.slice(every.length))}`;
}

/** `*`, `N`, `N-M`, each with an optional `/step`. */
function rangeProblem(text: string, { first, last, names }: Bounds): string | undefined {
  const [range = '', step, ...more] = text.split('/');
  const [from = '', to = from, ...rest] = range.split('-');
  if (rest.length > 0) return `too many hyphens: ${text}`;
  if (more.length > 0) return `too many slashes: ${text}`;
  const numberOf = (word: string): number => {
    const named = names.indexOf(word.toLowerCase());
    return named >= 0 ? first + named : /^\d+$/.test(word) ? Number(word) : Number.NaN;
  };
  const isAny = from === '*' || from === '?';
  const low = isAny ? first : numberOf(from);
  // `5/2` runs from 5 to the end.
  const high = isAny || (step !== undefined && to === from) ? last : numberOf(to);
  for (const [word, value] of [[from, low] as const, [to, high] as const, [step ?? '1', Number(step ?? 1)] as const]) {
    if (!Number.isInteger(value))
      return `failed to parse int from ${word}: strconv.Atoi: parsing ${JSON.stringify(word)}: invalid syntax`;
  }
  if (low < first) return `beginning of range (${low}) below minimum (${first}): ${text}`;
  if (high > last) return `end of range (${high}) above maximum (${last}): ${text}`;
  if (low > high) return `beginning of range (${low}) beyond end of range (${high}): ${text}`;
  if (Number(step ?? 1) === 0) return `step of range should be a positive number: ${text}`;
  return undefined;
}
