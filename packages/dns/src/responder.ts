import { answerFromZone, type ZoneAnswer } from './answer.ts';
import type { Forwarder } from './forwarder.ts';
import { encodeName } from './name.ts';
import { CLASS_IN, FLAG, HEADER_SIZE, RCODE, SAFE_UDP_SIZE, TYPE } from './numbers.ts';
import { type Query, readQuery, udpLimit } from './query.ts';
import { type ReplyContent, writeHeaderReply, writeReply } from './reply.ts';
import { standalone, type UpstreamAnswer } from './upstream-answer.ts';
import type { Zone } from './zone.ts';

export type Transport = 'udp' | 'tcp';

export interface ResponderOptions {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  /** Most bytes of a UDP reply, whatever the client offers. Default 1232. */
  readonly maxUdpSize?: number;
  /** Where the round robin begins, from 0 to 65535; random by default. */
  readonly turn?: () => number;
}

const TCP_LIMIT = 65_535;

/** Turns query packets into reply packets; knows nothing of sockets. */
export class Responder {
  /** Replies by rcode. */
  readonly replies = new Map<number, number>();
  readonly requests: Record<Transport, number> = { udp: 0, tcp: 0 };
  readonly #options: Required<ResponderOptions>;

  constructor(options: ResponderOptions) {
    this.#options = { maxUdpSize: SAFE_UDP_SIZE, turn: () => (Math.random() * 65_536) | 0, ...options };
  }

  /**
   * The reply; a promise only when an upstream server has to be asked; undefined when the packet deserves none. Never
   * throws or rejects.
   */
  answer(packet: Buffer, transport: Transport): Buffer | Promise<Buffer> | undefined {
    const query = readQuery(packet);
    if ('problem' in query) {
      if (query.problem === 'ignore') return undefined;
      this.#count(transport, query.problem === 'formerr' ? RCODE.FORMERR : RCODE.NOTIMP);
      return writeHeaderReply(packet, query.problem);
    }
    const refused = refusal(query);
    if (refused !== undefined) return this.#reply(query, transport, bare(refused));
    const found = answerFromZone(this.#options.zone, query.key, query.type);
    if (!found) return this.#forward(query, transport);
    if (found.chase !== undefined) return this.#chase(query, transport, found, found.chase);
    return this.#reply(query, transport, { ...found, authoritative: found.rcode !== RCODE.SERVFAIL });
  }

  #reply(query: Query, transport: Transport, content: ReplyContent): Buffer {
    this.#count(transport, content.rcode);
    const { forwarder, maxUdpSize, turn } = this.#options;
    const limit = transport === 'tcp' ? TCP_LIMIT : udpLimit(query, maxUdpSize);
    return writeReply(query, content, { limit, turn: turn(), recursion: forwarder.resolvers.length > 0 });
  }

  async #forward(query: Query, transport: Transport): Promise<Buffer> {
    const answer = await this.#ask(query, query.packet.subarray(HEADER_SIZE, query.questionEnd));
    return this.#reply(query, transport, answer ? upstreamContent(answer) : bare(RCODE.SERVFAIL));
  }

  async #chase(query: Query, transport: Transport, found: ZoneAnswer, name: string): Promise<Buffer> {
    const question = Buffer.concat([encodeName(name), Buffer.of(query.type >> 8, query.type & 255, 0, CLASS_IN)]);
    const answer = await this.#ask(query, question);
    const rest = answer ? [standalone(answer, question)] : [];
    const rcode = answer?.rcode ?? RCODE.SERVFAIL;
    return this.#reply(query, transport, { rcode, authoritative: true, answer: [...found.answer, ...rest] });
  }

  #ask(query: Query, question: Buffer): Promise<UpstreamAnswer | undefined> {
    if ((query.flags & FLAG.RD) === 0) return Promise.resolve(undefined);
    return this.#options.forwarder
      .resolve({
        bytes: Buffer.from(question),
        dnssecOk: query.edns?.dnssecOk === true,
        checkingDisabled: (query.flags & FLAG.CD) !== 0,
      })
      .catch(() => undefined);
  }

  #count(transport: Transport, rcode: number): void {
    this.requests[transport]++;
    this.replies.set(rcode, (this.replies.get(rcode) ?? 0) + 1);
  }
}

function bare(rcode: number): ReplyContent {
  return { rcode, authoritative: false, answer: [] };
}

/** Readable queries that are not answered: another EDNS version, another class, zone transfers, OPT as a question. */
function refusal(query: Query): number | undefined {
  if (query.edns && query.edns.version !== 0) return RCODE.BADVERS;
  if (query.class !== CLASS_IN) return RCODE.REFUSED;
  if (query.type === TYPE.AXFR || query.type === TYPE.IXFR) return RCODE.REFUSED;
  return query.type === TYPE.OPT ? RCODE.FORMERR : undefined;
}

function upstreamContent(answer: UpstreamAnswer): ReplyContent {
  return {
    rcode: answer.rcode & 15,
    authoritative: false,
    authenticData: answer.authenticData,
    truncated: answer.truncated,
    answer: [answer.answer],
    authority: answer.authority,
  };
}
