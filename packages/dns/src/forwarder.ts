import { randomInt } from 'node:crypto';
import { messageOf, PodwireError } from '@podwire/base';
import { type CacheOptions, DEFAULT_CACHE, TtlCache } from './cache.ts';
import { exchange, type Question } from './exchange.ts';
import { lowerAscii } from './name.ts';
import { HEADER_SIZE, RCODE } from './numbers.ts';
import type { SocketAddress, SocketSource } from './sockets.ts';
import { aged, readUpstreamAnswer, type UpstreamAnswer } from './upstream-answer.ts';

export interface ForwarderOptions {
  /** Asked in random order. Empty: every question fails. */
  readonly resolvers: readonly SocketAddress[];
  readonly sockets: SocketSource;
  readonly cache?: Partial<CacheOptions>;
  /** ms to wait for one answer. Default 2000. */
  readonly timeout?: number;
  /** How often to ask in all, over all resolvers. Default 3. */
  readonly attempts?: number;
  /** Most questions under way at once; more are refused. Default 1000. */
  readonly maxConcurrent?: number;
}

/** Asks the configured resolvers, remembers what they said, and asks each question only once at a time. */
export class Forwarder {
  /** Answers asked for upstream, and those that failed. */
  readonly counters = { asked: 0, failed: 0 };
  readonly #options: Required<Omit<ForwarderOptions, 'cache'>>;
  readonly #limits: CacheOptions;
  readonly #cache: TtlCache<UpstreamAnswer>;
  readonly #pending = new Map<string, Promise<UpstreamAnswer>>();

  constructor(options: ForwarderOptions) {
    this.#options = { timeout: 2000, attempts: 3, maxConcurrent: 1000, ...options };
    this.#limits = { ...DEFAULT_CACHE, ...options.cache };
    this.#cache = new TtlCache(this.#limits.maxEntries);
  }

  get resolvers(): readonly SocketAddress[] {
    return this.#options.resolvers;
  }

  get cache(): { readonly size: number; readonly hits: number; readonly misses: number } {
    return this.#cache;
  }

  /** Rejects with DNS_UPSTREAM when there is no answer to be had. */
  resolve(question: Question): Promise<UpstreamAnswer> {
    const bits = (question.dnssecOk ? 'd' : '') + (question.checkingDisabled ? 'c' : '');
    const key =
      bits +
      lowerAscii(question.bytes.toString('latin1', 0, question.bytes.length - 4)) +
      question.bytes.toString('hex', question.bytes.length - 4);
    const known = this.#cache.get(key, performance.now());
    if (known) return Promise.resolve(aged(known.value, known.age));
    const underway = this.#pending.get(key);
    if (underway) return underway;
    if (this.#pending.size >= this.#options.maxConcurrent) {
      return Promise.reject(
        new PodwireError('DNS_UPSTREAM', `${this.#pending.size} questions are under way; try again later`),
      );
    }
    const asked = this.#ask(question).finally(() => this.#pending.delete(key));
    this.#pending.set(key, asked);
    return asked.then((answer) => {
      this.#cache.set(key, answer, answer.ttl, performance.now());
      return answer;
    });
  }

  async #ask(question: Question): Promise<UpstreamAnswer> {
    const { resolvers, sockets, timeout, attempts } = this.#options;
    const order = shuffled(resolvers);
    let refused: UpstreamAnswer | undefined;
    let reason = 'no resolver is configured';
    for (let i = 0; i < attempts && order.length > 0; i++) {
      const to = order[i % order.length] as SocketAddress;
      this.counters.asked++;
      try {
        const packet = await exchange(sockets, to, question, timeout);
        const answer = readUpstreamAnswer(packet, HEADER_SIZE + question.bytes.length, this.#limits);
        if (answer.rcode !== RCODE.SERVFAIL && answer.rcode !== RCODE.REFUSED) return answer;
        refused = answer;
        if (i + 1 >= order.length) break; // each has said no once
      } catch (error) {
        this.counters.failed++;
        reason = messageOf(error);
      }
    }
    if (refused) return refused;
    throw new PodwireError(
      'DNS_UPSTREAM',
      `no resolver answered: ${reason}; check the upstream resolvers and the way to them`,
    );
  }
}

function shuffled<T>(list: readonly T[]): T[] {
  const order = [...list];
  for (let i = order.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [order[i], order[j]] = [order[j] as T, order[i] as T];
  }
  return order;
}
