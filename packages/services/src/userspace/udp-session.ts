import {
  type DatagramBatch,
  type DatagramSocket,
  decodeSockaddr,
  errnoName,
  openDatagramSocket,
} from '@podwire/kernel';
import { type EndpointModel, endpointName } from '../model.ts';
import type { Balancer } from './balancer.ts';
import type { RelayContext } from './relay.ts';

/** Where a session is: its relay. */
export interface SessionPlace {
  readonly context: RelayContext;
  readonly balancer: Balancer;
  answer(batch: DatagramBatch): void;
  /** No endpoint is left for the client: its next datagram begins anew. */
  unanswered(client: Buffer): void;
}

/** The longest first datagram that is kept to be sent to another endpoint. */
const LONGEST_KEPT = 2048;

/**
 * One client and the endpoint its datagrams go to. An endpoint that refuses before it has ever answered is passed over for
 * the next one, which gets the first datagram too.
 */
export class UdpSession {
  usedAt = performance.now();
  readonly #client: Buffer;
  readonly #address: string;
  readonly #place: SessionPlace;
  readonly #candidates: Iterator<EndpointModel>;
  #endpoint: EndpointModel | undefined;
  #socket: DatagramSocket | undefined;
  #first: Buffer | undefined;
  #answered = false;

  /** `client`: its struct sockaddr. Undefined when no endpoint can be talked to. */
  static open(client: Buffer, place: SessionPlace): UdpSession | undefined {
    const session = new UdpSession(client, place);
    return session.#next() ? session : undefined;
  }

  private constructor(client: Buffer, place: SessionPlace) {
    this.#client = client;
    this.#place = place;
    this.#address = decodeSockaddr(client)?.address ?? '';
    this.#candidates = place.balancer.choose(this.#address);
  }

  mayStay(endpoints: readonly EndpointModel[]): boolean {
    const name = this.#endpoint && endpointName(this.#endpoint);
    return endpoints.some((one) => endpointName(one) === name);
  }

  /** Sends slot `i` on, in place. */
  forward(batch: DatagramBatch, i: number): void {
    this.usedAt = performance.now();
    if (!this.#answered && !this.#first && (batch.lengths[i] ?? 0) <= LONGEST_KEPT)
      this.#first = Buffer.from(batch.bytesOf(i));
    batch.setPeer(i, undefined);
    // what the kernel has no room for is lost, as it would be on the way
    this.#socket?.send(batch, i, i + 1);
    if (batch.errors[i]) this.#failed(errnoName(batch.errors[i] ?? 0));
  }

  close(): void {
    this.#socket?.close();
    if (this.#socket && this.#endpoint) this.#place.balancer.count(this.#endpoint, -1);
    this.#socket = undefined;
  }

  #answer(batch: DatagramBatch): void {
    this.usedAt = performance.now();
    if (!this.#answered && this.#endpoint) this.#place.balancer.answered(this.#address, this.#endpoint);
    this.#answered = true;
    this.#first = undefined;
    for (let i = 0; i < batch.count; i++) batch.setPeer(i, this.#client);
    this.#place.answer(batch);
  }

  /** Refused (ICMP) or unreachable. */
  #failed(reason: string): void {
    if (this.#answered || (reason !== 'ECONNREFUSED' && !reason.endsWith('UNREACH'))) return;
    const { counters } = this.#place.context;
    this.close();
    if (!this.#next()) {
      counters.unanswered++;
      this.#place.unanswered(this.#client);
      return;
    }
    counters.retries++;
    const { address, port } = this.#endpoint ?? {};
    if (!this.#first || !address || !port) return;
    try {
      this.#socket?.sendTo(this.#first, address, port);
    } catch {
      // the error comes again with the next datagram
    }
  }

  /** Turns to the next endpoint; false when there is none left. */
  #next(): boolean {
    const { context, balancer } = this.#place;
    const { netns, batch, source, captured } = context;
    for (let next = this.#candidates.next(); !next.done; next = this.#candidates.next()) {
      const endpoint = next.value;
      if (captured(endpoint, 'udp')) continue;
      const { address, port } = endpoint;
      try {
        this.#socket = openDatagramSocket({
          netns,
          address: source(address) ?? (address.includes(':') ? '::' : '0.0.0.0'),
          port: 0,
          peer: { address, port },
          batch,
          onDatagrams: (answers) => this.#answer(answers),
          onError: (reason) => this.#failed(reason),
        });
      } catch {
        // no route, or no descriptor left
        continue;
      }
      this.#endpoint = endpoint;
      balancer.count(endpoint, 1);
      return true;
    }
    this.#endpoint = undefined;
    return false;
  }
}
