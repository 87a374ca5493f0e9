import type { Family } from '@podwire/base';
import { choose } from '../choice.ts';
import { checkCall, encodeError } from '../errors.ts';
import { AF, libc, SOCK } from '../libc.ts';
import {
  bindAddress,
  inNetns,
  OPTION,
  orClose,
  type SocketOptions,
  setBufferSizes,
  setOption,
  setSocketOptions,
} from './inet-socket.ts';
import { type DatagramEvents, type DatagramSocket, messageSocket } from './message-socket.ts';
import { endpointOf } from './sockaddr.ts';

/** The protocol numbers that raw sockets are opened for most; others go by number. */
export const IP_PROTOCOL = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  icmp6: 58,
  ospf: 89,
  vrrp: 112,
} as const;

const FAMILIES = { ipv4: AF.INET, ipv6: AF.INET6 } as const;

export interface RawSocketOptions extends SocketOptions, DatagramEvents {
  readonly family: Family;
  /** A name of IP_PROTOCOL or a number, 1 to 255. 255 (IPPROTO_RAW) only sends, with the header included. */
  readonly protocol: keyof typeof IP_PROTOCOL | number;
  /** What is sent begins with the IP header (IP_HDRINCL, IPV6_HDRINCL); the kernel fills in checksum and zero fields of IPv4. */
  readonly headerIncluded?: boolean;
  /** Only packets to this local address. */
  readonly address?: string;
  /** Note the local address and link of each packet. */
  readonly packetInfo?: boolean;
  /** Bytes; beyond net.core.rmem_max and wmem_max with CAP_NET_ADMIN. */
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
}

/**
 * Opens a raw socket of an IP protocol in the netns; raw(7). Received IPv4 packets begin with their IP header, IPv6 ones
 * behind theirs. Ports in addresses are zero. For icmp6 the kernel computes the checksum. Throws KernelError,
 * KERNEL_PERMISSION without CAP_NET_RAW, KERNEL_ENCODE for a family or protocol that is none.
 */
export function openRawSocket(options: RawSocketOptions): DatagramSocket {
  const { family, protocol } = options;
  choose(FAMILIES, family, 'the family of a raw socket');
  const number =
    typeof protocol === 'number' ? protocol : choose(IP_PROTOCOL, protocol, 'the protocol of a raw socket');
  if (!Number.isInteger(number) || number < 1 || number > 255)
    throw encodeError(`${number} as the protocol of a raw socket; write a name or 1 to 255`);
  const name = `raw socket of ${family} protocol ${protocol}`;
  const fd = inNetns(options.netns, () => openHere(number, name, options));
  return orClose(fd, () => messageSocket(fd, name, options.packetInfo === true, options));
}

function openHere(protocol: number, name: string, options: RawSocketOptions): number {
  const v6 = options.family === 'ipv6';
  const type = SOCK.RAW | SOCK.CLOEXEC | SOCK.NONBLOCK;
  const fd = checkCall(libc.socket(FAMILIES[options.family], type, protocol), () => name);
  return orClose(fd, () => {
    if (options.headerIncluded) setOption(fd, v6 ? OPTION.headerIncluded6 : OPTION.headerIncluded);
    if (options.packetInfo) setOption(fd, v6 ? OPTION.packetInfo6 : OPTION.packetInfo);
    setBufferSizes(fd, options.receiveBuffer, options.sendBuffer);
    setSocketOptions(fd, options.family, options);
    if (options.address !== undefined) bindAddress(fd, endpointOf(options.address, 0), options.link);
    return fd;
  });
}
