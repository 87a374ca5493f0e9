import { PodwireError } from '@podwire/base';
import { checkCall } from '../errors.ts';
import { AF, libc, MSG, SOCK } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { inNetns, orClose } from './inet-socket.ts';
import { watchReadable } from './readable-watch.ts';

const ETH_P_ALL = 3;
const SNAPSHOT = 65_536;
/** PACKET_OUTGOING of sockaddr_ll, packet(7). */
const PACKET_OUTGOING = 4;
const SOCKADDR_LL_SIZE = 20;

export interface Frame {
  /** From the Ethernet header on. */
  readonly bytes: Buffer;
  /** Whether the link sent it or received it. */
  readonly direction: 'in' | 'out';
}

export interface PacketSocketOptions {
  readonly netns?: Netns | undefined;
  readonly link: string;
  /** Gets every frame of the link; absent: the socket only sends. */
  readonly onFrame?: (frame: Frame) => void;
}

/** Raw frames of one link, as tcpdump sees them and as nothing else would send them; packet(7). */
export interface PacketSocket {
  /** Sends a frame as it stands, Ethernet header included. */
  send(frame: Uint8Array): void;
  close(): void;
}

/** Throws KernelError, and KERNEL_CALL with ENODEV when there is no such link. */
export function openPacketSocket({ netns, link, onFrame }: PacketSocketOptions): PacketSocket {
  const fd = inNetns(netns, () => openHere(link, onFrame === undefined ? 0 : ETH_P_ALL));
  const watch = onFrame && watchReadable(fd, () => drain(fd, onFrame));
  let open = true;
  return {
    send(frame) {
      if (!open) throw new PodwireError('KERNEL_CLOSED', `the packet socket on ${link} is closed; open another`);
      checkCall(libc.send(fd, frame, frame.length, 0), () => `packet socket on ${link}: send ${frame.length} bytes`);
    },
    close() {
      if (!open) return;
      open = false;
      watch?.stop();
      libc.close(fd);
    },
  };
}

function openHere(link: string, protocol: number): number {
  const op = () => `packet socket on ${link}`;
  const fd = checkCall(libc.socket(AF.PACKET, SOCK.RAW | SOCK.CLOEXEC | SOCK.NONBLOCK, 0), op);
  return orClose(fd, () => {
    const index = libc.if_nametoindex(link);
    checkCall(index === 0 ? -1 : 0, op, 'there is no such link in this network namespace');
    const sockaddr = Buffer.alloc(SOCKADDR_LL_SIZE);
    sockaddr.writeUInt16LE(AF.PACKET, 0);
    sockaddr.writeUInt16BE(protocol, 2);
    sockaddr.writeInt32LE(index, 4);
    checkCall(libc.bind(fd, sockaddr, sockaddr.length), op);
    return fd;
  });
}

const buffer = Buffer.allocUnsafeSlow(SNAPSHOT);
const sender = Buffer.alloc(SOCKADDR_LL_SIZE);
const senderLength = Buffer.alloc(4);

function drain(fd: number, onFrame: (frame: Frame) => void): void {
  for (;;) {
    senderLength.writeUInt32LE(SOCKADDR_LL_SIZE);
    const length = libc.recvfrom(fd, buffer, buffer.length, MSG.DONTWAIT, sender, senderLength);
    if (length < 0) return;
    const direction = sender.readUInt8(10) === PACKET_OUTGOING ? 'out' : 'in';
    onFrame({ bytes: Buffer.from(buffer.subarray(0, length)), direction });
  }
}
