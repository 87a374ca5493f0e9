import type { IpAddress } from '@podwire/base';
import type { Address, Net } from '@podwire/net';

/** Marks the addresses this room made (IFA_PROTO); 112 and 113 mark the routes of pods and fabric. */
export const ADDRESS_PROTOCOL = 114;

/** Every address of the namespace that carries this room's mark, on whatever link. */
export function observeAddresses(net: Net): Address[] {
  return net.addresses().filter(({ protocol }) => protocol === ADDRESS_PROTOCOL);
}

/** The link that holds the node's own address. */
export function observeUplink(net: Net, nodeAddress: IpAddress): string | undefined {
  return net.addresses().find(({ address, protocol }) => address === nodeAddress && protocol !== ADDRESS_PROTOCOL)
    ?.link;
}
