import { PodwireError } from '@podwire/base';
import koffi from 'koffi';
import { type ClassicInstruction, encodeClassicProgram } from '../capture/classic-bpf.ts';
import type { Filter } from '../capture/filter.ts';
import { compileFilter, WHOLE_PACKET } from '../capture/filter-compiler.ts';
import { errnoName } from '../errno.ts';
import { checkCall, encodeError } from '../errors.ts';
import { AF, libc, SOCK } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { type DescriptorWatch, watchDescriptor } from './descriptor-watch.ts';
import { inNetns, linkIndex, OPTION, orClose, setBufferSizes, setOption } from './inet-socket.ts';
import { MessageBatch } from './message-batch.ts';
import { type Frame, FrameReader } from './packet-frame.ts';

export type { Frame } from './packet-frame.ts';

const ETH_P_ALL = 3;
const SOCKADDR_LL_SIZE = 20;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
/** Options of packet(7). */
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_STATISTICS = 6;
const PACKET_AUXDATA = [SOL_PACKET, 8, 'PACKET_AUXDATA'] as const;
const PACKET_MR_PROMISC = 1;
const PACKET_MREQ_SIZE = 16;

/** The longest frame: 64 KiB of super-frame, its headers, and some. */
const LONGEST_FRAME = 65_536 + 256;
const FRAMES_IN_ONE_CALL = 32;
/** Full batches taken in one turn of the event loop, so that timers and other sockets get theirs. */
const BATCHES_IN_ONE_TURN = 16;

export interface PacketSocketOptions {
  readonly netns?: Netns | undefined;
  /** Name of the link. Absent: all links of the namespace, cooked: only to receive. */
  readonly link?: string;
  /** Gets every frame that passes the filter; absent: the socket only sends. */
  readonly onFrame?: (frame: Frame) => void;
  /** The kernel reports trouble: `ENETDOWN` when the link went down or away. Default: ignored. */
  readonly onError?: (errnoName: string) => void;
  /**
   * What to receive, as a filter or as a program of your own; the kernel runs it. Cooked and link without Ethernet header:
   * see FilterLinkLayer, and `linkLayer`.
   */
  readonly filter?: Filter | readonly ClassicInstruction[];
  /** What frames of the link begin with; `ip` for tun links. Default ethernet. */
  readonly linkLayer?: 'ethernet' | 'ip';
  /** Most bytes kept of a frame, 1 or more; default all. */
  readonly snapLength?: number;
  /** Receive also what is addressed to others. */
  readonly promiscuous?: boolean;
  /** Bytes; beyond net.core.rmem_max with CAP_NET_ADMIN. */
  readonly receiveBuffer?: number;
}

export interface PacketStatistics {
  /** Frames that passed the filter, those dropped included. */
  readonly received: bigint;
  /** Frames lost because nobody took them in time. */
  readonly dropped: bigint;
}

/**
 * Raw frames of one link, as tcpdump sees them and as nothing else would send them; packet(7).
 *
 * Back-pressure: frames wait in the kernel's receive buffer while `onFrame` runs or the socket is paused; when it is full,
 * frames are dropped and counted. `close` is safe at any moment, also inside `onFrame`.
 */
export interface PacketSocket {
  /** Sends a frame as it stands, Ethernet header included. Throws KernelError, KERNEL_CLOSED. */
  send(frame: Uint8Array): void;
  /** No more frames until `resume`, but for up to 31 that were taken out of the kernel already. */
  pause(): void;
  resume(): void;
  /** Counts since the socket was opened. */
  statistics(): PacketStatistics;
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Throws KernelError (ENODEV when there is no such link, or to be promiscuous on all), and KERNEL_ENCODE for a filter or
 * snapLength that cannot be.
 */
export function openPacketSocket(options: PacketSocketOptions): PacketSocket {
  const { snapLength = LONGEST_FRAME } = options;
  if (!Number.isInteger(snapLength) || snapLength < 1 || snapLength > 0xffffffff)
    throw encodeError(`a snapLength of ${snapLength}`);
  const name = `packet socket on ${options.link ?? 'all links'}`;
  const fd = inNetns(options.netns, () => openHere(name, options));
  return orClose(fd, () => new FrameSocket(fd, name, options));
}

class FrameSocket implements PacketSocket {
  readonly #fd: number;
  readonly #name: string;
  readonly #options: PacketSocketOptions;
  readonly #watch: DescriptorWatch | undefined;
  #open = true;
  #paused = false;
  #received = 0n;
  #dropped = 0n;

  constructor(fd: number, name: string, options: PacketSocketOptions) {
    this.#fd = fd;
    this.#name = name;
    this.#options = options;
    const { onFrame, snapLength, link } = options;
    if (onFrame === undefined) return;
    const size = Math.min(snapLength ?? LONGEST_FRAME, LONGEST_FRAME);
    const batch = new MessageBatch(FRAMES_IN_ONE_CALL, size);
    const reader = new FrameReader(batch, link === undefined);
    this.#watch = watchDescriptor(fd, { onReadable: () => this.#drain(batch, reader, onFrame) });
  }

  #drain(batch: MessageBatch, reader: FrameReader, onFrame: (frame: Frame) => void): void {
    for (let turn = 0; turn < BATCHES_IN_ONE_TURN && this.#open && !this.#paused; turn++) {
      const n = batch.receive(this.#fd, true);
      // frames already taken are handed out even when paused in between, but not after close()
      for (let i = 0; i < n && this.#open; i++) onFrame(reader.read(i));
      if (n < 0) this.#options.onError?.(errnoName(-n));
      if (n >= 0 && n < batch.count) return;
    }
  }

  #fdOf(): number {
    if (this.#open) return this.#fd;
    throw new PodwireError('KERNEL_CLOSED', `the ${this.#name} is closed; open another`);
  }

  send(frame: Uint8Array): void {
    const fd = this.#fdOf();
    checkCall(libc.send(fd, frame, frame.length, 0), () => `${this.#name}: send ${frame.length} bytes`);
  }

  pause(): void {
    this.#fdOf();
    this.#paused = true;
    this.#watch?.wantReadable(false);
  }

  resume(): void {
    this.#fdOf();
    this.#paused = false;
    this.#watch?.wantReadable(true);
  }

  statistics(): PacketStatistics {
    const counts = Buffer.alloc(8);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(counts.length);
    const fd = this.#fdOf();
    checkCall(libc.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, counts, length), () => `${this.#name}: statistics`);
    // reading sets the kernel's counts back to zero
    this.#received += BigInt(counts.readUInt32LE(0));
    this.#dropped += BigInt(counts.readUInt32LE(4));
    return { received: this.#received, dropped: this.#dropped };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch?.stop();
    libc.close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function openHere(name: string, options: PacketSocketOptions): number {
  const { link, onFrame, receiveBuffer, promiscuous } = options;
  const type = (link === undefined ? SOCK.DGRAM : SOCK.RAW) | SOCK.CLOEXEC | SOCK.NONBLOCK;
  const fd = checkCall(libc.socket(AF.PACKET, type, 0), () => name);
  return orClose(fd, () => {
    const index = link === undefined ? 0 : linkIndex(link, 'bind a packet socket');
    setBufferSizes(fd, receiveBuffer, undefined);
    if (onFrame) {
      setOption(fd, OPTION.timestampNs);
      setOption(fd, PACKET_AUXDATA);
      const program = programOf(options);
      if (program) attachFilter(fd, program, name);
    }
    if (promiscuous) addPromiscuous(fd, index, name);
    // bound last: no frame comes before the filter is in place
    bindToLink(fd, index, onFrame === undefined ? 0 : ETH_P_ALL, name);
    return fd;
  });
}

function bindToLink(fd: number, index: number, protocol: number, name: string): void {
  const sockaddr = Buffer.alloc(SOCKADDR_LL_SIZE);
  sockaddr.writeUInt16LE(AF.PACKET, 0);
  sockaddr.writeUInt16BE(protocol, 2);
  sockaddr.writeInt32LE(index, 4);
  checkCall(libc.bind(fd, sockaddr, sockaddr.length), () => name);
}

function programOf(options: PacketSocketOptions): readonly ClassicInstruction[] | undefined {
  const { filter, snapLength = WHOLE_PACKET, link, linkLayer = 'ethernet' } = options;
  if (isProgram(filter)) return filter;
  if (filter === undefined && options.snapLength === undefined) return undefined;
  return compileFilter(filter ?? { and: [] }, { link: link === undefined ? 'cooked' : linkLayer, snapLength });
}

function isProgram(filter: PacketSocketOptions['filter']): filter is readonly ClassicInstruction[] {
  return Array.isArray(filter);
}

/** struct sock_fprog: a count and a pointer to the instructions. */
function attachFilter(fd: number, program: readonly ClassicInstruction[], name: string): void {
  const instructions = encodeClassicProgram(program);
  const fprog = Buffer.alloc(16);
  fprog.writeUInt16LE(program.length, 0);
  fprog.writeBigUInt64LE(koffi.address(instructions), 8);
  const result = libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog, fprog.length);
  checkCall(result, () => `${name}: attach a filter of ${instructions.length / 8} instructions`);
}

/** struct packet_mreq. The link leaves promiscuous mode when the socket is closed. */
function addPromiscuous(fd: number, index: number, name: string): void {
  const request = Buffer.alloc(PACKET_MREQ_SIZE);
  request.writeInt32LE(index, 0);
  request.writeUInt16LE(PACKET_MR_PROMISC, 4);
  const result = libc.setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request, request.length);
  checkCall(result, () => `${name}: promiscuous mode`);
}
