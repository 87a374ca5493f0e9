import type { IpAddress, Prefix } from '@podwire/base';
import { familyOf, ipFromBigInt, ipToBigInt, prefixContains, prefixParts, prefixSize } from '@podwire/base';

/** Who has an address, as error messages name it. */
type Holder = string;

type Claim =
  | { readonly kind: 'granted' }
  | { readonly kind: 'held'; readonly by: Holder }
  | { readonly kind: 'outside' };

export interface PoolFacts {
  readonly prefix: Prefix;
  /** Addresses that can be given out at all. */
  readonly total: number;
  readonly used: number;
}

/**
 * The IPv4 addresses of one podCIDR. Never given out: the network address, the broadcast address and the gateway (the
 * first one). An address that was never used comes first, lowest first; then the one released longest ago (POD-13).
 */
export interface AddressPool {
  /** Undefined: exhausted. */
  allocate(holder: Holder): IpAddress | undefined;
  /** Takes one certain address. */
  claim(address: IpAddress, holder: Holder): Claim;
  /** Of an address that is not held: nothing. */
  release(address: IpAddress): void;
  holderOf(address: IpAddress): Holder | undefined;
  /** Free addresses that were held before, the longest released first; to be kept over a restart. */
  released(): readonly IpAddress[];
  facts(): PoolFacts;
}

/** `released` is what an earlier pool's released() said; foreign and double entries are ignored. */
export function createAddressPool(prefix: Prefix, released: readonly IpAddress[] = []): AddressPool {
  return new RangePool(prefix, released);
}

/** The address the node itself has in the podCIDR. */
export function gatewayOf(prefix: Prefix): IpAddress {
  return ipFromBigInt(ipToBigInt(prefixParts(prefix).address) + 1n, familyOf(prefix));
}

const FIRST_OFFSET = 2;

class RangePool implements AddressPool {
  readonly #prefix: Prefix;
  readonly #base: bigint;
  /** The broadcast address' offset: offsets from FIRST_OFFSET up to here, without it, can be given out. */
  readonly #end: number;
  readonly #held = new Map<IpAddress, Holder>();
  /** Insertion order is release order. */
  readonly #released: Set<IpAddress>;
  /** Every offset below was given out before; only grows. */
  #fresh = FIRST_OFFSET;

  constructor(prefix: Prefix, released: readonly IpAddress[]) {
    this.#prefix = prefix;
    this.#base = ipToBigInt(prefixParts(prefix).address);
    this.#end = Number(prefixSize(prefix)) - 1;
    this.#released = new Set(released.filter((address) => this.#usable(address)));
  }

  allocate(holder: Holder): IpAddress | undefined {
    const address = this.#nextFresh() ?? this.#released.values().next().value;
    if (address !== undefined) this.#hold(address, holder);
    return address;
  }

  claim(address: IpAddress, holder: Holder): Claim {
    if (!this.#usable(address)) return { kind: 'outside' };
    const by = this.#held.get(address);
    if (by !== undefined) return { kind: 'held', by };
    this.#hold(address, holder);
    return { kind: 'granted' };
  }

  release(address: IpAddress): void {
    if (this.#held.delete(address)) this.#released.add(address);
  }

  holderOf(address: IpAddress): Holder | undefined {
    return this.#held.get(address);
  }

  released(): readonly IpAddress[] {
    return [...this.#released];
  }

  facts(): PoolFacts {
    return { prefix: this.#prefix, total: Math.max(0, this.#end - FIRST_OFFSET), used: this.#held.size };
  }

  #hold(address: IpAddress, holder: Holder): void {
    this.#released.delete(address);
    this.#held.set(address, holder);
  }

  #nextFresh(): IpAddress | undefined {
    for (; this.#fresh < this.#end; this.#fresh++) {
      const address = ipFromBigInt(this.#base + BigInt(this.#fresh), 'ipv4');
      if (!this.#held.has(address) && !this.#released.has(address)) return address;
    }
    return undefined;
  }

  #usable(address: IpAddress): boolean {
    if (!prefixContains(this.#prefix, address)) return false;
    const offset = Number(ipToBigInt(address) - this.#base);
    return offset >= FIRST_OFFSET && offset < this.#end;
  }
}
