import http from 'node:http';
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import net, { type Socket } from 'node:net';
import path from 'node:path';

/** What becomes of a request. */
export type Fault =
  | 'none'
  /** Too many requests, come again in a moment. */
  | '429'
  | '500'
  | '503'
  /** The revision has expired. */
  | '410'
  /** An ERROR event with code 410 within a watch; a list is answered. */
  | '410 in the stream'
  /** The page of a login, status 200. */
  | 'html'
  /** The answer ends in the middle of a line, as if it were whole. */
  | 'cut'
  /** The stream is reset in the middle of the answer. */
  | 'reset'
  /** No answer at all. */
  | 'mute'
  | 'slow'
  /** No BOOKMARK comes through. */
  | 'no bookmarks'
  /** As servers before 1.32 and 1.33 do. */
  | 'no streamed lists';

export const FAULTS: readonly Fault[] = [
  'none',
  '429',
  '500',
  '503',
  '410',
  '410 in the stream',
  'html',
  'cut',
  'reset',
  'mute',
  'slow',
  'no bookmarks',
  'no streamed lists',
];

const CUT_AFTER = 700;

/**
 * Between a client and an API server, on unix sockets:
 *
 *   client ══ HTTP/2 ══▶ bytes, which can be frozen or cut ══▶ requests, which can go wrong ── HTTP/1.1 ──▶ API server
 */
export class FaultProxy {
  readonly socketPath: string;
  /** Asked for each request; absent: all is well. */
  fault: ((request: { readonly url: string; readonly watch: boolean }) => Fault) | undefined;
  /** Paths asked for, in order. */
  readonly asked: string[] = [];
  /** Connections ever made. */
  connections = 0;
  readonly #upstream: string;
  readonly #front = net.createServer((socket) => this.#join(socket));
  readonly #inner = http2.createServer((request, response) => this.#answer(request, response));
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  constructor(directory: string, upstream: string) {
    this.socketPath = path.join(directory, 'front');
    this.#upstream = upstream;
    this.#inner.on('sessionError', () => {});
  }

  async listen(): Promise<void> {
    const inner = `${this.socketPath}.inner`;
    await new Promise<void>((resolve) => this.#inner.listen(inner, resolve));
    await new Promise<void>((resolve) => this.#front.listen(this.socketPath, resolve));
  }

  /** Nothing is heard any more on the connections that stand, and nothing says that they ended. */
  freeze(): void {
    for (const [front, inner] of this.#pairs) {
      front.unpipe(inner);
      inner.unpipe(front);
      front.resume();
      inner.resume();
    }
  }

  /** All connections end at once. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  heal(): void {
    this.fault = undefined;
  }

  close(): void {
    this.cut();
    this.#front.close();
    this.#inner.close();
  }

  #join(front: Socket): void {
    this.connections++;
    const inner = net.connect(`${this.socketPath}.inner`);
    const pair = [front, inner] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket
        .on('error', () => {})
        .on('close', () => {
          this.#pairs.delete(pair);
          for (const one of pair) one.destroy();
        });
    }
    front.pipe(inner).pipe(front);
  }

  #answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const { url } = request;
    const watch = url.includes('watch=1');
    this.asked.push(url);
    response.on('error', () => {});
    const fault = this.fault?.({ url, watch }) ?? 'none';
    if (fault === 'mute') return;
    const refusal = refusalOf(fault, { streamsList: url.includes('sendInitialEvents=true'), watch });
    if (refusal) {
      response.writeHead(refusal.status, { 'content-type': refusal.type, ...refusal.headers });
      response.end(refusal.body);
      return;
    }
    setTimeout(() => this.#forward(request, response, fault), fault === 'slow' ? 30 : 0);
  }

  #forward(request: Http2ServerRequest, response: Http2ServerResponse, fault: Fault): void {
    const { method, url } = request;
    const upstream = http.request({ socketPath: this.#upstream, method, path: url, agent: false }, (answer) => {
      answer.on('error', () => response.stream?.destroy());
      if (response.stream === undefined || response.stream.destroyed) return void answer.destroy();
      response.writeHead(answer.statusCode ?? 500, { 'content-type': 'application/json' });
      new Passage(response, fault, () => upstream.destroy()).follow(answer);
    });
    upstream.on('error', () => response.stream?.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }
}

interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = 'application/json';

function refusalOf(fault: Fault, of: { readonly streamsList: boolean; readonly watch: boolean }): Refusal | undefined {
  const status = (code: number, reason: string, message: string) =>
    JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
  switch (fault) {
    case '429':
      return {
        status: 429,
        type: 'text/plain',
        body: 'Too many requests, please try again later.',
        headers: { 'retry-after': '0' },
      };
    case '500':
      return { status: 500, type: JSON_TYPE, body: status(500, 'InternalError', 'etcdserver: leader changed') };
    case '503':
      return { status: 503, type: 'text/plain', body: 'apiserver is shutting down' };
    case '410':
      return { status: 410, type: JSON_TYPE, body: status(410, 'Expired', 'The resourceVersion is too old') };
    case '410 in the stream': {
      if (!of.watch) return undefined;
      const object = JSON.parse(status(410, 'Expired', 'too old resource version'));
      return { status: 200, type: JSON_TYPE, body: `${JSON.stringify({ type: 'ERROR', object })}\n` };
    }
    case 'html':
      return { status: 200, type: 'text/html', body: '<!DOCTYPE html><html><body>Sign in</body></html>\n' };
    case 'no streamed lists': {
      const message = 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
      return of.streamsList ? { status: 422, type: JSON_TYPE, body: status(422, 'Invalid', message) } : undefined;
    }
    default:
      return undefined;
  }
}

/** The body of one answer on its way to the client. */
class Passage {
  readonly #response: Http2ServerResponse;
  readonly #fault: Fault;
  readonly #end: () => void;
  #sent = 0;
  #tail = '';

  constructor(response: Http2ServerResponse, fault: Fault, end: () => void) {
    this.#response = response;
    this.#fault = fault;
    this.#end = end;
  }

  follow(answer: http.IncomingMessage): void {
    answer.setEncoding('utf8');
    answer.on('data', (text: string) => this.#take(text));
    answer.on('end', () => this.#response.end(this.#tail));
  }

  #take(text: string): void {
    if (this.#fault === 'no bookmarks') this.#withoutBookmarks(text);
    else if (this.#fault === 'cut' || this.#fault === 'reset') this.#cut(text);
    else this.#response.write(text);
  }

  #cut(text: string): void {
    const rest = CUT_AFTER - this.#sent;
    this.#sent += text.length;
    this.#response.write(text.slice(0, Math.max(rest, 0)));
    if (this.#sent < CUT_AFTER) return;
    if (this.#fault === 'cut') this.#response.end();
    else this.#response.stream?.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    this.#end();
  }

  #withoutBookmarks(text: string): void {
    const lines = (this.#tail + text).split('\n');
    this.#tail = lines.pop() ?? '';
    const rest = lines.filter((line) => !line.startsWith('{"type":"BOOKMARK"'));
    if (rest.length > 0) this.#response.write(rest.map((line) => `${line}\n`).join(''));
  }
}
