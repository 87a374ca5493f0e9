import { KernelError } from '../errors.ts';
import { libc } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { inNetns } from '../socket/inet-socket.ts';
import { ByteWriter } from './byte-writer.ts';
import { layoutOf, nameFault } from './layout.ts';
import {
  type Acknowledgement,
  type NetlinkAnswer,
  type NetlinkMessage,
  NLM_F,
  NLMSG,
  readAcknowledgement,
  readMessages,
  writeHeader,
  writeMessage,
} from './netlink-message.ts';
import {
  lost,
  type NetlinkProtocol,
  type NetlinkSocket,
  openNetlinkSocket,
  receiveAnswer,
  sendDatagram,
} from './netlink-socket.ts';

/**
 * A netlink socket. Every call is one synchronous exchange: the kernel does the work inside send(2), so nothing waits.
 * The socket belongs to the netns it was opened in and may be used from any other; one thread at a time.
 */
export interface Netlink {
  readonly protocol: NetlinkProtocol;
  /** How often a dump had to start over, because the list changed while the kernel wrote it. */
  readonly restarts: number;
  /** One request; returns the kernel's messages before its acknowledgement. Throws KernelError. */
  request(message: NetlinkMessage): NetlinkAnswer[];
  /** Independent requests, sent together. One result each, in order: undefined is success. */
  batch(messages: readonly NetlinkMessage[]): (KernelError | undefined)[];
  /**
   * As batch, for great numbers of small requests: the bodies are written straight into the datagrams. All are written
   * before the first is sent, so that what `write` throws comes before anything is done.
   */
  batchEncoded(requests: EncodedRequests): (KernelError | undefined)[];
  /**
   * Messages that the kernel must see in one datagram (nfnetlink: BATCH_BEGIN ... BATCH_END). Acknowledgements are asked
   * of the last message before the end. Throws the first KernelError, its `index` counting from the first message.
   */
  transaction(messages: readonly NetlinkMessage[]): void;
  /** Lists; starts over when the kernel says that the list changed underneath (NLM_F_DUMP_INTR). */
  dump(message: NetlinkMessage): NetlinkAnswer[];
  close(): void;
}

/** Requests of one type, see batchEncoded. */
export interface EncodedRequests {
  readonly type: number;
  readonly flags: number;
  readonly count: number;
  /** Appends the body of one request: the family's own header, then attributes. */
  write(out: ByteWriter, index: number): void;
  /** What the request does and to what, asked for when it is refused. */
  op(index: number): string;
}

/** Requests written already; the first one has this number, in the stream and among all. */
interface EncodedDatagram {
  readonly bytes: Buffer;
  readonly sequence: number;
  readonly at: number;
  readonly count: number;
}

/** Messages a send, and as many refusals that may have to wait in the receive buffer. */
const BATCH_MESSAGES = { roomy: 512, tight: 64 } as const;
const DUMP_ATTEMPTS = 10;

/** Opens a netlink socket in the netns (default: where the calling thread is). */
export function openNetlink(protocol: NetlinkProtocol, netns?: Netns): Netlink {
  const socket = inNetns(netns, () => openNetlinkSocket(protocol));
  return new NetlinkConnection(protocol, socket);
}

class NetlinkConnection implements Netlink {
  readonly protocol: NetlinkProtocol;
  #socket: NetlinkSocket;
  #sequence = 0;
  #restarts = 0;

  constructor(protocol: NetlinkProtocol, socket: NetlinkSocket) {
    this.protocol = protocol;
    this.#socket = socket;
  }

  get restarts(): number {
    return this.#restarts;
  }

  close(): void {
    if (this.#socket.fd >= 0) libc.close(this.#socket.fd);
    this.#socket = { fd: -1, roomy: false };
  }

  request(message: NetlinkMessage): NetlinkAnswer[] {
    const answers: NetlinkAnswer[] = [];
    const first = this.#send([message], 0);
    for (;;) {
      for (const answer of this.#receive(first, first)) {
        if (answer.type === NLMSG.ERROR) {
          this.#throwIfFailed(answer, message);
          return answers;
        }
        answers.push(answer);
      }
    }
  }

  batch(messages: readonly NetlinkMessage[]): (KernelError | undefined)[] {
    const results = new Array<KernelError | undefined>(messages.length).fill(undefined);
    const step = BATCH_MESSAGES[this.#socket.roomy ? 'roomy' : 'tight'];
    for (let at = 0; at < messages.length; at += step) {
      const part = messages.slice(at, at + step);
      this.#collect(this.#send(part, part.length - 1), part.length - 1, (index, failure) => {
        results[at + index] = this.#failureOf(failure, messages[at + index], at + index);
      });
    }
    return results;
  }

  batchEncoded(requests: EncodedRequests): (KernelError | undefined)[] {
    const { type, flags, count } = requests;
    const results = new Array<KernelError | undefined>(count).fill(undefined);
    const op = () => `send ${count} netlink messages (${requests.op(0)})`;
    for (const { bytes, sequence, at, count: part } of this.#encode(requests)) {
      sendDatagram(this.#socket, bytes, { protocol: this.protocol, op });
      this.#collect(sequence, part - 1, (index, failure) => {
        const out = new ByteWriter();
        requests.write(out, at + index);
        const message = { type, flags, body: out.finish(), op: requests.op(at + index) };
        results[at + index] = this.#failureOf(failure, message, at + index);
      });
    }
    return results;
  }

  #encode(requests: EncodedRequests): EncodedDatagram[] {
    const { type, count } = requests;
    if (this.#sequence + count > 0x7fffffff) this.#sequence = 0;
    const step = BATCH_MESSAGES[this.#socket.roomy ? 'roomy' : 'tight'];
    const datagrams: EncodedDatagram[] = [];
    const first = this.#sequence + 1;
    // reserved first: `write` may ask something over this socket
    this.#sequence += count;
    for (let at = 0; at < count; at += step) {
      const end = Math.min(at + step, count);
      const out = new ByteWriter((end - at) * 72);
      for (let index = at; index < end; index++) {
        const start = out.length;
        const flags = requests.flags | NLM_F.REQUEST | (index === end - 1 ? NLM_F.ACK : 0);
        writeHeader(out, { length: 0, type, flags, sequence: first + index });
        requests.write(out, index);
        out.patchU32(start, out.length - start);
        out.align();
      }
      datagrams.push({ bytes: out.finish(), sequence: first + at, at, count: end - at });
    }
    return datagrams;
  }

  /**
   * Only the last message of a datagram asks for an acknowledgement: the kernel works in order and answers failures
   * unasked, so what did not fail before the last answer is done.
   */
  #collect(first: number, last: number, onFailure: (index: number, answer: NetlinkAnswer) => void): void {
    for (;;) {
      for (const answer of this.#receive(first, first + last)) {
        if (answer.type !== NLMSG.ERROR) continue;
        const index = answer.sequence - first;
        onFailure(index, answer);
        if (index === last) return;
      }
    }
  }

  transaction(messages: readonly NetlinkMessage[]): void {
    const last = Math.max(messages.length - 2, 0);
    const first = this.#send(messages, last);
    let failure: KernelError | undefined;
    for (let finished = false; !finished; ) {
      for (const answer of this.#receive(first, first + messages.length - 1)) {
        if (answer.type !== NLMSG.ERROR) continue;
        const index = answer.sequence - first;
        failure ??= this.#failureOf(answer, messages[index], index);
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
      this.#restarts++;
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
          this.#throwIfFailed(answer, message);
          return consistent ? answers : undefined;
        }
        answers.push(answer);
      }
    }
  }

  /**
   * Sends all in one datagram, with an acknowledgement asked of the message at `acknowledged`; returns the sequence
   * number of the first, the others follow it.
   */
  #send(messages: readonly NetlinkMessage[], acknowledged = -1): number {
    if (this.#sequence + messages.length > 0x7fffffff) this.#sequence = 0;
    const first = this.#sequence + 1;
    const out = new ByteWriter(messages.reduce((sum, m) => sum + m.body.length + 20, 0));
    for (const message of messages) {
      const flags = this.#sequence + 1 === first + acknowledged ? NLM_F.ACK : 0;
      writeMessage(out, message, { sequence: ++this.#sequence, flags });
    }
    const op = () => `send ${messages.length} netlink messages (${messages[0]?.op ?? this.protocol})`;
    sendDatagram(this.#socket, out.finish(), { protocol: this.protocol, op });
    return first;
  }

  /** The answers of the next datagram to requests numbered first to last; others are left-overs of a failed call. */
  #receive(first: number, last: number): NetlinkAnswer[] {
    const messages = readMessages(receiveAnswer(this.#socket, this.protocol));
    return messages.filter(({ sequence }) => sequence >= first && sequence <= last);
  }

  #throwIfFailed(answer: NetlinkAnswer, message: NetlinkMessage): void {
    const failure = this.#failureOf(answer, message);
    if (failure) throw failure;
  }

  #failureOf(answer: NetlinkAnswer, message: NetlinkMessage | undefined, index?: number): KernelError | undefined {
    const acknowledgement = readAcknowledgement(answer);
    const { errno, extack, offset, allowed } = acknowledgement;
    if (errno === 0) return undefined;
    const attribute = message && this.#attributeAt(message, acknowledgement);
    return new KernelError({ op: message?.op ?? 'netlink request', errno, extack, offset, attribute, allowed, index });
  }

  #attributeAt({ type, body }: NetlinkMessage, fault: Acknowledgement): string | undefined {
    const layout = layoutOf(this.protocol, type);
    return layout && nameFault(layout, body, fault);
  }
}
