import { type DatagramBatch, type DatagramSocket, openDatagramSocket } from '@podwire/kernel';
import { Balancer } from './balancer.ts';
import type { ListenerPlan } from './listener-plan.ts';
import type { Relay, RelayContext } from './relay.ts';
import { type SessionPlace, UdpSession } from './udp-session.ts';

/** Idle sessions are looked for so often, in ms. */
const SWEEP_INTERVAL = 5000;

export function openUdpRelay(plan: ListenerPlan, context: RelayContext): Relay {
  return new UdpRelay(plan, context);
}

/** One socket towards each endpoint per client, so that answers find back; kept while datagrams come. */
class UdpRelay implements Relay, SessionPlace {
  readonly port: number;
  readonly connections = 0;
  readonly context: RelayContext;
  readonly balancer: Balancer;
  readonly #listener: DatagramSocket;
  /** By socket address of the client, the one not used for longest first. */
  readonly #sessions = new Map<string, UdpSession>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(plan: ListenerPlan, context: RelayContext) {
    this.context = context;
    this.balancer = new Balancer(plan);
    this.#listener = openDatagramSocket({
      netns: context.netns,
      address: plan.address,
      port: 0,
      batch: context.batch,
      onDatagrams: (batch) => this.#forward(batch),
    });
    this.port = this.#listener.localAddress.port;
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(SWEEP_INTERVAL, context.limits.sessionIdle)).unref();
  }

  update(plan: ListenerPlan): number {
    this.balancer.update(plan);
    let moved = 0;
    for (const [client, session] of this.#sessions) {
      if (session.mayStay(plan.endpoints)) continue;
      this.#end(client, session);
      moved++;
    }
    return moved;
  }

  stop(): void {
    this.close();
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const [client, session] of this.#sessions) this.#end(client, session);
    this.#listener.close();
  }

  /** Writes an answer back; by a slot whose peer is the client. */
  answer(batch: DatagramBatch): void {
    this.#listener.send(batch);
  }

  unanswered(client: Buffer): void {
    const key = keyOf(client);
    const session = this.#sessions.get(key);
    if (session) this.#end(key, session);
  }

  #forward(batch: DatagramBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const key = keyOf(batch.peerBytes(i));
      const session = this.#sessions.get(key) ?? this.#open(key, batch, i);
      if (!session) continue;
      // the last in order is the one used last
      this.#sessions.delete(key);
      this.#sessions.set(key, session);
      session.forward(batch, i);
    }
  }

  #open(key: string, batch: DatagramBatch, i: number): UdpSession | undefined {
    const { limits, counters } = this.context;
    if (counters.sessions >= limits.sessions || this.#sessions.size >= limits.listenerSessions) {
      counters.overLimit++;
      const [oldest] = this.#sessions;
      if (!oldest) return undefined;
      this.#end(...oldest);
    }
    const session = UdpSession.open(Buffer.from(batch.peerBytes(i)), this);
    if (!session) return undefined;
    counters.sessions++;
    this.#sessions.set(key, session);
    return session;
  }

  #end(key: string, session: UdpSession): void {
    session.close();
    if (this.#sessions.delete(key)) this.context.counters.sessions--;
  }

  #sweep(): void {
    const before = performance.now() - this.context.limits.sessionIdle;
    for (const [key, session] of this.#sessions) {
      // answers count as use, so a later one may be older
      if (session.usedAt < before) this.#end(key, session);
    }
  }
}

const keyOf = (sockaddr: Buffer): string => sockaddr.toString('latin1');
