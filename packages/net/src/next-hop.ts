import { type Family, familyOf, type IpAddress } from '@podwire/base';
import type { MultipathHop } from '@podwire/kernel/rtnetlink';
import { decodeEncap, type Encap, encodeEncap } from './encap.ts';
import { defined } from './rtnetlink.ts';

/** One of several ways a route may go; ip-route(8) "NEXTHOP". */
export interface NextHop {
  readonly via?: IpAddress;
  readonly link?: string;
  /** Share of the traffic, 1 to 256; default 1. */
  readonly weight?: number;
  readonly onlink?: boolean;
  readonly encap?: Encap;
}

export interface HopPlace {
  readonly family: Family;
  readonly indexOf: (link: string) => number;
}

/** RTA_GATEWAY, or RTA_VIA for a next hop of the other family. */
export function viaAttribute(via: IpAddress | undefined, family: Family): { gateway?: IpAddress; via?: IpAddress } {
  if (via === undefined) return {};
  return familyOf(via) === family ? { gateway: via } : { via };
}

export function encodeHop(
  { via, link, weight = 1, onlink, encap }: NextHop,
  { family, indexOf }: HopPlace,
): MultipathHop {
  return {
    hops: weight - 1,
    flags: onlink ? ['onlink'] : [],
    ...(link === undefined ? {} : { index: indexOf(link) }),
    ...viaAttribute(via, family),
    ...encodeEncap(encap),
  };
}

export function decodeHop(hop: MultipathHop, names: ReadonlyMap<number, string>): NextHop {
  const { index = 0, hops = 0, flags = [], gateway, via } = hop;
  return defined({
    via: gateway ?? (via instanceof Uint8Array ? undefined : via),
    link: names.get(index),
    weight: hops + 1,
    onlink: flags.includes('onlink') || undefined,
    encap: decodeEncap(hop.encapType, hop.encap),
  }) as NextHop;
}
