import { formatIp, type IpAddress } from '@podwire/base';
import { encodeError } from '../errors.ts';
import { AF } from '../libc.ts';
import { type DatagramControl, readDatagramControl, writeDatagramControl } from './datagram-control.ts';
import { CONTROL_SIZE, MessageBatch, NAME_SIZE } from './message-batch.ts';
import { decodeSockaddr, type SocketAddress } from './sockaddr.ts';

const MSG_TRUNC = 0x20;

export interface DatagramBatchOptions {
  /** Datagrams in one call; 1 to 1024, default 64. */
  readonly count?: number;
  /** Bytes for each datagram; 1 to 65,535, default 2048. A longer one is cut off; super-datagrams (GRO) need 65,535. */
  readonly size?: number;
}

/**
 * Memory for up to `capacity` datagrams, used again and again: nothing is allocated for a datagram. Datagram `i` is
 * `lengths[i]` bytes of `data` from `offsetOf(i)` on; the same slots are filled by `receive` and emptied by `send`, so
 * that an answer written over its question goes back to who asked, from the address that was asked.
 */
export class DatagramBatch implements DatagramControl {
  readonly capacity: number;
  /** Bytes of each slot. */
  readonly size: number;
  /** Datagrams in it: set by `receive`; set it before `send` when you fill the batch yourself. */
  count = 0;
  /** All slots, one after the other. */
  readonly data: Buffer;
  /** Bytes of each datagram. */
  readonly lengths: Uint32Array;
  /**
   * Received with UDP_GRO: bytes of each of the datagrams that the kernel put together (the last may be shorter), 0 when it
   * is a single one. To send (UDP_SEGMENT): the kernel cuts the slot into datagrams of that many bytes; 0: one datagram.
   */
  readonly segmentSizes: Uint16Array;
  /** After `send`: 0, or the errno of a datagram that was not sent (EMSGSIZE, ECONNREFUSED, ENETUNREACH, ...). */
  readonly errors: Int32Array;
  /** With `packetInfo`: ifindex of the link a datagram came in by; else 0. */
  readonly ifIndexes: Uint32Array;
  /** With `packetInfo`: the address a datagram came to, 16 bytes a slot; `send` takes it as source. */
  readonly localAddresses: Uint8Array;
  /** 4 or 16; 0 when the local address is not known or the kernel shall choose. */
  readonly localLengths: Uint8Array;
  readonly #messages: MessageBatch;

  constructor({ count = 64, size = 2048 }: DatagramBatchOptions = {}) {
    if (!Number.isInteger(count) || count < 1 || count > 1024)
      throw encodeError(`a batch of ${count} datagrams; 1 to 1024 are possible`);
    if (!Number.isInteger(size) || size < 1 || size > 65_535)
      throw encodeError(`a datagram slot of ${size} bytes; 1 to 65535 are possible`);
    this.capacity = count;
    this.size = size;
    this.#messages = new MessageBatch(count, size);
    this.data = this.#messages.data;
    this.lengths = new Uint32Array(count);
    this.segmentSizes = new Uint16Array(count);
    this.errors = new Int32Array(count);
    this.ifIndexes = new Uint32Array(count);
    this.localAddresses = new Uint8Array(count * 16);
    this.localLengths = new Uint8Array(count);
  }

  offsetOf(i: number): number {
    return i * this.size;
  }

  /** The bytes of datagram `i`, sharing the batch's memory; an object, so not for the hot path. */
  bytesOf(i: number): Buffer {
    const at = i * this.size;
    return this.data.subarray(at, at + (this.lengths[i] ?? 0));
  }

  /** Whether datagram `i` was longer than its slot. */
  isTruncated(i: number): boolean {
    return (this.#messages.flagsOf(i) & MSG_TRUNC) !== 0;
  }

  /** Who sent datagram `i`, or to whom it goes; undefined when no address is set. Allocates. */
  peerOf(i: number): SocketAddress | undefined {
    return decodeSockaddr(this.#messages.names.subarray(i * NAME_SIZE, (i + 1) * NAME_SIZE));
  }

  /** The struct sockaddr of datagram `i`, 32 bytes, sharing the batch's memory; fit for `setPeer` and as a key. */
  peerBytes(i: number): Buffer {
    return this.#messages.names.subarray(i * NAME_SIZE, (i + 1) * NAME_SIZE);
  }

  /** Sets where datagram `i` goes, as `encodeSockaddr` or `peerBytes` give it; undefined: to the connected peer. */
  setPeer(i: number, sockaddr: Uint8Array | undefined): void {
    const at = i * NAME_SIZE;
    if (sockaddr && sockaddr.length > NAME_SIZE) throw encodeError(`a socket address of ${sockaddr.length} bytes`);
    // first: it may be a part of this memory
    if (sockaddr) this.#messages.names.set(sockaddr, at);
    this.#messages.names.fill(0, at + (sockaddr?.length ?? 0), at + NAME_SIZE);
  }

  /** The address datagram `i` came to; undefined without `packetInfo`. Allocates. */
  localAddressOf(i: number): IpAddress | undefined {
    const length = this.localLengths[i] ?? 0;
    return length === 0 ? undefined : formatIp(this.localAddresses.subarray(i * 16, i * 16 + length));
  }

  /** Puts one datagram into slot `i`. Throws KERNEL_ENCODE when it does not fit. */
  put(i: number, bytes: Uint8Array, sockaddr?: Uint8Array): void {
    if (bytes.length > this.size) throw encodeError(`${bytes.length} bytes in a datagram slot of ${this.size}`);
    this.data.set(bytes, i * this.size);
    this.lengths[i] = bytes.length;
    this.segmentSizes[i] = 0;
    this.localLengths[i] = 0;
    this.setPeer(i, sockaddr);
  }

  /** Fills the batch from a descriptor: the number of datagrams, 0, or a negative errno. */
  receiveFrom(fd: number, control: boolean): number {
    const messages = this.#messages;
    const n = messages.receive(fd, control);
    this.count = Math.max(n, 0);
    for (let i = 0; i < n; i++) {
      this.lengths[i] = messages.lengthOf(i);
      const length = control ? messages.controlLengthOf(i) : 0;
      readDatagramControl(messages.control, i * CONTROL_SIZE, length, this, i);
    }
    return n;
  }

  /** Sends slots `from` to `to` by a descriptor; returns the first that the kernel had no room for, or `to`. */
  sendBy(fd: number, from: number, to: number): number {
    for (let i = from; i < to; i++) this.#prepare(i);
    let next = from;
    while (next < to) {
      const n = this.#messages.send(fd, next, to);
      if (n === 0) return next;
      if (n < 0) this.errors[next] = -n;
      next += n < 0 ? 1 : n;
    }
    return to;
  }

  #prepare(i: number): void {
    const messages = this.#messages;
    const length = this.lengths[i] ?? 0;
    // the kernel would read on into the next slot, and behind the last
    if (length > this.size) throw encodeError(`${length} bytes in a datagram slot of ${this.size}`);
    const family = messages.names[i * NAME_SIZE] ?? 0;
    const nameLength = family === AF.INET ? 16 : family === AF.INET6 ? 28 : 0;
    const control = writeDatagramControl(messages.control, i * CONTROL_SIZE, this, i);
    messages.setLengths(i, length, nameLength, control);
    this.errors[i] = 0;
  }
}
