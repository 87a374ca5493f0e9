import { PodwireError } from '@podwire/base';
import { errnoName } from '../errno.ts';
import { checkCall, KernelError } from '../errors.ts';
import { libc } from '../libc.ts';
import { DatagramBatch, type DatagramBatchOptions } from './datagram-batch.ts';
import { type DescriptorWatch, watchDescriptor } from './descriptor-watch.ts';
import { decodeSockaddr, encodeSockaddr, endpointOf, type SocketAddress } from './sockaddr.ts';

/** Full batches taken in one turn of the event loop, so that timers and other sockets get theirs. */
const BATCHES_IN_ONE_TURN = 16;
const SOL_SOCKET = 1;
const SO_MEMINFO = 55;
const MEMINFO = { size: 36, receiveBuffer: 1, sendBuffer: 3, drops: 8 } as const;

export interface DatagramSocketStatistics {
  /** Datagrams the kernel dropped because nobody took them in time, since the socket was made. */
  readonly drops: number;
  /** Bytes the kernel keeps for datagrams not yet taken, its own overhead included (twice what was asked for). */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
}

/**
 * A socket of datagrams that takes and gives many in one system call; recvmmsg(2), sendmmsg(2).
 *
 * Back-pressure: what is not taken waits in the kernel's receive buffer; when that is full, the kernel drops what comes
 * and counts it in `statistics().drops`. `close` is safe at any moment, also inside a callback; every other call
 * after it throws KERNEL_CLOSED.
 */
export interface DatagramSocket {
  /** What it was bound to. */
  readonly localAddress: SocketAddress;
  readonly fd: number;
  /**
   * Takes what is there, without waiting: how many, 0 when there is nothing, or a negative errno the kernel has to
   * report about something sent before (-111, ECONNREFUSED, on a connected socket).
   */
  receive(batch: DatagramBatch): number;
  /**
   * Sends datagrams `from` (default 0) to `to` (exclusive, default `batch.count`), without waiting. Returns the index of
   * the first that the kernel had no room for, to be sent after `writable()`; `to` when all were dealt with. A datagram
   * that cannot be sent at all has its errno in `batch.errors` and does not hold up the others. A refusal of an earlier
   * one (ECONNREFUSED) shows at the first datagram of a call; the kernel keeps it to itself at the others.
   */
  send(batch: DatagramBatch, from?: number, to?: number): number;
  /** Sends one datagram; false when the kernel has no room now. Throws KernelError. Not for the hot path. */
  sendTo(bytes: Uint8Array, address: string, port: number): boolean;
  /** Resolves when the kernel has room to send again. Rejects with KERNEL_CLOSED when the socket is closed. */
  writable(): Promise<void>;
  /** No more callbacks until `resume`; datagrams wait in the kernel's buffer. */
  pause(): void;
  resume(): void;
  /** Whether the socket keeps the event loop alive; it does when it has callbacks. */
  keepAlive(keep: boolean): void;
  statistics(): DatagramSocketStatistics;
  close(): void;
  [Symbol.dispose](): void;
}

export interface DatagramEvents {
  /**
   * The batch that `onDatagrams` gets; default 64 datagrams of 2048 bytes. Many sockets may be given one and the same, so
   * that they need no memory each: it is in use only while a callback runs.
   */
  readonly batch?: DatagramBatchOptions | DatagramBatch;
  /**
   * Called from the event loop with one to `batch.count` datagrams, which are its own until it returns. Absent: call
   * `receive` yourself.
   */
  readonly onDatagrams?: (batch: DatagramBatch, socket: DatagramSocket) => void;
  /** The kernel reports that something sent before was refused: `ECONNREFUSED`, `EHOSTUNREACH`, ... Default: ignored. */
  readonly onError?: (errnoName: string, socket: DatagramSocket) => void;
}

class MessageSocket implements DatagramSocket {
  readonly #fd: number;
  readonly #name: string;
  readonly #events: DatagramEvents;
  /** Control messages are asked for only where they can come: they cost. */
  readonly #control: boolean;
  readonly #watch: DescriptorWatch;
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #one: DatagramBatch | undefined;
  #open = true;
  #paused = false;
  #keepAlive = true;

  constructor(fd: number, name: string, control: boolean, events: DatagramEvents) {
    this.#fd = fd;
    this.#name = name;
    this.#control = control;
    this.#events = events;
    const { batch: given } = events;
    const batch = events.onDatagrams && (given instanceof DatagramBatch ? given : new DatagramBatch(given));
    this.#watch = watchDescriptor(fd, {
      onReadable: () => batch && this.#drain(batch),
      onWritable: () => this.#release(),
    });
    this.#watch.wantReadable(batch !== undefined);
    this.keepAlive(batch !== undefined);
  }

  get fd(): number {
    this.#ensureOpen();
    return this.#fd;
  }

  #ensureOpen(): void {
    if (!this.#open) throw this.#closedError();
  }

  #closedError(): PodwireError {
    return new PodwireError('KERNEL_CLOSED', `the ${this.#name} is closed; open another`);
  }

  get localAddress(): SocketAddress {
    return localAddressOf(this.fd, this.#name);
  }

  #drain(batch: DatagramBatch): void {
    for (let turn = 0; turn < BATCHES_IN_ONE_TURN && this.#open && !this.#paused; turn++) {
      const n = batch.receiveFrom(this.#fd, this.#control);
      if (n > 0) this.#events.onDatagrams?.(batch, this);
      else if (n < 0) this.#events.onError?.(errnoName(-n), this);
      if (n >= 0 && n < batch.capacity) return;
    }
  }

  receive(batch: DatagramBatch): number {
    return batch.receiveFrom(this.fd, this.#control);
  }

  send(batch: DatagramBatch, from = 0, to = batch.count): number {
    const whole = Number.isInteger(from) && Number.isInteger(to);
    if (!(whole && from >= 0 && from <= to && to <= batch.capacity)) {
      const message = `cannot send datagrams ${from} to ${to} of a batch that holds ${batch.capacity}`;
      throw new PodwireError('KERNEL_ENCODE', message);
    }
    return batch.sendBy(this.fd, from, to);
  }

  sendTo(bytes: Uint8Array, address: string, port: number): boolean {
    const { fd } = this;
    const endpoint = endpointOf(address, port);
    this.#one ??= new DatagramBatch({ count: 1, size: 65_535 });
    this.#one.put(0, bytes, encodeSockaddr(endpoint.address, endpoint.port));
    if (this.#one.sendBy(fd, 0, 1) === 0) return false;
    const errno = this.#one.errors[0] ?? 0;
    if (errno === 0) return true;
    throw new KernelError({ op: `send ${bytes.length} bytes to ${endpoint.text}`, errno });
  }

  writable(): Promise<void> {
    if (!this.#open) return Promise.reject(this.#closedError());
    this.#watch.wantWritable(true);
    this.#watch.keepAlive(true);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#watch.wantWritable(false);
    this.#watch.keepAlive(this.#keepAlive);
    for (const { resolve } of waiting) resolve();
  }

  pause(): void {
    this.#ensureOpen();
    this.#paused = true;
    this.#watch.wantReadable(false);
  }

  resume(): void {
    this.#ensureOpen();
    this.#paused = false;
    this.#watch.wantReadable(this.#events.onDatagrams !== undefined);
  }

  keepAlive(keep: boolean): void {
    this.#ensureOpen();
    this.#keepAlive = keep;
    this.#watch.keepAlive(keep);
  }

  statistics(): DatagramSocketStatistics {
    const info = Buffer.alloc(MEMINFO.size);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(info.length);
    checkCall(libc.getsockopt(this.fd, SOL_SOCKET, SO_MEMINFO, info, length), () => 'read SO_MEMINFO');
    const value = (index: number) => info.readUInt32LE(index * 4);
    return {
      drops: value(MEMINFO.drops),
      receiveBuffer: value(MEMINFO.receiveBuffer),
      sendBuffer: value(MEMINFO.sendBuffer),
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.stop();
    libc.close(this.#fd);
    for (const { reject } of this.#waiting) reject(this.#closedError());
    this.#waiting = [];
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What a socket is bound to. */
export function localAddressOf(fd: number, name: string): SocketAddress {
  const sockaddr = Buffer.alloc(32);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(sockaddr.length);
  checkCall(libc.getsockname(fd, sockaddr, length), () => `read the address of the ${name}`);
  const address = decodeSockaddr(sockaddr);
  if (address) return address;
  throw new PodwireError('KERNEL_DECODE', `the ${name} has an address of unknown family`);
}

/** Puts an open, non-blocking datagram descriptor on the event loop; the result owns it. */
export function messageSocket(fd: number, name: string, control: boolean, events: DatagramEvents): DatagramSocket {
  return new MessageSocket(fd, name, control, events);
}
