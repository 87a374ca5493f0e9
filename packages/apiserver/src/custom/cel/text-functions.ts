import type { Environment } from '@marcbachmann/cel-js';
import { spend } from './budget.ts';

class StringsNamespace {}
class JsonPatchNamespace {}

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** What Kubernetes adds to text: the extended strings library of CEL, and `jsonpatch.escapeKey`. */
export function registerText(environment: Environment): void {
  environment
    .registerType('StringsNamespace', StringsNamespace)
    .registerConstant('strings', 'StringsNamespace', new StringsNamespace())
    .registerFunction('StringsNamespace.quote(string): string', (_: unknown, text: string) => quoted(text))
    .registerType('JsonPatchNamespace', JsonPatchNamespace)
    .registerConstant('jsonpatch', 'JsonPatchNamespace', new JsonPatchNamespace())
    .registerFunction('JsonPatchNamespace.escapeKey(string): string', (_: unknown, key: string) =>
      joined(key.replaceAll('~', '~0').split('/'), '~1'),
    )
    .registerFunction('string.charAt(int): string', (text: string, index: bigint) => charAt(text, Number(index)))
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      joined(text.split(from), to),
    )
    .registerFunction(
      'string.replace(string, string, int): string',
      (text: string, from: string, to: string, count: bigint) => replaceFirst(text, [from, to], Number(count)),
    )
    .registerFunction('string.reverse(): string', (text: string) => [...text].reverse().join(''))
    .registerFunction('string.format(list): string', (text: string, values: unknown[]) => formatText(text, values));
}

/** Without invalid characters, and with what cannot be seen spelled out. */
function quoted(text: string): string {
  spend(text.length / 10);
  return `"${[...text.toWellFormed()].map((char) => ESCAPES[char] ?? char).join('')}"`;
}

function charAt(text: string, index: number): string {
  const chars = Array.from(text);
  if (index < 0 || index > chars.length) throw new RangeError(`index out of range: ${index}`);
  return chars[index] ?? '';
}

/** Paid for before it is made: it may be as long as the product of two long texts. */
function joined(parts: readonly string[], between: string): string {
  spend((parts.length * between.length) / 10);
  return parts.join(between);
}

function replaceFirst(text: string, [from, to]: readonly [string, string], count: number): string {
  const parts = text.split(from);
  if (count < 0 || parts.length <= count) return joined(parts, to);
  return [joined(parts.slice(0, count + 1), to), ...parts.slice(count + 1)].join(from);
}

/** `%s`, `%d`, `%f`, `%x` and so on, with a precision for numbers. */
function formatText(text: string, values: readonly unknown[]): string {
  let next = 0;
  return text.replace(/%(?:\.(\d+))?([a-zA-Z%])/g, (whole, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%';
    if (next >= values.length) throw new RangeError(`index ${next} out of range`);
    return formatValue(values[next++], verb, precision) ?? whole;
  });
}

function formatValue(value: unknown, verb: string, precision = '6'): string | undefined {
  if (Array.isArray(value) && verb !== 's') throw new TypeError(`a list cannot be formatted by "${verb}"`);
  switch (verb) {
    case 's':
      return textOf(value);
    case 'd':
      return String(value);
    case 'f':
      return Number(value).toFixed(Number(precision));
    case 'e':
      return Number(value).toExponential(Number(precision));
    case 'b':
      return BigInt(value as bigint).toString(2);
    case 'o':
      return BigInt(value as bigint).toString(8);
    case 'x':
    case 'X': {
      const hex = typeof value === 'string' ? Buffer.from(value).toString('hex') : BigInt(value as bigint).toString(16);
      return verb === 'x' ? hex : hex.toUpperCase();
    }
    default:
      throw new TypeError(`unrecognized formatting clause "${verb}"`);
  }
}

function textOf(value: unknown): string {
  spend(1);
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Map) return `{${[...value].map(([key, one]) => `${textOf(key)}: ${textOf(one)}`).join(', ')}}`;
  return String(value);
}
