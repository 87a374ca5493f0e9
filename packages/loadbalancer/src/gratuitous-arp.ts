import { type IpAddress, ipBytes } from '@podwire/base';
import { type Netns, openPacketSocket } from '@podwire/kernel';

const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const ZERO = '00:00:00:00:00:00';
/** Some hosts learn from requests only, some from replies only (RFC 5227 section 3). */
const OPERATIONS = [1, 2] as const;

export interface GratuitousArp {
  readonly netns?: Netns | undefined;
  readonly link: string;
  readonly mac: string;
}

/** Tells everyone on the link that the addresses are at `mac` now. */
export function announceByArp({ netns, link, mac }: GratuitousArp, addresses: readonly IpAddress[]): void {
  const socket = openPacketSocket({ netns, link });
  try {
    for (const address of addresses) for (const operation of OPERATIONS) socket.send(arpFrame(operation, mac, address));
  } finally {
    socket.close();
  }
}

/** An ARP packet (RFC 826) in an Ethernet frame; sender and target address are the same. */
export function arpFrame(operation: 1 | 2, mac: string, address: IpAddress): Buffer {
  const [sender, ip] = [macBytes(mac), ipBytes(address)];
  const target = macBytes(operation === 1 ? ZERO : BROADCAST);
  const ethernet = [macBytes(BROADCAST), sender, Buffer.from([0x08, 0x06])];
  const header = Buffer.from([0, 1, 0x08, 0x00, 6, 4, 0, operation]);
  return Buffer.concat([...ethernet, header, sender, ip, target, ip]);
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}
