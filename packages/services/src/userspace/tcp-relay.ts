import type net from 'node:net';
import { connectTcp, isErrno, listenTcp } from '@podwire/kernel';
import type { EndpointModel } from '../model.ts';
import { Balancer } from './balancer.ts';
import type { ListenerPlan } from './listener-plan.ts';
import type { Relay, RelayContext } from './relay.ts';

/** Milliseconds until the kernel asks a silent peer whether it is still there. */
const KEEP_ALIVE = 60_000;
/**
 * A stopped listener stays open for connections that are being made, since closing would reset them: for so many intervals
 * of so many milliseconds. After each of them it is looked for connections once, also when the thread stood still for long.
 */
const LINGER = { times: 5, interval: 200 };

export async function openTcpRelay(plan: ListenerPlan, context: RelayContext): Promise<Relay> {
  const server = await listenTcp({ netns: context.netns, address: plan.address, port: 0 });
  return new TcpRelay(server, plan, context);
}

interface Connected {
  readonly socket: net.Socket;
  readonly endpoint: EndpointModel;
}

/**
 * A connection to the client, one to an endpoint, and bytes between them: what one side does not read, the other may not
 * send; what one side ends, the other sees end.
 */
class TcpRelay implements Relay {
  readonly port: number;
  readonly #server: net.Server;
  readonly #context: RelayContext;
  readonly #balancer: Balancer;
  readonly #sockets = new Set<net.Socket>();
  #connections = 0;
  #closing: NodeJS.Timeout | undefined;

  constructor(server: net.Server, plan: ListenerPlan, context: RelayContext) {
    this.#server = server;
    this.#context = context;
    this.#balancer = new Balancer(plan);
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (client) => this.#accept(client)).on('error', () => {});
  }

  get connections(): number {
    return this.#connections;
  }

  update(plan: ListenerPlan): number {
    this.#balancer.update(plan);
    return 0;
  }

  stop(): void {
    let left = LINGER.times;
    const wait = () => {
      left--;
      if (left === 0) this.#closeServer();
    };
    this.#closing ??= setInterval(wait, LINGER.interval).unref();
    this.#server.unref();
    for (const socket of this.#sockets) socket.unref();
  }

  close(): void {
    this.#closeServer();
    for (const socket of this.#sockets) reset(socket);
  }

  #closeServer(): void {
    clearInterval(this.#closing);
    this.#server.close();
  }

  #accept(client: net.Socket): void {
    const { limits, counters } = this.#context;
    client.on('error', () => {});
    // its end may come before the endpoint is there
    client.allowHalfOpen = true;
    if (counters.connections >= limits.connections || this.#connections >= limits.listenerConnections) {
      counters.overLimit++;
      reset(client);
      return;
    }
    counters.connections++;
    this.#connections++;
    this.#follow(client, () => {
      counters.connections--;
      this.#connections--;
    });
    // the connection may be gone already; then it has no address any more
    void this.#serve(client, client.remoteAddress ?? '');
  }

  async #serve(client: net.Socket, address: string): Promise<void> {
    const connected = await this.#connect(client, address);
    if (!connected) {
      if (!client.destroyed) this.#context.counters.unanswered++;
      reset(client);
      return;
    }
    const { socket, endpoint } = connected;
    this.#balancer.count(endpoint, 1);
    this.#follow(socket, () => this.#balancer.count(endpoint, -1));
    if (client.destroyed) socket.destroy();
    else join(client, socket, this.#context);
  }

  /** One endpoint after the other; those that were only slow a second time. */
  async #connect(client: net.Socket, address: string): Promise<Connected | undefined> {
    const { counters, limits } = this.#context;
    let candidates: Iterable<EndpointModel> = this.#balancer.choose(address);
    let first = true;
    for (const timeout of limits.patience) {
      const slow: EndpointModel[] = [];
      for (const endpoint of candidates) {
        if (client.destroyed) return undefined;
        if (!first) counters.retries++;
        first = false;
        try {
          const socket = await this.#connectTo(endpoint, timeout);
          if (!socket) continue;
          this.#balancer.answered(address, endpoint);
          return { socket, endpoint };
        } catch (error) {
          if (isErrno(error, 'ETIMEDOUT')) slow.push(endpoint);
        }
      }
      candidates = slow;
    }
    return undefined;
  }

  async #connectTo(endpoint: EndpointModel, timeout: number): Promise<net.Socket | undefined> {
    const { netns, source, captured } = this.#context;
    if (captured(endpoint, 'tcp')) return undefined;
    const { address, port } = endpoint;
    const localAddress = source(address);
    return connectTcp({ netns, address, port, timeout, ...(localAddress && { localAddress }) });
  }

  #follow(socket: net.Socket, onClose: () => void): void {
    this.#sockets.add(socket);
    if (this.#closing) socket.unref();
    socket.once('close', () => {
      this.#sockets.delete(socket);
      onClose();
    });
  }
}

function join(client: net.Socket, server: net.Socket, { limits }: RelayContext): void {
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.allowHalfOpen = true;
    one.setNoDelay(true);
    one.setKeepAlive(true, KEEP_ALIVE);
    one.setTimeout(client.readableEnded ? limits.halfClosedIdle : limits.idle);
    one.on('error', () => reset(other));
    one.on('timeout', () => reset(one));
    one.on('end', () => {
      for (const each of [one, other]) each.setTimeout(limits.halfClosedIdle);
    });
    // it has closed before its time; else what it sent last may still be on its way to the other
    one.on('close', () => {
      if (!(one.readableEnded && one.writableFinished)) reset(other);
    });
    one.pipe(other);
  }
}

/** While a socket's end is on its way libuv does not reset it, and Node would lose the handle without closing it. */
function reset(socket: net.Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
