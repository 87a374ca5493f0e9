import { familyOf } from '@podwire/base';
import { checkCall } from '../errors.ts';
import { libc } from '../libc.ts';
import {
  bindInetSocket,
  inNetns,
  OPTION,
  openInetSocket,
  orClose,
  type SocketOptions,
  setBufferSizes,
  setOption,
} from './inet-socket.ts';
import { type DatagramEvents, type DatagramSocket, localAddressOf, messageSocket } from './message-socket.ts';
import { type Endpoint, encodeSockaddr, endpointOf } from './sockaddr.ts';

export interface DatagramSocketOptions extends SocketOptions, DatagramEvents {
  readonly address: string;
  /** 0: any free port, see `localAddress`. */
  readonly port: number;
  /** Talk to this peer only: others are not heard, and refusals (ICMP) are reported. */
  readonly peer?: { readonly address: string; readonly port: number };
  /** Allows broadcast addresses as destination. */
  readonly broadcast?: boolean;
  /** Lets several sockets share the port; the kernel spreads datagrams over them by flow. */
  readonly reusePort?: boolean;
  /** Bytes; beyond net.core.rmem_max and wmem_max with CAP_NET_ADMIN. */
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
  /** Note the local address and link of each datagram (IP_PKTINFO), so that an answer leaves from the address asked. */
  readonly packetInfo?: boolean;
  /** Take datagrams of one flow together (UDP_GRO), with their size in `segmentSizes`; needs slots of 65,535 bytes. */
  readonly gro?: boolean;
}

/**
 * Opens a UDP socket in the netns for batches of datagrams; node:dgram's way is `bindUdp`. Throws KernelError
 * (EADDRINUSE, EADDRNOTAVAIL, ...).
 */
export function openDatagramSocket(options: DatagramSocketOptions): DatagramSocket {
  const endpoint = endpointOf(options.address, options.port);
  const fd = inNetns(options.netns, () => openHere(endpoint, options));
  const control = options.packetInfo === true || options.gro === true;
  return orClose(fd, () => {
    const { port } = localAddressOf(fd, `datagram socket at ${endpoint.text}`);
    return messageSocket(fd, `datagram socket at ${endpointOf(options.address, port).text}`, control, options);
  });
}

function openHere(endpoint: Endpoint, options: DatagramSocketOptions): number {
  const fd = openInetSocket('udp', endpoint);
  return orClose(fd, () => {
    const v6 = familyOf(endpoint.address) === 'ipv6';
    setBufferSizes(fd, options.receiveBuffer, options.sendBuffer);
    if (options.packetInfo) setOption(fd, v6 ? OPTION.packetInfo6 : OPTION.packetInfo);
    if (options.gro) setOption(fd, OPTION.gro);
    if (options.broadcast) setOption(fd, OPTION.broadcast);
    bindInetSocket(fd, endpoint, options);
    if (options.peer) connectHere(fd, endpointOf(options.peer.address, options.peer.port));
    return fd;
  });
}

function connectHere(fd: number, peer: Endpoint): void {
  const sockaddr = encodeSockaddr(peer.address, peer.port);
  checkCall(libc.connect(fd, sockaddr, sockaddr.length), () => `connect a datagram socket to ${peer.text}`);
}
