import type { KernelError } from '../errors.ts';
import type { Netns } from '../netns/netns.ts';
import { inNetns } from '../socket/inet-socket.ts';
import { type EncodedRequests, encodeRequests, requestAt } from './encoded-requests.ts';
import { NetlinkExchange, type Run } from './netlink-exchange.ts';
import { type NetlinkAnswer, type NetlinkMessage, NLM_F, NLMSG } from './netlink-message.ts';
import { lost, type NetlinkProtocol, openNetlinkSocket } from './netlink-socket.ts';
import { refusalIn } from './refusal.ts';

/**
 * A netlink socket. Every call is one synchronous exchange: the kernel does the work inside send(2), so nothing waits.
 * The socket belongs to the netns it was opened in and may be used from any other; one thread at a time. Throws
 * KERNEL_NETLINK_LOST when an answer does not come; the socket can be used after that.
 *
 * The type tells the protocol, so that the functions of a family (`listSockets`, `createQdisc`, ...) take no other socket; with
 * a message of another family every call throws KERNEL_ENCODE, and nothing is sent.
 */
export interface Netlink<P extends NetlinkProtocol = NetlinkProtocol> {
  readonly protocol: P;
  /** How often a dump had to start over, because the list changed while the kernel wrote it. */
  readonly restarts: number;
  /** One request; returns the kernel's messages before its acknowledgement (or DONE). Throws KernelError. */
  request(message: NetlinkMessage): NetlinkAnswer[];
  /**
   * Independent requests, sent together. One result each, in order: undefined is success. What they are answered with
   * is thrown away and has to fit the receive buffer, so ask questions with `request`.
   */
  batch(messages: readonly NetlinkMessage[]): (KernelError | undefined)[];
  /**
   * As batch, for great numbers of small requests: the bodies are written straight into the datagrams. All are written
   * before the first is sent, so that what `write` throws comes before anything is done.
   */
  batchEncoded(requests: EncodedRequests): (KernelError | undefined)[];
  /**
   * Messages that the kernel must see in one datagram (nfnetlink: BATCH_BEGIN ... BATCH_END). Acknowledgements are asked
   * of the last message before the end; with nothing between begin and end nothing is sent. Throws the first
   * KernelError, its `index` counting from the first message.
   */
  transaction(messages: readonly NetlinkMessage[]): void;
  /** Lists; starts over when the kernel says that the list changed underneath (NLM_F_DUMP_INTR). */
  dump(message: NetlinkMessage): NetlinkAnswer[];
  /** A second call does nothing; all else throws KERNEL_CLOSED from then on. */
  close(): void;
  [Symbol.dispose](): void;
}

const DUMP_ATTEMPTS = 10;

/** Opens a netlink socket in the netns (default: where the calling thread is). */
export function openNetlink<P extends NetlinkProtocol>(protocol: P, netns?: Netns): Netlink<P> {
  const socket = inNetns(netns, () => openNetlinkSocket(protocol));
  return new NetlinkConnection(protocol, new NetlinkExchange(protocol, socket));
}

type Results = (KernelError | undefined)[];

class NetlinkConnection<P extends NetlinkProtocol> implements Netlink<P> {
  readonly protocol: P;
  readonly #exchange: NetlinkExchange;
  #restarts = 0;

  constructor(protocol: P, exchange: NetlinkExchange) {
    this.protocol = protocol;
    this.#exchange = exchange;
  }

  get restarts(): number {
    return this.#restarts;
  }

  close(): void {
    this.#exchange.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  request(message: NetlinkMessage): NetlinkAnswer[] {
    return this.#answersTo(this.#exchange.send([message], 0), message).answers;
  }

  dump(message: NetlinkMessage): NetlinkAnswer[] {
    const request = { ...message, flags: message.flags | NLM_F.DUMP };
    for (let attempt = 1; ; attempt++) {
      const { answers, interrupted } = this.#answersTo(this.#exchange.send([request]), request);
      if (!interrupted) return answers;
      this.#restarts++;
      if (attempt === DUMP_ATTEMPTS) throw lost(message.op, 'the list kept changing while it was read; try again');
    }
  }

  /** All answers up to the ERROR or DONE that ends them. */
  #answersTo(run: Run, message: NetlinkMessage): { answers: NetlinkAnswer[]; interrupted: boolean } {
    const answers: NetlinkAnswer[] = [];
    let interrupted = false;
    for (;;) {
      const received = this.#exchange.receive(run);
      for (const answer of received.answers) {
        if (answer.flags & NLM_F.DUMP_INTR) interrupted = true;
        if (answer.type === NLMSG.ERROR || answer.type === NLMSG.DONE) {
          const refusal = refusalIn(answer, { protocol: this.protocol, message: () => message });
          if (refusal) throw refusal;
          return { answers, interrupted };
        }
        answers.push(answer);
      }
      if (received.loss) throw received.loss;
    }
  }

  batch(messages: readonly NetlinkMessage[]): Results {
    const results: Results = new Array(messages.length).fill(undefined);
    for (let at = 0; at < messages.length; ) {
      const part = messages.slice(at, at + this.#fitting(messages, at));
      this.#collect(this.#exchange.send(part, part.length - 1), { results, at, messageAt: (index) => messages[index] });
      at += part.length;
    }
    return results;
  }

  /** How many of the messages from `at` on go into one datagram. */
  #fitting(messages: readonly NetlinkMessage[], at: number): number {
    const { limit } = this.#exchange;
    let [count, bytes] = [0, 0];
    while (at + count < messages.length && count < limit.messages && bytes < limit.bytes) {
      bytes += messages[at + count]?.body.length ?? 0;
      count++;
    }
    return count;
  }

  batchEncoded(requests: EncodedRequests): Results {
    const results: Results = new Array(requests.count).fill(undefined);
    const first = this.#exchange.reserve(requests.count);
    for (const { bytes, at, count } of encodeRequests(requests, first, this.#exchange.limit)) {
      const run = { sequence: first + at, count, op: requests.op(at) };
      this.#exchange.sendBytes(bytes, run);
      this.#collect(run, { results, at, messageAt: (index) => requestAt(requests, index) });
    }
    return results;
  }

  /**
   * Only the last message of a datagram asks for an acknowledgement: the kernel works in order and answers failures
   * unasked, so what did not fail before the last answer is done.
   */
  #collect(run: Run, { results, at, messageAt }: Collection): void {
    for (;;) {
      const { answers, loss } = this.#exchange.receive(run);
      for (const answer of answers) {
        if (answer.type !== NLMSG.ERROR) continue;
        const offset = answer.sequence - run.sequence;
        const index = at + offset;
        results[index] = refusalIn(answer, { protocol: this.protocol, message: () => messageAt(index), index });
        if (offset === run.count - 1) return;
      }
      if (loss) throw loss;
    }
  }

  transaction(messages: readonly NetlinkMessage[]): void {
    if (messages.length < 3) return;
    const last = messages.length - 2;
    const run = this.#exchange.send(messages, last);
    let refusal: KernelError | undefined;
    for (;;) {
      const { answers, loss } = this.#exchange.receive(run);
      let finished = false;
      for (const answer of answers) {
        if (answer.type !== NLMSG.ERROR) continue;
        const index = answer.sequence - run.sequence;
        refusal ??= refusalIn(answer, { protocol: this.protocol, message: () => messages[index], index });
        // an error of the first message is about the whole transaction, and no other answer need follow
        finished ||= index === last || index === 0;
      }
      // what got lost came after the first refusal, which is the cause of the others
      if (refusal && (finished || loss)) throw refusal;
      if (finished) return;
      if (loss) throw loss;
    }
  }
}

/** Where the results of a run go. */
interface Collection {
  readonly results: Results;
  /** Index of the run's first message. */
  readonly at: number;
  readonly messageAt: (index: number) => NetlinkMessage | undefined;
}
