import { done, type Outcome } from '@podwire/base';
import type { Net } from '@podwire/net';
import type { FabricChanges } from './diff.ts';
import { allowForwarding } from './observe.ts';
import { VXLAN_LINK, type VxlanDevice } from './plan.ts';

/**
 * Device and entries first, then routes replaced in place, then what is stale: while a backend is changed there is
 * always a route to every peer. Only a device with wrong parameters has to go before its successor.
 */
export function applyFabric(net: Net, changes: FabricChanges): Outcome {
  if (changes.forwarding) allowForwarding(net);
  if (changes.recreate) net.deleteLink(VXLAN_LINK);
  if (changes.create) createDevice(net, changes.create);
  else if (changes.adjust) net.setLink(VXLAN_LINK, { mtu: changes.adjust.mtu, up: true });
  if (changes.address) net.addAddress({ link: VXLAN_LINK, address: changes.address.address, prefixLength: 32 });
  for (const { address, mac, node } of changes.vteps) {
    net.replaceNeighbour({ link: VXLAN_LINK, address, mac, state: 'permanent' });
    net.replaceFdb({ link: VXLAN_LINK, mac, destination: node });
  }
  const failed = applyRoutes(net, changes);
  for (const neighbour of changes.staleNeighbours) net.deleteNeighbour(neighbour);
  for (const entry of changes.staleFdb) net.deleteFdb(entry);
  for (const address of changes.staleAddresses) net.deleteAddress(address);
  for (const link of changes.staleLinks) net.deleteLink(link);
  return failed.length === 0 ? done : { kind: 'retry', reason: failed.join('; ') };
}

function createDevice(net: Net, device: VxlanDevice): void {
  const { name, vni, port, local, mtu, mac } = device;
  net.createVxlan({ name, vni, port, local, mtu, mac, learning: false });
  net.setLink(name, { up: true });
}

/** Adds before removals; a route that is refused does not keep the others back. */
function applyRoutes(net: Net, { routes, staleRoutes }: FabricChanges): string[] {
  const add = routes.map(({ destination, via, link, onlink, protocol }) => ({
    destination,
    via,
    link,
    onlink,
    protocol,
  }));
  return net
    .applyRoutes({ add, remove: staleRoutes })
    .filter((result) => result.error !== undefined)
    .map(({ route, error }) => `route ${route.destination}: ${error?.message}`);
}
