type Step = (value: unknown) => readonly unknown[];

/** The values at a path; none when it leads nowhere. */
export type JsonPath = (object: unknown) => readonly unknown[];

const MEMBER = /^\.((?:[A-Za-z0-9_$/-]|\\.)+|\*)/;
const QUOTED = /^\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/;
const INDEX = /^\[(-?\d+|\*)\]/;
const SLICE = /^\[(-?\d*):(-?\d*)\]/;
const FILTER = /^\[\?\(@((?:\.[\w-]+)+)\s*(==|!=|<=|>=|<|>)\s*(?:'([^']*)'|"([^"]*)"|([\w.+-]+))\)\]/;
const EXISTS = /^\[\?\(@((?:\.[\w-]+)+)\)\]/;

/**
 * The JSONPath of printer columns, as kubectl has it: `.a.b`, `['a.b']`, `[0]`, `[-1]`, `[1:3]`, `[*]`, `.*`,
 * `[?(@.type=="Ready")]`. Undefined for anything else.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: Step[] = [];
  let rest = text
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\$/, '');
  if (!/^[.[]/.test(rest)) return undefined;
  if (rest === '.') return (object) => [object];
  rest = rest.replace(/^\.\[/, '[');
  while (rest !== '') {
    const found = stepOf(rest);
    if (!found) return undefined;
    steps.push(found.step);
    rest = rest.slice(found.length);
  }
  return (object) => steps.reduce<readonly unknown[]>((values, step) => values.flatMap(step), [object]);
}

function stepOf(text: string): { readonly step: Step; readonly length: number } | undefined {
  for (const [pattern, make] of STEPS) {
    const match = pattern.exec(text);
    if (match) return { step: make(match), length: match[0].length };
  }
  return undefined;
}

const STEPS: readonly (readonly [RegExp, (match: RegExpExecArray) => Step])[] = [
  [MEMBER, ([, name = '']) => (name === '*' ? valuesOf : member(name.replace(/\\(.)/g, '$1')))],
  [QUOTED, ([, single, double = '']) => member((single ?? double).replace(/\\(.)/g, '$1'))],
  [INDEX, ([, index = '']) => (index === '*' ? valuesOf : item(Number(index)))],
  [
    SLICE,
    ([, from, to]) =>
      (value) =>
        Array.isArray(value) ? value.slice(Number(from || 0), to ? Number(to) : undefined) : [],
  ],
  [
    FILTER,
    ([, path = '', operator = '', single, double, bare]) => filter(path, operator, single ?? double ?? literal(bare)),
  ],
  [
    EXISTS,
    ([, path = '']) =>
      (value) =>
        valuesOf(value).filter((one) => at(path, one) !== undefined),
  ],
];

function member(name: string): Step {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return [];
    return [(value as Record<string, unknown>)[name]];
  };
}

function item(index: number): Step {
  return (value) => {
    const found = Array.isArray(value) ? value.at(index) : undefined;
    return found === undefined ? [] : [found];
  };
}

const valuesOf: Step = (value) => (typeof value === 'object' && value !== null ? Object.values(value) : []);

function literal(text = ''): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function at(path: string, value: unknown): unknown {
  const names = path.split('.').slice(1);
  return names.reduce<unknown>((found, name) => member(name)(found)[0], value);
}

function filter(path: string, operator: string, wanted: unknown): Step {
  return (value) => valuesOf(value).filter((one) => compare(at(path, one), operator, wanted));
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) return false;
  const order = left < (right as typeof left) ? -1 : Number(left > (right as typeof left));
  return operator.startsWith('<')
    ? order < 0 || (order === 0 && operator === '<=')
    : order > 0 || (order === 0 && operator === '>=');
}
