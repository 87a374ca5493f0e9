export type FlagType = 'string' | 'int' | 'bool' | 'duration';

/** What a command line came to. `error` is worded as the Go flag packages word it. */
export interface Flags {
  readonly values: Readonly<Record<string, string>>;
  readonly positional: readonly string[];
  readonly error?: string;
}

/** Reads flags as Go programs do: `-name=value`, `--name value`, a bare `--name` for booleans, `--` ends them. */
export function parseFlags(args: readonly string[], known: Readonly<Record<string, FlagType>>): Flags {
  const values: Record<string, string> = {};
  const positional: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      positional.push(...rest);
      break;
    }
    const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(arg);
    if (!match) {
      positional.push(arg);
      continue;
    }
    const name = match[1] ?? '';
    const type = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!type) return { values, positional, error: `unknown flag: --${name}` };
    const value = match[2] ?? (type === 'bool' ? 'true' : rest.shift());
    if (value === undefined) return { values, positional, error: `flag needs an argument: --${name}` };
    if (!isValid(type, value)) return { values, positional, error: `invalid argument "${value}" for "--${name}" flag` };
    values[name] = value;
  }
  return { values, positional };
}

function isValid(type: FlagType, value: string): boolean {
  if (type === 'int') return /^-?\d{1,9}$/.test(value);
  if (type === 'bool') return /^(true|false|1|0|t|f)$/i.test(value);
  return type === 'string' || parseDuration(value) !== undefined;
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(true|1|t)$/i.test(value);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A Go duration (`1.5s`, `2m30s`, `0`) in milliseconds, or undefined. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  return total;
}
