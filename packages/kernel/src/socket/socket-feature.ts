import { parseIp } from '@podwire/base';
import { errnoOf } from '../errno.ts';
import { KernelError } from '../errors.ts';
import type { Feature } from '../probe/feature.ts';
import { DatagramBatch } from './datagram-batch.ts';
import { type DatagramSocketOptions, openDatagramSocket } from './datagram-socket.ts';
import { openPacketSocket } from './packet-socket.ts';
import { openRawSocket } from './raw-socket.ts';
import { encodeSockaddr } from './sockaddr.ts';

const LO = '127.0.0.1';

/** What sockets can do beyond sending and receiving. The trials use lo, which is up. */
export const SOCKET_FEATURES = {
  'udp-segment': { use: 'tunnels and DNS answers: many datagrams for the price of one', trial: trySegment },
  'udp-gro': { use: 'tunnels: many datagrams of a flow taken as one', trial: () => tryUdp({ gro: true }) },
  'packet-info': { use: 'DNS answers from the address that was asked', trial: () => tryUdp({ packetInfo: true }) },
  transparent: { use: 'servers behind tproxy', trial: () => tryUdp({ transparent: true, address: '192.0.2.1' }) },
  'socket-mark': { use: 'routes and rules for a program of the node', trial: () => tryUdp({ mark: 1 }) },
  'bind-to-link': { use: 'servers of one link', trial: () => tryUdp({ link: 'lo' }) },
  'raw-socket': { use: 'connectivity tests by ICMP', trial: tryRaw },
  'packet-filter': { use: 'captures of some packets among many', trial: tryFilter },
} as const satisfies Record<string, Feature>;

function tryUdp(options: Partial<DatagramSocketOptions>): void {
  openDatagramSocket({ address: LO, port: 0, ...options }).close();
}

/** Kernels without it send the datagram whole, or refuse the control message. */
function trySegment(): void {
  const socket = openDatagramSocket({ address: LO, port: 0 });
  try {
    const batch = new DatagramBatch({ count: 2 });
    batch.put(0, Buffer.alloc(200), encodeSockaddr(parseIp(LO), socket.localAddress.port));
    batch.segmentSizes[0] = 100;
    socket.send(batch, 0, 1);
    const errno = batch.errors[0] || (socket.receive(batch) === 2 ? 0 : errnoOf('EOPNOTSUPP'));
    if (errno !== 0) throw new KernelError({ op: 'send a datagram with UDP_SEGMENT', errno });
  } finally {
    socket.close();
  }
}

function tryRaw(): void {
  openRawSocket({ family: 'ipv4', protocol: 'icmp' }).close();
}

function tryFilter(): void {
  openPacketSocket({ link: 'lo', filter: { protocol: 'ip' }, onFrame: () => {} }).close();
}
