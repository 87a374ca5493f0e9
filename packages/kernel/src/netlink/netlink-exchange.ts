import { PodwireError } from '@podwire/base';
import { encodeError } from '../errors.ts';
import { libc, MSG } from '../libc.ts';
import { ByteWriter } from './byte-writer.ts';
import type { DatagramLimit } from './encoded-requests.ts';
import { type NetlinkAnswer, type NetlinkMessage, NLM_F, readMessages, writeMessage } from './netlink-message.ts';
import {
  lost,
  type NetlinkProtocol,
  type NetlinkSocket,
  noAnswer,
  receiveDatagram,
  sendDatagram,
} from './netlink-socket.ts';

/**
 * What a datagram may hold. Refusals wait in the receive buffer until all of a datagram is worked off, and the datagram
 * itself has to fit the send buffer.
 */
const LIMIT = {
  roomy: { messages: 512, bytes: 4 << 20 },
  tight: { messages: 64, bytes: 64 << 10 },
} as const satisfies Record<string, DatagramLimit>;
const LAST_SEQUENCE = 0x7fffffff;

/** Answers to a run of requests. */
export interface Received {
  readonly answers: readonly NetlinkAnswer[];
  /** Set when answers got lost: these are what is left of them, and no more will come. */
  readonly loss?: PodwireError;
}

/** Requests of one run: the first one's number, how many, and what they do (for errors). */
export interface Run {
  readonly sequence: number;
  readonly count: number;
  readonly op: string;
}

/** A socket and the numbering of its requests. */
export class NetlinkExchange {
  readonly protocol: NetlinkProtocol;
  #socket: NetlinkSocket | undefined;
  #sequence = 0;

  constructor(protocol: NetlinkProtocol, socket: NetlinkSocket) {
    this.protocol = protocol;
    this.#socket = socket;
  }

  close(): void {
    if (this.#socket) libc.close(this.#socket.fd);
    this.#socket = undefined;
  }

  get #open(): NetlinkSocket {
    if (this.#socket) return this.#socket;
    throw new PodwireError('KERNEL_CLOSED', `the netlink socket for ${this.protocol} is closed; open another one`);
  }

  get limit(): DatagramLimit {
    return LIMIT[this.#open.roomy ? 'roomy' : 'tight'];
  }

  /** Sets numbers aside for requests; returns the first. */
  reserve(count: number): number {
    if (this.#sequence + count > LAST_SEQUENCE) this.#sequence = 0;
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }

  /** Sends all in one datagram, with an acknowledgement asked of the message at `acknowledged`. */
  send(messages: readonly NetlinkMessage[], acknowledged = -1): Run {
    let bytes = 0;
    for (const message of messages) {
      this.#refuseForeign(message);
      bytes += message.body.length + 20;
    }
    const count = messages.length;
    const first = this.reserve(count);
    const out = new ByteWriter(bytes);
    let sequence = first;
    for (const message of messages) {
      writeMessage(out, message, { sequence, flags: sequence - first === acknowledged ? NLM_F.ACK : 0 });
      sequence++;
    }
    const run = { sequence: first, count, op: messages[0]?.op ?? `a request to ${this.protocol}` };
    this.sendBytes(out.finish(), run);
    return run;
  }

  #refuseForeign({ protocol, op = 'this request' }: NetlinkMessage): void {
    if (protocol === undefined || protocol === this.protocol) return;
    const advice = `open one with openNetlink('${protocol}')`;
    throw encodeError(`"${op}" for a netlink socket of the protocol ${this.protocol}: it takes ${protocol}; ${advice}`);
  }

  /** Sends messages that are encoded already. */
  sendBytes(datagram: Buffer, { count, op }: Run): void {
    const what = () => `send ${count} netlink messages of ${datagram.length} bytes in all (${op})`;
    sendDatagram(this.#open, datagram, { protocol: this.protocol, op: what });
  }

  /** The answers of the next datagram to the requests of a run; others are left-overs of a failed call. */
  receive(run: Run): Received {
    const received = receiveDatagram(this.#open, this.protocol);
    if (received === 'empty') return { answers: [], loss: noAnswer(run.op) };
    if (received !== 'overflow') return { answers: answersTo(run, received) };
    return {
      answers: this.#rest(run),
      loss: lost(run.op, 'the receive buffer overflowed; observe the state, try again'),
    };
  }

  /**
   * Reads all that waits. After an overflow the kernel drops every answer until the buffer is empty, and a dump that is
   * not read to its end forbids the next one.
   */
  #rest(run: Run): NetlinkAnswer[] {
    const answers: NetlinkAnswer[] = [];
    for (;;) {
      const received = receiveDatagram(this.#open, this.protocol, MSG.DONTWAIT);
      if (received === 'empty') return answers;
      if (received !== 'overflow') for (const answer of answersTo(run, received)) answers.push(answer);
    }
  }
}

function answersTo({ sequence: first, count }: Run, datagram: Buffer): NetlinkAnswer[] {
  return readMessages(datagram).filter(({ sequence }) => sequence >= first && sequence < first + count);
}
