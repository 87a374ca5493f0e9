import type { Prefix } from '@podwire/base';
import { hostPrefix } from '@podwire/base';
import type { Address, FdbEntry, Link, Neighbour, Route } from '@podwire/net';
import type { FabricObserved } from './observe.ts';
import { type FabricDesired, type FabricRoute, type VtepPeer, VXLAN_LINK, type VxlanDevice } from './plan.ts';

/** What has to be done to come from observed to desired, in the order it is done. */
export interface FabricChanges {
  readonly forwarding: boolean;
  /** Ours, but not wanted. */
  readonly staleLinks: readonly string[];
  /** The device has parameters that cannot be changed: it goes before its successor comes. */
  readonly recreate: boolean;
  readonly create: VxlanDevice | undefined;
  /** The device exists, but its MTU or state is not as wanted. */
  readonly adjust: VxlanDevice | undefined;
  readonly address: VxlanDevice | undefined;
  readonly vteps: readonly VtepPeer[];
  readonly routes: readonly FabricRoute[];
  readonly staleRoutes: readonly Route[];
  readonly staleNeighbours: readonly Neighbour[];
  readonly staleFdb: readonly FdbEntry[];
  readonly staleAddresses: readonly Address[];
  /** Routes that are not written, since somebody else has one for the destination. */
  readonly conflicts: readonly { readonly destination: Prefix; readonly protocol: number }[];
}

export function diffFabric(desired: FabricDesired, observed: FabricObserved): FabricChanges {
  const { vxlan } = desired;
  const device = observed.links.find((link) => link.name === VXLAN_LINK);
  const fits = vxlan !== undefined && device !== undefined && sameTunnel(device, vxlan);
  const adjusted = fits && (device?.mtu !== vxlan.mtu || !device.up);
  const seen = fits ? observed : { ...observed, addresses: [], neighbours: [], fdb: [] };
  const wanted = desired.routes.filter((r) => !observed.foreign.has(r.destination));
  return {
    forwarding: !observed.forwarding,
    staleLinks: observed.links.map((l) => l.name).filter((name) => !(vxlan && name === VXLAN_LINK)),
    recreate: vxlan !== undefined && device !== undefined && !fits,
    create: vxlan !== undefined && !fits ? vxlan : undefined,
    adjust: adjusted ? vxlan : undefined,
    address: vxlan && !seen.addresses.some((a) => isOwnAddress(a, vxlan)) ? vxlan : undefined,
    vteps: desired.vteps.filter((peer) => !hasVtep(peer, seen)),
    // A device that is made anew takes its routes along.
    routes: wanted.filter((r) => !observed.routes.some((o) => sameRoute(r, o)) || (r.link === VXLAN_LINK && !fits)),
    staleRoutes: observed.routes.filter((o) => !wanted.some((r) => r.destination === o.destination)),
    staleNeighbours: seen.neighbours.filter(
      (n) => isPermanent(n) && !desired.vteps.some((p) => p.address === n.address),
    ),
    staleFdb: seen.fdb.filter((f) => !desired.vteps.some((p) => p.mac === f.mac && p.node === f.destination)),
    staleAddresses: seen.addresses.filter((a) => !a.address.includes(':') && vxlan && !isOwnAddress(a, vxlan)),
    conflicts: desired.routes.flatMap((r) => {
      const protocol = observed.foreign.get(r.destination);
      return protocol === undefined ? [] : [{ destination: r.destination, protocol }];
    }),
  };
}

/** One line for each change, without the reasons, which the plan has. */
export function describeChanges(changes: FabricChanges): string[] {
  const { create, adjust, address, vteps, routes, staleRoutes, staleLinks } = changes;
  return [
    ...(changes.forwarding ? ['sysctl net.ipv4.ip_forward = 1'] : []),
    ...(create ? [`add link ${create.name}`] : []),
    ...(adjust ? [`change link ${adjust.name}`] : []),
    ...(address ? [`add address ${hostPrefix(address.address)} dev ${address.name}`] : []),
    ...vteps.map((p) => `add neigh ${p.address} lladdr ${p.mac} and fdb ${p.mac} dst ${p.node}`),
    ...routes.map((r) => `add route ${r.destination} via ${r.via} dev ${r.link}`),
    ...staleRoutes.map((r) => `delete route ${r.destination}${r.via ? ` via ${r.via}` : ''}`),
    ...changes.staleNeighbours.map((n) => `delete neigh ${n.address}`),
    ...changes.staleFdb.map((f) => `delete fdb ${f.mac} dst ${f.destination}`),
    ...changes.staleAddresses.map((a) => `delete address ${a.address}/${a.prefixLength} dev ${VXLAN_LINK}`),
    ...staleLinks.map((name) => `delete link ${name}`),
  ];
}

/** A change of the MAC address would flush the neighbour entries, so it is none that can be made in place. */
function sameTunnel({ vxlan: seen, mac }: Link, wanted: VxlanDevice): boolean {
  const same = seen?.vni === wanted.vni && seen.port === wanted.port && seen.local === wanted.local;
  return same && !seen.learning && mac === wanted.mac;
}

function isOwnAddress(a: Address, device: VxlanDevice): boolean {
  return a.address === device.address && a.prefixLength === 32;
}

function hasVtep(peer: VtepPeer, seen: Pick<FabricObserved, 'neighbours' | 'fdb'>): boolean {
  const neighbour = seen.neighbours.some((n) => n.address === peer.address && n.mac === peer.mac && isPermanent(n));
  return neighbour && seen.fdb.some((f) => f.mac === peer.mac && f.destination === peer.node);
}

function isPermanent(n: Neighbour): boolean {
  return n.state === 'permanent';
}

function sameRoute(wanted: FabricRoute, seen: Route): boolean {
  const onlink = seen.onlink ?? false;
  return (
    wanted.destination === seen.destination &&
    wanted.via === seen.via &&
    wanted.link === seen.link &&
    wanted.onlink === onlink
  );
}
