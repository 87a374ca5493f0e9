import type { Environment } from '@marcbachmann/cel-js';
import { isQuantity, quantityValue } from '@podwire/kube';

class Quantity {
  readonly value: number;
  constructor(value: number) {
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
  const compare = (a: Quantity, b: Quantity) => BigInt(Math.sign(a.value - b.value));
  environment
    .registerType('kubernetes.Quantity', Quantity)
    .registerFunction('isQuantity(string): bool', (text: string) => isQuantity(text))
    .registerFunction('quantity(string): kubernetes.Quantity', toQuantity)
    .registerFunction('kubernetes.Quantity.sign(): int', ({ value }: Quantity) => BigInt(Math.sign(value)))
    .registerFunction('kubernetes.Quantity.isInteger(): bool', ({ value }: Quantity) => Number.isInteger(value))
    .registerFunction('kubernetes.Quantity.asInteger(): int', ({ value }: Quantity) => BigInt(value))
    .registerFunction('kubernetes.Quantity.asApproximateFloat(): double', ({ value }: Quantity) => value)
    .registerFunction('kubernetes.Quantity.compareTo(kubernetes.Quantity): int', compare)
    .registerFunction(
      'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool',
      (a: Quantity, b: Quantity) => a.value > b.value,
    )
    .registerFunction(
      'kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool',
      (a: Quantity, b: Quantity) => a.value < b.value,
    )
    .registerFunction(
      'kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity',
      (a: Quantity, b: Quantity) => new Quantity(a.value + b.value),
    )
    .registerFunction(
      'kubernetes.Quantity.add(int): kubernetes.Quantity',
      (a: Quantity, b: bigint) => new Quantity(a.value + Number(b)),
    )
    .registerFunction(
      'kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity',
      (a: Quantity, b: Quantity) => new Quantity(a.value - b.value),
    )
    .registerFunction(
      'kubernetes.Quantity.sub(int): kubernetes.Quantity',
      (a: Quantity, b: bigint) => new Quantity(a.value - Number(b)),
    )
    .registerOperator('kubernetes.Quantity == kubernetes.Quantity', (a: Quantity, b: Quantity) => a.value === b.value);
}

function toQuantity(text: string): Quantity {
  if (!isQuantity(text)) throw new TypeError(`quantity parse error during conversion from string: ${text}`);
  return new Quantity(quantityValue(text));
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
