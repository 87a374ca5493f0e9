import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { Duplex } from 'node:stream';
import type { ExecSession, PodStreams } from '@podwire/kube';
import type * as Ws from 'ws';
import type { WebSocket, WebSocketServer } from 'ws';
import { badRequest, failure } from '../core/status.ts';
import type { Streams, UpgradeTarget } from '../seam.ts';
import { runSession } from './exec-session.ts';
import { answerLogs, containerOf, referenceOf } from './pod-logs.ts';
import { PORT_FORWARD_PROTOCOL, servePortForward, TUNNEL_PROTOCOL } from './port-forward.ts';
import { SpdyConnection } from './spdy-connection.ts';
import { expectedStreams, isSet, SPDY_EXEC_PROTOCOLS, spdyChannels } from './spdy-exec.ts';
import { CHANNEL_PROTOCOLS, websocketChannels } from './websocket-exec.ts';

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

const EMPTY = { status: 200, headers: { 'content-type': 'text/plain' }, body: '' } as const;

/** kubectl logs, exec, attach, cp and port-forward. Without podStreams every one is answered with 501. */
export function createStreams(podStreams: PodStreams | undefined): Streams {
  let websockets: WebSocketServer | undefined;
  return {
    log: async (pod, request) => {
      if (!podStreams) throw notImplemented('logs');
      // What was never started has said nothing.
      return pod.spec?.nodeName ? answerLogs(podStreams, pod, request) : EMPTY;
    },
    connect: async (pod, port) => {
      if (!podStreams) throw notImplemented('ports');
      if (!pod.spec?.nodeName) throw badRequest(`pod ${pod.metadata?.name} does not have a host assigned`);
      return podStreams.portForward(referenceOf(pod), port);
    },
    connectNode: async (name, port) => {
      if (!podStreams?.connectNode) throw notImplemented('nodes');
      return podStreams.connectNode(name, port);
    },
    upgrade: (target, request, socket, head) => {
      if (!podStreams) throw notImplemented(target.subresource);
      const { metadata, spec } = target.pod;
      if (!spec?.nodeName) throw badRequest(`pod ${metadata?.name} does not have a host assigned`);
      const serve = target.subresource === 'portforward' ? servePorts : serveCommand;
      websockets ??= createWebsockets();
      serve(podStreams, target, { request, socket, head }, websockets);
    },
  };
}

function notImplemented(what: string): Error {
  return failure(501, 'NotImplemented', `this API server runs no pods, so it has no ${what}`);
}

function createWebsockets(): WebSocketServer {
  // Most servers are never asked for them.
  const ws: typeof Ws = createRequire(import.meta.url)('ws');
  const handleProtocols = (offered: Set<string>): string | false =>
    CHANNEL_PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false;
  return new ws.WebSocketServer({ noServer: true, handleProtocols, perMessageDeflate: false });
}

function isWebsocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

type Serve = (streams: PodStreams, target: UpgradeTarget, upgrade: Upgrade, websockets: WebSocketServer) => void;

const serveCommand: Serve = (streams, target, upgrade, websockets) => {
  const start = starter(streams, target);
  if (isWebsocket(upgrade.request)) {
    if (offered(upgrade.request, 'sec-websocket-protocol', CHANNEL_PROTOCOLS) === undefined)
      throw noProtocol(CHANNEL_PROTOCOLS);
    void runSession(start, websocketChannels(acceptWebsocket(upgrade, websockets), isSet(target.query, 'stdin')));
    return;
  }
  const connection = acceptSpdy(upgrade, SPDY_EXEC_PROTOCOLS);
  void spdyChannels(connection, expectedStreams(target.query)).then(
    (channels) => channels && runSession(start, channels),
  );
};

/** What begins the command, once the client is connected; throws 400 at once for a request that makes no sense. */
function starter(streams: PodStreams, { pod, subresource, query }: UpgradeTarget): () => Promise<ExecSession> {
  const container = containerOf(pod, query.get('container') || (pod.spec?.containers[0]?.name ?? null));
  const options = { container, tty: isSet(query, 'tty'), stdin: isSet(query, 'stdin') };
  if (subresource === 'attach') return () => streams.attach(referenceOf(pod), options);
  const command = query.getAll('command');
  if (command.length === 0) throw badRequest('you must specify at least one command for the container');
  return () => streams.exec(referenceOf(pod), { ...options, command });
}

const servePorts: Serve = (streams, { pod }, upgrade, websockets) => {
  const connect = (port: number): Promise<Duplex> => streams.portForward(referenceOf(pod), port);
  if (!isWebsocket(upgrade.request)) {
    servePortForward(acceptSpdy(upgrade, [PORT_FORWARD_PROTOCOL]), connect);
    return;
  }
  const { request } = upgrade;
  if (offered(request, 'sec-websocket-protocol', [TUNNEL_PROTOCOL]) === undefined) throw noProtocol([TUNNEL_PROTOCOL]);
  // ws takes no protocol name with a slash: it is taken out of the request and put into the answer by hand.
  delete request.headers['sec-websocket-protocol'];
  const answer = (headers: string[], about: IncomingMessage): void => {
    if (about === request) headers.push(`Sec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}`);
  };
  websockets.on('headers', answer);
  try {
    servePortForward(new SpdyConnection(tunnelOf(acceptWebsocket(upgrade, websockets))), connect);
  } finally {
    websockets.off('headers', answer);
  }
};

/** Answers 101 and returns the connection. Throws 400 for a handshake that is none. */
function acceptWebsocket({ request, socket, head }: Upgrade, websockets: WebSocketServer): WebSocket {
  const outcome: { client?: WebSocket; why?: string } = {};
  const refuse = (error: Error) => {
    outcome.why = error.message;
  };
  // All of it happens before handleUpgrade returns.
  websockets.on('wsClientError', refuse);
  websockets.handleUpgrade(request, socket, head, (client) => {
    outcome.client = client;
  });
  websockets.off('wsClientError', refuse);
  if (outcome.client) return outcome.client;
  throw badRequest(outcome.why ?? 'the connection is gone');
}

/** The byte stream inside the messages of a WebSocket. */
function tunnelOf(client: WebSocket): Duplex {
  const stream = new Duplex({
    read: () => client.resume(),
    write: (chunk: Buffer, _encoding, done) => client.send(chunk, { binary: true }, (error) => done(error)),
    final: (done) => {
      client.close(1000);
      done();
    },
    destroy: (error, done) => {
      client.terminate();
      done(error);
    },
  });
  client.on('message', (data) => {
    if (!stream.push(data as Buffer)) client.pause();
  });
  client.on('close', () => stream.push(null));
  client.on('error', (error) => stream.destroy(error));
  return stream;
}

/** Answers 101 and returns the connection. */
function acceptSpdy({ request, socket, head }: Upgrade, protocols: readonly string[]): SpdyConnection {
  const chosen = offered(request, 'x-stream-protocol-version', protocols);
  if (chosen === undefined) throw noProtocol(protocols);
  const lines = ['Connection: Upgrade', 'Upgrade: SPDY/3.1', `X-Stream-Protocol-Version: ${chosen}`];
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return new SpdyConnection(socket);
}

function offered(request: IncomingMessage, header: string, known: readonly string[]): string | undefined {
  const names = [request.headers[header] ?? []].flat().flatMap((line) => line.split(','));
  return known.find((protocol) => names.some((name) => name.trim() === protocol));
}

function noProtocol(known: readonly string[]): Error {
  return failure(403, 'Forbidden', `unable to upgrade: no protocol in common, the server speaks ${known.join(', ')}`);
}
