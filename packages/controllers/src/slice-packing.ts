import { isDeepStrictEqual } from 'node:util';
import type { ObjectOf } from '@podwire/kube';
import { nameOf } from './context.ts';

type EndpointSlice = ObjectOf<'EndpointSlice'>;
type Endpoint = EndpointSlice['endpoints'][number];
type SlicePort = NonNullable<EndpointSlice['ports']>[number];

/** Endpoints of one family with the same port numbers. */
export interface PortGroup {
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly Endpoint[];
}

/** What one slice holds. */
export interface Packed {
  /** Of the slice that is there already; absent for a new one. */
  readonly name?: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly Endpoint[];
}

/**
 * Packs endpoints into slices of at most `size`, with as few writes as may be: an endpoint stays in its slice, a new one
 * goes where something changes anyway or else where there is room, and a slice that nobody needs any more is used again
 * for what needs one. Without endpoints there is one empty slice. Present slices that are not in the answer are to go.
 */
export function packEndpoints(
  groups: readonly PortGroup[],
  present: readonly EndpointSlice[],
  size: number,
): readonly Packed[] {
  const packed = groups.flatMap((group) => packGroup(group, present, size));
  const used = new Set(packed.map(({ name }) => name));
  const spare = present.map(nameOf).filter((name) => !used.has(name));
  const all = packed.length > 0 ? packed : [{ ports: [], endpoints: [] }];
  return all.map((one) => {
    const name = 'name' in one ? one.name : spare.shift();
    return { ...one, ...(name !== undefined && { name }) };
  });
}

interface Open {
  readonly name?: string;
  readonly endpoints: Endpoint[];
  changed: boolean;
}

function packGroup({ ports, endpoints }: PortGroup, present: readonly EndpointSlice[], size: number): Packed[] {
  const waiting = new Map(endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const slices = present
    .filter((slice) => isDeepStrictEqual(slice.ports ?? [], ports))
    .map((slice): Open => {
      const kept = (slice.endpoints ?? []).flatMap((before) => take(waiting, identityOf(before)) ?? []);
      const changed = !isDeepStrictEqual(kept, slice.endpoints ?? []);
      return { name: nameOf(slice), endpoints: kept, changed };
    })
    .filter((slice) => slice.endpoints.length > 0);
  for (const endpoint of waiting.values()) {
    const slice = roomiest(slices, size) ?? added(slices);
    slice.endpoints.push(endpoint);
    slice.changed = true;
  }
  return slices.map(({ name, endpoints: held }) => ({ ...(name !== undefined && { name }), ports, endpoints: held }));
}

/** A slice that changes anyway, or else the fullest with room. */
function roomiest(slices: readonly Open[], size: number): Open | undefined {
  const open = slices.filter(({ endpoints }) => endpoints.length < size);
  const changing = open.filter(({ changed }) => changed);
  return (changing.length > 0 ? changing : open).reduce<Open | undefined>(
    (best, one) => (best && best.endpoints.length >= one.endpoints.length ? best : one),
    undefined,
  );
}

function added(slices: Open[]): Open {
  const slice: Open = { endpoints: [], changed: true };
  slices.push(slice);
  return slice;
}

function take(waiting: Map<string, Endpoint>, identity: string): Endpoint | undefined {
  const endpoint = waiting.get(identity);
  waiting.delete(identity);
  return endpoint;
}

/** Two pods may have one address (host network), and a pod that was made again another one. */
function identityOf({ addresses, targetRef }: Endpoint): string {
  return `${addresses[0]} ${targetRef?.uid ?? targetRef?.name ?? ''}`;
}
