import { type LabelRequirement, type Labels, selectorMatches } from '@podwire/base';
import { labelValue, qualifiedName } from '../schema/names.ts';
import { badRequest } from './status.ts';

type Test = (labels: Labels) => boolean;

const OPERATORS: readonly string[] = ['in', 'notin', '=', '==', '!=', 'gt', 'lt'];
/** As they are written. */
const BINARY: readonly string[] = ['in', 'notin', '=', '==', '!=', '>', '<'];
const NAMED = /^[^=!(),<>]/;
const TOKEN = /==|!=|[=!(),<>]|[^\s=!(),<>]+/g;
/** What the end of the text is taken for, as Kubernetes shows it. */
const END = '';

/** The text form of a label selector (`app=a,tier in (x,y),!old`); throws 400. Undefined when it selects everything. */
export function parseLabelSelector(
  text: string | null | undefined,
): ((labels: Labels | undefined) => boolean) | undefined {
  const tests = new SelectorText(text ?? '').tests();
  if (tests.length === 0) return undefined;
  return (labels = {}) => tests.every((test) => test(labels));
}

/** Its messages are those of apimachinery's labels/selector.go. */
class SelectorText {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = text.match(TOKEN) ?? [];
  }

  tests(): Test[] {
    const tests: Test[] = [];
    while (this.#next() !== END) {
      if (!isName(this.#next()) && this.#next() !== '!')
        throw badRequest(found(this.#next(), "!, identifier, or 'end of string'"));
      tests.push(this.#requirement());
      const after = this.#take();
      if (after === END) break;
      if (after !== ',') throw badRequest(found(after, "',' or 'end of string'"));
      if (!isName(this.#next()) && this.#next() !== '!') throw badRequest(found(this.#next(), "identifier after ','"));
    }
    return tests;
  }

  #requirement(): Test {
    const isAbsent = this.#next() === '!' && this.#take() === '!';
    const key = this.#name('identifier');
    requireValid('<nil>', key, qualifiedName(key));
    if (isAbsent) return requirement({ key, operator: 'DoesNotExist' });
    if (this.#next() === END || this.#next() === ',') return requirement({ key, operator: 'Exists' });
    const operator = this.#take();
    if (!BINARY.includes(operator)) this.#refuse(operator, OPERATORS.join(', '));
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#value()];
    if (operator === '<' || operator === '>') return comparison(key, operator, values[0] ?? '');
    values.forEach((value, index) => {
      requireValid(`values[${index}][${key}]`, value, labelValue(value));
    });
    return requirement({ key, operator: operator === 'notin' || operator === '!=' ? 'NotIn' : 'In', values });
  }

  #value(): string {
    return this.#next() === END || this.#next() === ',' ? '' : this.#name('identifier');
  }

  /** `(a, b)`; a name that is missing is the empty one. */
  #values(): string[] {
    if (this.#next() !== '(') throw unparsed(`found '${this.#next()}' expected: '('`);
    this.#take();
    const values = new Set<string>();
    for (let isFirst = true; ; isFirst = false) {
      const expected = isFirst ? "',', ')' or identifier" : "',', or identifier";
      const isMissing = this.#next() === ',' || this.#next() === ')';
      values.add(isMissing ? '' : this.#name(expected));
      const after = this.#take();
      if (after === ')') return [...values].sort();
      if (after !== ',') this.#refuse(after, "',' or ')'");
    }
  }

  #name(expected: string): string {
    const token = this.#take();
    return isName(token) ? token : this.#refuse(token, expected);
  }

  #next(): string {
    return this.#tokens[this.#at] ?? END;
  }

  #take(): string {
    return this.#tokens[this.#at++] ?? END;
  }

  #refuse(token: string, expected: string): never {
    throw unparsed(found(token, expected));
  }
}

const found = (token: string, expected: string): string => `found '${token}', expected: ${expected}`;
const isName = (token: string): boolean => NAMED.test(token);

function unparsed(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}

function requireValid(at: string, value: string, wrong: readonly string[]): void {
  if (wrong.length > 0) throw unparsed(`${at}: Invalid value: ${JSON.stringify(value)}: ${wrong.join('; ')}`);
}

function requirement(parsed: LabelRequirement): Test {
  const selector = { matchExpressions: [parsed] };
  return (labels) => selectorMatches(selector, labels);
}

function comparison(key: string, operator: '<' | '>', bound: string): Test {
  const isNumber = (text: string): boolean => /^[-+]?\d+$/.test(text);
  const wrong = isNumber(bound) ? [] : ["for 'Gt', 'Lt' operators, the value must be an integer"];
  requireValid('values[0]', bound, wrong);
  const holds = (value: number) => (operator === '>' ? value > Number(bound) : value < Number(bound));
  return (labels) => isNumber(labels[key] ?? '') && holds(Number(labels[key]));
}
