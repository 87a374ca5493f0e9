import { type IpAddress, nthAddress, PodwireError, type Prefix, prefixContains } from '@podwire/base';

/** Addresses and ports given out so far: the lowest that is free is the next. Throws TRACE_PLACEMENT when there is none for `what`. */
export class NumberPool {
  readonly #taken: Set<string>;

  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  /** Of IPv4; none before the `first` one of a range. */
  address(ranges: readonly Prefix[], first: number, what: string): IpAddress {
    for (const range of ranges.filter((one) => !one.includes(':'))) {
      for (let i = first; prefixContains(range, nthAddress(range, i)); i++)
        if (this.#take(nthAddress(range, i))) return nthAddress(range, i);
    }
    throw exhausted(what, ranges.join(', '));
  }

  port([first, last]: readonly [number, number], what: string): number {
    for (let port = first; port <= last; port++) if (this.#take(String(port))) return port;
    throw exhausted(what, `${first}-${last}`);
  }

  #take(text: string): boolean {
    if (this.#taken.has(text)) return false;
    this.#taken.add(text);
    return true;
  }
}

function exhausted(what: string, range: string): PodwireError {
  return new PodwireError('TRACE_PLACEMENT', `${what} finds nothing free in ${range || 'no range'}`);
}
