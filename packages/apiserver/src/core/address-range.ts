import {
  type IpAddress,
  ipFromBigInt,
  ipToBigInt,
  type Prefix,
  prefixContains,
  prefixParts,
  prefixSize,
  type Family as RangeFamily,
} from '@podwire/base';

/** As a Service names its families. */
export type IpFamily = 'IPv4' | 'IPv6';

export function ipFamilyOf(addressOrPrefix: string): IpFamily {
  return addressOrPrefix.includes(':') ? 'IPv6' : 'IPv4';
}

const LARGEST_RANDOM = 53n;

/**
 * The addresses of one range: all but the network's own and, in IPv4, the broadcast address.
 *
 *     | network | lower band: given when asked for, or when the rest is full | picked at random ... | broadcast |
 *
 * The band has min(max(16, size/16), 256) addresses; a range of 16 and less has none (KEP-3070).
 */
export class AddressRange {
  readonly prefix: Prefix;
  readonly ipFamily: IpFamily;
  readonly #family: RangeFamily;
  readonly #base: bigint;
  readonly #last: bigint;
  readonly #band: bigint;

  constructor(prefix: Prefix) {
    const { address, family } = prefixParts(prefix);
    const size = prefixSize(prefix);
    this.prefix = prefix;
    this.ipFamily = ipFamilyOf(prefix);
    this.#family = family;
    this.#base = ipToBigInt(address);
    this.#last = size - (family === 'ipv4' ? 2n : 1n);
    this.#band = bandOf(size);
  }

  contains(address: IpAddress): boolean {
    if (!prefixContains(this.prefix, address)) return false;
    const index = ipToBigInt(address) - this.#base;
    return index >= 1n && index <= this.#last;
  }

  /** A free address above the band, or else in it. Costs one step each for the addresses in use next to a random one. */
  pick(random: () => number, isFree: (address: IpAddress) => boolean): IpAddress | undefined {
    const upper = [this.#band + 1n, this.#last] as const;
    return this.#scan(upper, random, isFree) ?? this.#scan([1n, this.#band], random, isFree);
  }

  /** The first free one from a random start, around the end. */
  #scan(
    [from, to]: readonly [bigint, bigint],
    random: () => number,
    isFree: (address: IpAddress) => boolean,
  ): IpAddress | undefined {
    const count = to - from + 1n;
    const drawn = BigInt(Math.floor(random() * 2 ** Number(LARGEST_RANDOM)));
    const start = (drawn * count) >> LARGEST_RANDOM;
    for (let n = 0n; n < count; n++) {
      const address = ipFromBigInt(this.#base + from + ((start + n) % count), this.#family);
      if (isFree(address)) return address;
    }
    return undefined;
  }
}

function bandOf(size: bigint): bigint {
  if (size <= 16n) return 0n;
  const part = size / 16n;
  return part < 16n ? 16n : part > 256n ? 256n : part;
}
