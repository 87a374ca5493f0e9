import type { Socket as UdpSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import { type Logger, messageOf } from '@podwire/base';
import { Forwarder, type ForwarderOptions } from './forwarder.ts';
import { Responder, type ResponderOptions } from './responder.ts';
import { listenError, localSockets, type SocketAddress, type SocketSource } from './sockets.ts';
import { FrameReader, frame } from './tcp-frames.ts';
import type { Zone } from './zone.ts';

export interface DnsServerOptions {
  readonly zone: Zone;
  /** Each is served over UDP and TCP; port 0 takes a free one, the same for both. */
  readonly listen: readonly SocketAddress[];
  readonly upstreams: readonly SocketAddress[];
  readonly logger: Logger;
  /** Default: sockets of the namespace this thread is in. */
  readonly sockets?: SocketSource;
  readonly forward?: Omit<ForwarderOptions, 'resolvers' | 'sockets'>;
  readonly respond?: Omit<ResponderOptions, 'zone' | 'forwarder'>;
}

export interface DnsServer {
  /** Where it listens, in the order of `listen`. */
  readonly addresses: readonly SocketAddress[];
  readonly responder: Responder;
  readonly forwarder: Forwarder;
  close(): Promise<void>;
}

interface Listener {
  readonly at: SocketAddress;
  close(): Promise<void>;
}

/** Serves a zone, and everything else from upstream. Rejects with DNS_LISTEN, and then listens nowhere. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const sockets = options.sockets ?? localSockets;
  const forwarder = new Forwarder({ ...options.forward, resolvers: options.upstreams, sockets });
  const responder = new Responder({ ...options.respond, zone: options.zone, forwarder });
  const listeners: Listener[] = [];
  const close = async () => void (await Promise.all(listeners.map((listener) => listener.close())));
  try {
    for (const at of options.listen) listeners.push(...(await listenBoth(sockets, at, responder, options.logger)));
  } catch (error) {
    await close();
    throw error;
  }
  const addresses = listeners.filter((_, i) => i % 2 === 0).map((listener) => listener.at);
  return { addresses, responder, forwarder, close };
}

/** How many ports are tried where any will do: one that is free over UDP may be taken over TCP. */
const TRIES = 20;

async function listenBoth(...[sockets, at, responder, logger]: Parameters<typeof listenUdp>): Promise<Listener[]> {
  for (let left = at.port === 0 ? TRIES : 1; ; ) {
    const udp = await listenUdp(sockets, at, responder, logger);
    try {
      return [udp, await listenTcp(sockets, udp.at, responder, logger)];
    } catch (error) {
      await udp.close();
      if (--left === 0) throw error;
    }
  }
}

async function listenUdp(
  sockets: SocketSource,
  at: SocketAddress,
  responder: Responder,
  logger: Logger,
): Promise<Listener> {
  const socket = await sockets.bindUdp(at).catch((error: unknown) => {
    throw listenError('udp', at, error);
  });
  socket.on('error', (error) => logger.error('dns socket failed', { ...at, reason: messageOf(error) }));
  socket.on('message', (packet, from) => {
    const reply = responder.answer(packet, 'udp');
    if (reply instanceof Promise) void reply.then((bytes) => send(socket, bytes, from));
    else if (reply) send(socket, reply, from);
  });
  let closed = false;
  return {
    at: { address: at.address, port: socket.address().port },
    close: () => {
      if (closed) return Promise.resolve();
      closed = true;
      return new Promise((resolve) => socket.close(() => resolve()));
    },
  };
}

function send(socket: UdpSocket, reply: Buffer, to: { port: number; address: string }): void {
  try {
    socket.send(reply, to.port, to.address, () => {}); // the client is gone or unreachable: its retry will tell
  } catch {
    // the socket was closed while an upstream server was asked
  }
}

async function listenTcp(
  sockets: SocketSource,
  at: SocketAddress,
  responder: Responder,
  logger: Logger,
): Promise<Listener> {
  const server: Server = await sockets.listenTcp(at).catch((error: unknown) => {
    throw listenError('tcp', at, error);
  });
  const open = new Set<Socket>();
  server.on('error', (error) => logger.error('dns listener failed', { ...at, reason: messageOf(error) }));
  server.on('connection', (socket) => {
    if (open.size >= MAX_CONNECTIONS) return void socket.destroy();
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    serveConnection(socket, responder);
  });
  return {
    at,
    close: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const MAX_CONNECTIONS = 1000;
const MAX_UNDER_WAY = 100;
const IDLE_TIMEOUT = 10_000;

/** Answers queries of one connection as soon as each is known, in any order (RFC 7766 6.2.1.1). */
function serveConnection(socket: Socket, responder: Responder): void {
  const reader = new FrameReader();
  let underWay = 0;
  let ended = false;
  const resume = () => {
    if (underWay < MAX_UNDER_WAY && !socket.writableNeedDrain) socket.resume();
  };
  const settle = () => {
    underWay--;
    resume();
    if (ended && underWay === 0) socket.end();
  };
  const answer = async (packet: Buffer) => {
    underWay++;
    const reply = await responder.answer(packet, 'tcp');
    if (reply && !socket.destroyed) socket.write(frame(reply));
    settle();
  };
  socket.allowHalfOpen = true; // a client may close its side right after its last query
  socket.setTimeout(IDLE_TIMEOUT, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    for (const packet of reader.push(chunk)) void answer(packet);
    if (underWay >= MAX_UNDER_WAY || socket.writableNeedDrain) socket.pause();
  });
  socket.on('drain', resume);
  socket.on('end', () => {
    ended = true;
    if (underWay === 0) socket.end();
  });
}
