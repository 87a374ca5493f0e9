import { PodwireError } from '@podwire/base';
import { choose } from '../choice.ts';
import { errnoName } from '../errno.ts';
import { checkCall, isErrno, KernelError } from '../errors.ts';
import { AF, lastErrno, libc, MSG, SOCK } from '../libc.ts';
import { orClose, setOption } from '../socket/inet-socket.ts';
import { traceDatagram } from './netlink-trace.ts';

/** NETLINK_* of linux/netlink.h. */
const PROTOCOLS = { route: 0, 'sock-diag': 4, xfrm: 6, netfilter: 12, generic: 16 } as const;
export type NetlinkProtocol = keyof typeof PROTOCOLS;

const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_NETLINK = 270;
const OPTION = {
  sendBuffer: [SOL_SOCKET, 7, 'SO_SNDBUF'],
  receiveBuffer: [SOL_SOCKET, 8, 'SO_RCVBUF'],
  sendBufferForce: [SOL_SOCKET, 32, 'SO_SNDBUFFORCE'],
  receiveBufferForce: [SOL_SOCKET, 33, 'SO_RCVBUFFORCE'],
  capAck: [SOL_NETLINK, 10, 'NETLINK_CAP_ACK'],
  extAck: [SOL_NETLINK, 11, 'NETLINK_EXT_ACK'],
  strictCheck: [SOL_NETLINK, 12, 'NETLINK_GET_STRICT_CHK'],
} as const;

/** Acknowledgements wait in the receive buffer until all of a send is worked off. */
const BUFFER_BYTES = 16 << 20;
/** A guard against waiting for ever for an answer the kernel never sent. */
const ANSWER_SECONDS = 10n;
/** The kernel writes lists in pieces of at most 32 KiB; single answers are smaller. */
const RECEIVE_BYTES = 1 << 18;

/** A bound netlink socket in the calling thread's netns. */
export interface NetlinkSocket {
  readonly fd: number;
  /**
   * Whether the buffers have BUFFER_BYTES, which takes CAP_NET_ADMIN of the machine, not of a user namespace; else they
   * are as large as net.core.rmem_max and wmem_max allow.
   */
  readonly roomy: boolean;
}

/** The descriptor is the caller's to close. Throws KernelError. */
export function openNetlinkSocket(protocol: NetlinkProtocol): NetlinkSocket {
  const number = choose(PROTOCOLS, protocol, 'a netlink protocol');
  const op = () => `open a netlink socket for ${protocol}`;
  const fd = checkCall(libc.socket(AF.NETLINK, SOCK.RAW | SOCK.CLOEXEC, number), op);
  return orClose(fd, () => {
    const sockaddr = Buffer.alloc(12);
    sockaddr.writeUInt16LE(AF.NETLINK, 0);
    checkCall(libc.bind(fd, sockaddr, sockaddr.length), () => 'bind a netlink socket');
    setOption(fd, OPTION.capAck);
    setOption(fd, OPTION.extAck);
    if (protocol === 'route') setOption(fd, OPTION.strictCheck);
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(ANSWER_SECONDS, 0);
    checkCall(libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length), () => 'set a receive time-out');
    return { fd, roomy: growBuffers(fd) };
  });
}

function growBuffers(fd: number): boolean {
  try {
    for (const option of [OPTION.sendBufferForce, OPTION.receiveBufferForce]) setOption(fd, option, BUFFER_BYTES);
    return true;
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error;
    for (const option of [OPTION.sendBuffer, OPTION.receiveBuffer]) setOption(fd, option, BUFFER_BYTES);
    return false;
  }
}

export function sendDatagram(socket: NetlinkSocket, datagram: Buffer, { protocol, op }: Exchange): void {
  traceDatagram('send', protocol, datagram);
  let sent: number;
  do sent = libc.send(socket.fd, datagram, datagram.length, 0);
  while (sent < 0 && errnoName(lastErrno()) === 'EINTR');
  const advice = sent < 0 && errnoName(lastErrno()) === 'EMSGSIZE' ? TOO_LONG : undefined;
  checkCall(sent, op, advice);
}

const TOO_LONG =
  'it is more than the send buffer holds: split it, or raise net.core.wmem_max (with CAP_NET_ADMIN it holds 32 MiB)';

interface Exchange {
  readonly protocol: NetlinkProtocol;
  readonly op: () => string;
}

/** Shared by all sockets of this thread: nothing is kept in it between two calls. */
const receiveBuffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
/** struct sockaddr_nl; nl_pid at 4 is zero for the kernel. */
const sender = Buffer.alloc(12);
const senderLength = Buffer.alloc(4);

/** How reading ended: with a datagram of the kernel, with nothing waiting (EAGAIN), or with a loss (ENOBUFS). */
export type Received = Buffer | 'empty' | 'overflow';

/**
 * Reads one datagram of the kernel; those of other programs, which may write to any netlink socket, are passed over.
 * Waits for one unless `flags` hold MSG_DONTWAIT. The bytes are the caller's.
 */
export function receiveDatagram({ fd }: NetlinkSocket, protocol: NetlinkProtocol, flags = 0): Received {
  for (;;) {
    senderLength.writeUInt32LE(sender.length);
    const length = libc.recvfrom(fd, receiveBuffer, RECEIVE_BYTES, flags | MSG.TRUNC, sender, senderLength);
    if (length < 0) {
      const name = errnoName(lastErrno());
      if (name === 'EINTR') continue;
      if (name === 'ENOBUFS') return 'overflow';
      if (name === 'EAGAIN') return 'empty';
      throw new KernelError({ op: `receive from netlink ${protocol}`, errno: lastErrno() });
    }
    if (sender.readUInt32LE(4) !== 0) continue;
    if (length > RECEIVE_BYTES)
      throw lost(`receive from netlink ${protocol}`, `an answer of ${length} bytes is too long`);
    const datagram = Buffer.from(receiveBuffer.subarray(0, length));
    traceDatagram('receive', protocol, datagram);
    return datagram;
  }
}

export function noAnswer(op: string): PodwireError {
  return lost(op, `no answer for ${ANSWER_SECONDS} s`);
}

export function lost(op: string | undefined, why: string): PodwireError {
  return new PodwireError('KERNEL_NETLINK_LOST', `${op ?? 'netlink'}: ${why}`);
}
