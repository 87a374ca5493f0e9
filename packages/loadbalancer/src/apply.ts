import { familyOf, type IpAddress } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { Address, Net } from '@podwire/net';
import { announceByArp } from './gratuitous-arp.ts';
import { ADDRESS_PROTOCOL, observeAddresses } from './observe.ts';

export interface AddressChanges {
  readonly add: readonly Address[];
  readonly remove: readonly Address[];
}

/**
 * What it takes to have exactly `own` on the uplink, among the addresses with this room's mark. While the uplink is not
 * known an address stays where it is.
 */
export function diffOwnAddresses(net: Net, uplink: string | undefined, own: readonly IpAddress[]): AddressChanges {
  const present = observeAddresses(net);
  const wanted = (one: Address): boolean => own.includes(one.address) && (!uplink || one.link === uplink);
  const missing = own.filter((address) => !present.some((one) => wanted(one) && one.address === address));
  return {
    remove: present.filter((one) => !wanted(one)),
    add: uplink === undefined ? [] : missing.map((address) => addressOn(uplink, address)),
  };
}

function addressOn(link: string, address: IpAddress): Address {
  const prefixLength = familyOf(address) === 'ipv4' ? 32 : 128;
  return { link, address, prefixLength, protocol: ADDRESS_PROTOCOL };
}

/** Gives up first, then takes over and says so. */
export function applyAddresses(net: Net, { add, remove }: AddressChanges, netns?: Netns): void {
  for (const address of remove) net.deleteAddress(address);
  for (const address of add) net.addAddress(address);
  const [first] = add;
  const mac = first && net.link(first.link)?.mac;
  if (mac)
    announceByArp(
      { netns, link: first.link, mac },
      add.map(({ address }) => address),
    );
}
