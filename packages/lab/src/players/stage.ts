import type { Socket as UdpSocket } from 'node:dgram';
import http from 'node:http';
import { isIP, type Server, type Socket } from 'node:net';
import { messageOf } from '@podwire/base';
import { bindUdp, listenTcp, type Netns, openNetns } from '@podwire/kernel';
import { serveEcho } from './echo-connection.ts';
import { httpGet, udpExchange } from './exchange.ts';
import { answerHttp, type PlayContext } from './http-answers.ts';
import type { DialRequest } from './netexec.ts';
import type { App, PlayListener, PlaySpec } from './play.ts';
import { answerDatagram } from './udp-answers.ts';

const DIAL_TIMEOUT = 5000;
/** Pods have IPv4 addresses. */
const ANY = '0.0.0.0';

/** What a played container needs from outside its thread. */
export interface StageWorld {
  log(id: string, line: string): void;
  exited(id: string, code: number): void;
  shell(id: string, command: string): Promise<{ output: string; error?: string }>;
  resolve(id: string, name: string): Promise<string>;
}

/** All played containers of a thread: one HTTP server object, any number of sockets in any number of namespaces. */
export class Stage {
  readonly #world: StageWorld;
  readonly #plays = new Map<string, Play>();
  readonly #http: http.Server;

  constructor(world: StageWorld) {
    this.#world = world;
    this.#http = http.createServer((request, response) => {
      const seat = SEATS.get(request.socket);
      if (!seat) return void response.destroy();
      answerHttp(seat.app, request, response, seat.play).catch((error) => {
        seat.play.log(`error: ${messageOf(error)}`);
        response.destroy();
      });
    });
    // The real servers keep idle connections open; a proxy in front may reuse one at any time.
    this.#http.keepAliveTimeout = 0;
    this.#http.on('clientError', (_, socket) => socket.destroy());
  }

  /** Opens the listeners. Rejects, leaving nothing open, when a required port cannot be had. */
  async start(spec: PlaySpec): Promise<void> {
    const play = new Play(spec, this.#world, this.#http);
    this.#plays.set(spec.id, play);
    try {
      await play.open();
    } catch (error) {
      this.stop(spec.id);
      throw error;
    }
  }

  stop(id: string): void {
    this.#plays.get(id)?.close();
    this.#plays.delete(id);
  }
}

/** Which app of which container a connection belongs to. */
const SEATS = new WeakMap<Socket, { readonly app: App; readonly play: PlayContext }>();

class Play {
  readonly #spec: PlaySpec;
  readonly #world: StageWorld;
  readonly #http: http.Server;
  readonly #netns: Netns;
  readonly #sockets = new Set<Socket>();
  readonly #servers: (Server | UdpSocket)[] = [];
  readonly #context: PlayContext;
  #closed = false;

  constructor(spec: PlaySpec, world: StageWorld, server: http.Server) {
    this.#spec = spec;
    this.#world = world;
    this.#http = server;
    this.#netns = openNetns(spec.netns);
    this.#context = {
      identity: spec.identity,
      hostname: spec.identity.hostname,
      now: () => new Date(),
      log: (line) => world.log(spec.id, line),
      shell: (command) => world.shell(spec.id, command),
      dial: (request) => this.#dial(request),
      exit: (code) => this.#exit(code),
    };
  }

  async open(): Promise<void> {
    const results = await Promise.allSettled(this.#spec.listeners.map((l) => this.#listen(l)));
    results.forEach((result, i) => {
      const listener = this.#spec.listeners[i];
      if (result.status === 'fulfilled' || !listener) return;
      const what = `listen ${listener.protocol.toLowerCase()} :${listener.port}: ${messageOf(result.reason)}`;
      if (listener.required) throw new Error(what);
      this.#context.log(what);
    });
    for (const line of this.#spec.banner) this.#context.log(line);
  }

  close(): void {
    this.#closed = true;
    for (const server of this.#servers.splice(0)) server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#netns.close();
  }

  #exit(code: number): void {
    if (this.#closed) return;
    this.close();
    this.#world.exited(this.#spec.id, code);
  }

  async #listen(listener: PlayListener): Promise<void> {
    const opened = listener.protocol === 'TCP' ? await this.#listenTcp(listener) : await this.#listenUdp(listener);
    if (this.#closed) opened.close();
    else this.#servers.push(opened);
  }

  async #listenTcp({ port, app }: PlayListener): Promise<Server> {
    const server = await listenTcp({ netns: this.#netns, address: ANY, port });
    server.on('connection', (socket: Socket) => this.#accept(socket, app));
    server.on('error', (error) => this.#context.log(messageOf(error)));
    return server;
  }

  #accept(socket: Socket, app: App): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    SEATS.set(socket, { app, play: this.#context });
    if (app.app === 'hostname' && app.raw) socket.end(this.#context.hostname);
    else if (app.app === 'echo') serveEcho(socket, this.#http, this.#context);
    else this.#http.emit('connection', socket);
  }

  async #listenUdp({ port, app }: PlayListener): Promise<UdpSocket> {
    const socket = await bindUdp({ netns: this.#netns, address: ANY, port });
    socket.on('error', (error) => this.#context.log(messageOf(error)));
    socket.on('message', (payload, from) => {
      const answer = answerDatagram(app, payload, from, this.#context.hostname);
      if (answer !== undefined) socket.send(answer, from.port, from.address, () => {});
    });
    return socket;
  }

  async #dial({ protocol, host, port, request }: DialRequest): Promise<string> {
    const address = isIP(host) ? host : await this.#world.resolve(this.#spec.id, host);
    const target = { netns: this.#netns, address, port, timeout: DIAL_TIMEOUT };
    if (protocol === 'udp') return udpExchange(target, request);
    const { body } = await httpGet(target, { path: `/${encodeURI(request)}`, headers: { host: `${host}:${port}` } });
    return body;
  }
}
