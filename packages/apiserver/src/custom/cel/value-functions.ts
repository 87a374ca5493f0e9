import type { Environment } from '@marcbachmann/cel-js';
import { spend } from './budget.ts';
import { approximate, billionths, billionthsOf, wholeOf } from './exact-quantity.ts';

/** Of more digits nobody has any use. */
const MAX_QUANTITY = 1000;

class Quantity {
  /** In billionths. */
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
  toString(): string {
    return String(this.value);
  }
}

/** `https://host:1/path?x=1` and `/path`, as Go's request URIs. */
class Url {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
  constructor(text: string) {
    const { protocol, host, pathname, searchParams } = new URL(text, 'relative://');
    this.scheme = protocol === 'relative:' ? '' : protocol.slice(0, -1);
    this.host = host;
    this.path = pathname;
    this.query = searchParams;
  }
  toString(): string {
    return `${this.scheme}://${this.host}${this.path}?${this.query}`;
  }
}

export function registerValues(environment: Environment): void {
  registerQuantities(environment);
  const hostname = ({ host }: Url) => host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  environment
    .registerType('kubernetes.URL', Url)
    .registerFunction('isURL(string): bool', isUrl)
    .registerFunction('url(string): kubernetes.URL', toUrl)
    .registerFunction('kubernetes.URL.getScheme(): string', ({ scheme }: Url) => scheme)
    .registerFunction('kubernetes.URL.getHost(): string', ({ host }: Url) => host)
    .registerFunction('kubernetes.URL.getHostname(): string', hostname)
    .registerFunction('kubernetes.URL.getPort(): string', ({ host }: Url) => /:(\d*)$/.exec(host)?.[1] ?? '')
    .registerFunction('kubernetes.URL.getEscapedPath(): string', ({ path }: Url) => path)
    .registerFunction(
      'kubernetes.URL.getQuery(): map<string, list<string>>',
      ({ query }: Url) => new Map([...new Set(query.keys())].map((key) => [key, query.getAll(key)])),
    )
    .registerOperator('kubernetes.URL == kubernetes.URL', (a: Url, b: Url) => String(a) === String(b));
}

function registerQuantities(environment: Environment): void {
  const type = 'kubernetes.Quantity';
  const sign = (value: bigint) => (value > 0n ? 1n : value < 0n ? -1n : 0n);
  environment
    .registerType(type, Quantity)
    .registerFunction('isQuantity(string): bool', (text: string) => quantityIn(text) !== undefined)
    .registerFunction(`quantity(string): ${type}`, toQuantity)
    .registerFunction(`${type}.sign(): int`, ({ value }: Quantity) => sign(value))
    .registerFunction(`${type}.isInteger(): bool`, ({ value }: Quantity) => wholeOf(value) !== undefined)
    .registerFunction(`${type}.asInteger(): int`, toInteger)
    .registerFunction(`${type}.asApproximateFloat(): double`, ({ value }: Quantity) => approximate(value))
    .registerFunction(`${type}.compareTo(${type}): int`, (a: Quantity, b: Quantity) => sign(a.value - b.value))
    .registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: Quantity, b: Quantity) => a.value > b.value)
    .registerFunction(`${type}.isLessThan(${type}): bool`, (a: Quantity, b: Quantity) => a.value < b.value)
    .registerFunction(`${type}.add(${type}): ${type}`, (a: Quantity, b: Quantity) => new Quantity(a.value + b.value))
    .registerFunction(`${type}.add(int): ${type}`, (a: Quantity, b: bigint) => new Quantity(a.value + billionths(b)))
    .registerFunction(`${type}.sub(${type}): ${type}`, (a: Quantity, b: Quantity) => new Quantity(a.value - b.value))
    .registerFunction(`${type}.sub(int): ${type}`, (a: Quantity, b: bigint) => new Quantity(a.value - billionths(b)))
    .registerOperator(`${type} == ${type}`, (a: Quantity, b: Quantity) => a.value === b.value);
}

function quantityIn(text: string): bigint | undefined {
  // Long numbers take a time that grows faster than they do.
  spend(text.length);
  if (text.length > MAX_QUANTITY) throw new RangeError('quantity is too long');
  return billionthsOf(text);
}

function toQuantity(text: string): Quantity {
  const value = quantityIn(text);
  if (value === undefined) throw new TypeError(`quantity parse error during conversion from string: ${text}`);
  return new Quantity(value);
}

function toInteger({ value }: Quantity): bigint {
  const whole = wholeOf(value);
  if (whole === undefined) throw new RangeError('cannot convert value to integer');
  return whole;
}

/** A request URI of Go. */
export function isUrl(text: string): boolean {
  if (/[\s"<>`{}|\\^]/.test(text) || !/^(\/|[A-Za-z][A-Za-z0-9+.-]*:)/.test(text)) return false;
  return URL.canParse(text, 'relative://');
}

function toUrl(text: string): Url {
  if (!isUrl(text)) throw new TypeError(`URL parse error during conversion from string: ${text}`);
  return new Url(text);
}
