import { type IpAddress, nthAddress, type Prefix, prefixContains, prefixSize } from '@podwire/base';
import type { AllocationModel, Claimant } from './model.ts';

export interface Refusal {
  /** Reason of the Event. */
  readonly reason: 'AddressPoolExhausted' | 'AddressNotInPool' | 'AddressInUse' | 'AddressUnreadable';
  readonly message: string;
}

export interface Allocation {
  /** namespace/name of every claimant to its address. */
  readonly addresses: ReadonlyMap<string, IpAddress>;
  readonly refusals: ReadonlyMap<string, Refusal>;
}

/**
 * Who gets which address. Everybody keeps what the status says unless they ask for another; then requests are met, then
 * the rest get the lowest free address. Older services come first in each round.
 */
export function planAllocation({ pools, services }: AllocationModel): Allocation {
  const queue = [...services].sort((a, b) => compare(a.created, b.created) || compare(a.service, b.service));
  const holders = new Map<IpAddress, string>();
  const addresses = new Map<string, IpAddress>();
  const refusals = new Map<string, Refusal>();
  const give = ({ service }: Claimant, address: IpAddress): void => {
    holders.set(address, service);
    addresses.set(service, address);
  };
  for (const claimant of queue) {
    const { current, request } = claimant;
    const wanted = request.kind !== 'one' || request.address === current;
    if (current && wanted && !holders.has(current) && inPools(pools, current)) give(claimant, current);
  }
  for (const claimant of queue) {
    if (claimant.request.kind === 'any' || addresses.has(claimant.service)) continue;
    const refusal = refuse(claimant, pools, holders);
    if (refusal) refusals.set(claimant.service, refusal);
    else if (claimant.request.kind === 'one') give(claimant, claimant.request.address);
  }
  const free = freeAddresses(pools, holders);
  for (const claimant of queue) {
    if (claimant.request.kind !== 'any' || addresses.has(claimant.service)) continue;
    const { value: address } = free.next();
    if (address) give(claimant, address);
    else refusals.set(claimant.service, exhausted(pools, holders.size));
  }
  return { addresses, refusals };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function inPools(pools: readonly Prefix[], address: IpAddress): boolean {
  return pools.some((pool) => prefixContains(pool, address));
}

function refuse(
  { request }: Claimant,
  pools: readonly Prefix[],
  holders: ReadonlyMap<IpAddress, string>,
): Refusal | undefined {
  if (request.kind === 'unreadable')
    return {
      reason: 'AddressUnreadable',
      message: `the requested address "${request.text}" is not an IP address; correct the annotation or spec.loadBalancerIP`,
    };
  if (request.kind === 'any') return undefined;
  if (!inPools(pools, request.address))
    return {
      reason: 'AddressNotInPool',
      message: `the requested address ${request.address} is in none of the pools ${pools.join(', ') || '(there are none)'}; request another or extend loadBalancerPools`,
    };
  const holder = holders.get(request.address);
  return holder === undefined
    ? undefined
    : {
        reason: 'AddressInUse',
        message: `the requested address ${request.address} belongs to Service ${holder}; request another`,
      };
}

function exhausted(pools: readonly Prefix[], used: number): Refusal {
  const message = `no address is free: ${used} are in use of the pools ${pools.join(', ') || '(there are none)'}; extend loadBalancerPools or delete a Service of type LoadBalancer`;
  return { reason: 'AddressPoolExhausted', message };
}

/** In order, without those that end in .0 or .255, which some clients refuse. */
function* freeAddresses(
  pools: readonly Prefix[],
  taken: ReadonlyMap<IpAddress, string>,
): Generator<IpAddress, undefined> {
  for (const pool of pools) {
    const size = prefixSize(pool);
    for (let n = 0n; n < size; n++) {
      const address = nthAddress(pool, n);
      if (!taken.has(address) && !/\.(0|255)$/.test(address)) yield address;
    }
  }
  return undefined;
}
