import { PodwireError } from '@podwire/base';
import { errnoName } from '../errno.ts';
import { checkCall, isErrno, KernelError } from '../errors.ts';
import { AF, lastErrno, libc, MSG, SOCK } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { inNetns, orClose, setOption } from '../socket/inet-socket.ts';
import { ByteWriter } from './byte-writer.ts';
import {
  type NetlinkAnswer,
  type NetlinkMessage,
  NLM_F,
  NLMSG,
  readAcknowledgement,
  readMessages,
  writeMessage,
} from './netlink-message.ts';

/** NETLINK_* of linux/netlink.h. */
const PROTOCOLS = { route: 0, 'sock-diag': 4, xfrm: 6, netfilter: 12, generic: 16 } as const;
export type NetlinkProtocol = keyof typeof PROTOCOLS;

/**
 * A netlink socket. Every call is one synchronous exchange: the kernel does the work inside send(2), so nothing waits.
 * The socket belongs to the netns it was opened in and may be used from any other; one thread at a time.
 */
export interface Netlink {
  readonly protocol: NetlinkProtocol;
  /** One request; returns the kernel's messages before its acknowledgement. Throws KernelError. */
  request(message: NetlinkMessage): NetlinkAnswer[];
  /** Independent requests, sent together. One result each, in order: undefined is success. */
  batch(messages: readonly NetlinkMessage[]): (KernelError | undefined)[];
  /**
   * Messages that the kernel must see in one datagram (nfnetlink: BATCH_BEGIN ... BATCH_END). Acknowledgements are asked
   * of the last message before the end. Throws the first KernelError, its `index` counting from the first message.
   */
  transaction(messages: readonly NetlinkMessage[]): void;
  /** Lists; starts over when the kernel says that the list changed underneath (NLM_F_DUMP_INTR). */
  dump(message: NetlinkMessage): NetlinkAnswer[];
  close(): void;
}

const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

/** Acknowledgements wait in the receive buffer until all of a send is worked off. */
const BUFFER_BYTES = 16 << 20;
const BATCH_MESSAGES = 512;
const DUMP_ATTEMPTS = 10;
/** A guard against waiting for ever for an answer the kernel never sent. */
const ANSWER_SECONDS = 10n;

/** Shared by all sockets of this thread: nothing is kept in it between two calls. */
const receiveBuffer = Buffer.allocUnsafeSlow(1 << 18);

/** Opens a netlink socket in the netns (default: where the calling thread is). */
export function openNetlink(protocol: NetlinkProtocol, netns?: Netns): Netlink {
  const fd = inNetns(netns, () => openNetlinkSocket(protocol));
  return new NetlinkSocket(protocol, fd);
}

/** A bound netlink socket in the calling thread's netns; the descriptor is the caller's. */
export function openNetlinkSocket(protocol: NetlinkProtocol): number {
  const op = () => `open a netlink socket for ${protocol}`;
  const fd = checkCall(libc.socket(AF.NETLINK, SOCK.RAW | SOCK.CLOEXEC, PROTOCOLS[protocol]), op);
  return orClose(fd, () => {
    const sockaddr = Buffer.alloc(12);
    sockaddr.writeUInt16LE(AF.NETLINK, 0);
    checkCall(libc.bind(fd, sockaddr, sockaddr.length), () => 'bind a netlink socket');
    setOption(fd, SOL_NETLINK, NETLINK_CAP_ACK);
    setOption(fd, SOL_NETLINK, NETLINK_EXT_ACK);
    if (protocol === 'route') setOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK);
    growBuffers(fd);
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(ANSWER_SECONDS, 0);
    checkCall(libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length), () => 'set a receive time-out');
    return fd;
  });
}

/** Without CAP_NET_ADMIN the buffers keep their usual size; reading needs no more. */
function growBuffers(fd: number): void {
  for (const option of [SO_SNDBUFFORCE, SO_RCVBUFFORCE]) {
    try {
      setOption(fd, SOL_SOCKET, option, BUFFER_BYTES);
    } catch (error) {
      if (!isErrno(error, 'EPERM')) throw error;
    }
  }
}

class NetlinkSocket implements Netlink {
  readonly protocol: NetlinkProtocol;
  #fd: number;
  #sequence = 0;

  constructor(protocol: NetlinkProtocol, fd: number) {
    this.protocol = protocol;
    this.#fd = fd;
  }

  close(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }

  request(message: NetlinkMessage): NetlinkAnswer[] {
    const answers: NetlinkAnswer[] = [];
    const first = this.#send([{ ...message, flags: message.flags | NLM_F.ACK }]);
    for (;;) {
      for (const answer of this.#receive(first, first)) {
        if (answer.type === NLMSG.ERROR) {
          throwIfFailed(answer, message);
          return answers;
        }
        answers.push(answer);
      }
    }
  }

  batch(messages: readonly NetlinkMessage[]): (KernelError | undefined)[] {
    const results: (KernelError | undefined)[] = [];
    for (let at = 0; at < messages.length; at += BATCH_MESSAGES) {
      results.push(...this.#batch(messages.slice(at, at + BATCH_MESSAGES), at));
    }
    return results;
  }

  #batch(messages: readonly NetlinkMessage[], offset: number): (KernelError | undefined)[] {
    const first = this.#send(messages.map((m) => ({ ...m, flags: m.flags | NLM_F.ACK })));
    const results = new Array<KernelError | undefined>(messages.length).fill(undefined);
    for (let missing = messages.length; missing > 0; ) {
      for (const answer of this.#receive(first, first + messages.length - 1)) {
        if (answer.type !== NLMSG.ERROR) continue;
        const index = answer.sequence - first;
        results[index] = failureOf(answer, messages[index], offset + index);
        missing--;
      }
    }
    return results;
  }

  transaction(messages: readonly NetlinkMessage[]): void {
    const last = Math.max(messages.length - 2, 0);
    const first = this.#send(messages.map((m, i) => (i === last ? { ...m, flags: m.flags | NLM_F.ACK } : m)));
    let failure: KernelError | undefined;
    for (let finished = false; !finished; ) {
      for (const answer of this.#receive(first, first + messages.length - 1)) {
        if (answer.type !== NLMSG.ERROR) continue;
        const index = answer.sequence - first;
        failure ??= failureOf(answer, messages[index], index);
        // an error of the first message is about the whole transaction, and no other answer follows
        finished ||= index === last || index === 0;
      }
    }
    if (failure) throw failure;
  }

  dump(message: NetlinkMessage): NetlinkAnswer[] {
    for (let attempt = 1; ; attempt++) {
      const answers = this.#dumpOnce(message);
      if (answers) return answers;
      if (attempt === DUMP_ATTEMPTS) throw lost(message.op, 'the list kept changing while it was read; try again');
    }
  }

  /** undefined: the list is not consistent. */
  #dumpOnce(message: NetlinkMessage): NetlinkAnswer[] | undefined {
    const answers: NetlinkAnswer[] = [];
    const first = this.#send([{ ...message, flags: message.flags | NLM_F.DUMP }]);
    let consistent = true;
    for (;;) {
      for (const answer of this.#receive(first, first)) {
        if (answer.flags & NLM_F.DUMP_INTR) consistent = false;
        if (answer.type === NLMSG.DONE || answer.type === NLMSG.ERROR) {
          throwIfFailed(answer, message);
          return consistent ? answers : undefined;
        }
        answers.push(answer);
      }
    }
  }

  /** Sends all in one datagram; returns the sequence number of the first, the others follow it. */
  #send(messages: readonly NetlinkMessage[]): number {
    if (this.#sequence + messages.length > 0x7fffffff) this.#sequence = 0;
    const first = this.#sequence + 1;
    const out = new ByteWriter(messages.reduce((sum, m) => sum + m.body.length + 20, 0));
    for (const message of messages) writeMessage(out, message, ++this.#sequence);
    const datagram = out.finish();
    const op = () => `send ${messages.length} netlink messages (${messages[0]?.op ?? this.protocol})`;
    checkCall(libc.send(this.#fd, datagram, datagram.length, 0), op);
    return first;
  }

  /** The answers of the next datagram to requests numbered first to last; others are left-overs of a failed call. */
  #receive(first: number, last: number): NetlinkAnswer[] {
    let length: number;
    do length = libc.recv(this.#fd, receiveBuffer, receiveBuffer.length, MSG.TRUNC);
    while (length < 0 && errnoName(lastErrno()) === 'EINTR');
    if (length < 0) throw receiveError(this.protocol);
    if (length > receiveBuffer.length) throw lost(this.protocol, `an answer of ${length} bytes is too long`);
    const datagram = Buffer.from(receiveBuffer.subarray(0, length));
    return readMessages(datagram).filter(({ sequence }) => sequence >= first && sequence <= last);
  }
}

function receiveError(protocol: string): PodwireError {
  const name = errnoName(lastErrno());
  if (name === 'ENOBUFS') return lost(protocol, 'its buffer overflowed; observe the state and try again');
  if (name === 'EAGAIN') return lost(protocol, `no answer for ${ANSWER_SECONDS} s`);
  return new KernelError({ op: `receive from netlink ${protocol}`, errno: lastErrno() });
}

function lost(op: string | undefined, why: string): PodwireError {
  return new PodwireError('KERNEL_NETLINK_LOST', `netlink ${op ?? ''}: ${why}`);
}

function failureOf(
  answer: NetlinkAnswer,
  message: NetlinkMessage | undefined,
  index?: number,
): KernelError | undefined {
  const { errno, extack, offset } = readAcknowledgement(answer);
  return errno === 0
    ? undefined
    : new KernelError({ op: message?.op ?? 'netlink request', errno, extack, offset, index });
}

function throwIfFailed(answer: NetlinkAnswer, message: NetlinkMessage): void {
  const failure = failureOf(answer, message);
  if (failure) throw failure;
}
