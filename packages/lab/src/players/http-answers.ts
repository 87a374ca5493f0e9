import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { answerNetexec, type NetexecWorld } from './netexec.ts';
import { echoPage, welcomePage } from './pages.ts';
import type { App, PlayIdentity } from './play.ts';

/** A played container, as the servers of its ports see it. */
export interface PlayContext extends NetexecWorld {
  readonly identity: PlayIdentity;
  /** Ends the container. */
  exit(code: number): void;
}

const TEXT = 'text/plain; charset=utf-8';

/** Answers one HTTP/1 request of a played container. */
export async function answerHttp(
  app: App,
  request: IncomingMessage,
  response: ServerResponse,
  play: PlayContext,
): Promise<void> {
  request.resume();
  const client = clientOf(request.socket);
  switch (app.app) {
    case 'netexec':
      return answerWithNetexec(app.override ?? request.url ?? '/', request, response, play);
    case 'hostname':
      play.log(`HTTP request from ${client}`);
      if (app.close) response.setHeader('connection', 'close');
      return send(response, 200, TEXT, play.hostname);
    case 'text':
      return answerText(app, request, response, play);
    case 'welcome': {
      const path = (request.url ?? '/').split('?')[0];
      const found = path === '/' || path === '/index.html';
      play.log(`${client} "${request.method} ${request.url}" ${found ? 200 : 404}`);
      response.setHeader('server', app.server);
      return send(
        response,
        found ? 200 : 404,
        'text/html',
        found ? welcomePage(app.server, play.identity) : '<html><body><h1>404 Not Found</h1></body></html>\n',
      );
    }
    case 'echo':
      return send(response, 200, TEXT, echoPage(play.identity, seenRequest(request, client)));
  }
}

async function answerWithNetexec(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
  play: PlayContext,
): Promise<void> {
  const answer = await answerNetexec(
    { url, client: clientOf(request.socket), header: (name) => headerText(request.headers[name.toLowerCase()]) },
    play,
  );
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  const { exit } = answer;
  if (exit) response.once('close', () => setTimeout(() => play.exit(exit.code), exit.after));
  send(response, answer.status, TEXT, answer.body);
}

function answerText(
  app: Extract<App, { app: 'text' }>,
  request: IncomingMessage,
  response: ServerResponse,
  play: PlayContext,
): void {
  const health = app.style === 'http-echo' && request.url === '/health';
  if (app.style === 'http-echo') response.setHeader('x-app-name', 'http-echo');
  if (app.style === 'http-echo' && !health) {
    const line = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
    play.log(`${request.headers.host ?? ''} ${clientOf(request.socket)} "${line}" ${app.status} ${app.body.length}`);
  }
  if (health) send(response, 200, TEXT, '{"status":"ok"}\n');
  else if (app.json)
    send(response, app.status, 'application/json', JSON.stringify({ Method: request.method, Body: app.body }));
  else send(response, app.status, app.type, app.body);
}

function seenRequest(
  request: IncomingMessage,
  client: string,
): { line: string; client: string; headers: [string, string][] } {
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2)
    headers.push([request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? '']);
  return { line: `${request.method} ${request.url} HTTP/${request.httpVersion}`, client, headers };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const code = status >= 200 && status <= 599 ? status : 200;
  response.writeHead(code, STATUS_CODES[code] ?? '', {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** address:port, IPv4 without the prefix of a dual-stack socket, IPv6 in brackets. */
export function clientOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return formatClient(socket.remoteAddress ?? '', socket.remotePort ?? 0);
}

export function formatClient(address: string, port: number): string {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}
