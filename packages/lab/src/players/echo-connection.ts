import type { Server as HttpServer } from 'node:http';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { clientOf, type PlayContext } from './http-answers.ts';
import { echoPage } from './pages.ts';

const HTTP1 = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT) \S/;
/** RFC 9113 section 3.4: what an HTTP/2 client sends first. */
const HTTP2_PREFACE = 'PRI * HTTP/2.0';
const GRPC_HEALTH_CHECK = '/grpc.health.v1.Health/Check';
/** A gRPC message: not compressed, 2 bytes: HealthCheckResponse { status: SERVING }. */
const GRPC_SERVING = Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01]);
const GRPC_UNIMPLEMENTED = '12';

/** Gives a connection to the echo player: told by its first bytes it is HTTP/1, HTTP/2, or bytes to send back. */
export function serveEcho(socket: Socket, http: HttpServer, play: PlayContext): void {
  socket.once('data', (first: Buffer) => {
    const start = first.toString('latin1', 0, 16);
    if (HTTP1.test(start)) {
      socket.pause();
      socket.unshift(first);
      http.emit('connection', socket);
      socket.resume();
    } else if (start.startsWith(HTTP2_PREFACE)) {
      socket.pause();
      socket.unshift(first);
      serveHttp2(socket, play);
    } else {
      socket.write(first);
      socket.pipe(socket);
    }
  });
}

function serveHttp2(socket: Socket, play: PlayContext): void {
  const session = http2.performServerHandshake(socket);
  session.on('error', () => socket.destroy());
  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    stream.resume();
    if (String(headers['content-type'] ?? '').startsWith('application/grpc'))
      return answerGrpc(stream, String(headers[':path']), play);
    const seen = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
    stream.respond({ ':status': 200, 'content-type': 'text/plain; charset=utf-8' });
    stream.end(
      echoPage(play.identity, {
        line: `${headers[':method']} ${headers[':path']} HTTP/2.0`,
        client: clientOf(socket),
        headers: seen,
      }),
    );
  });
}

/** Health checks are answered SERVING, everything else with status UNIMPLEMENTED and the pod's name in the message. */
function answerGrpc(stream: http2.ServerHttp2Stream, path: string, { identity }: PlayContext): void {
  const healthy = path === GRPC_HEALTH_CHECK;
  const trailers = healthy
    ? { 'grpc-status': '0' }
    : {
        'grpc-status': GRPC_UNIMPLEMENTED,
        'grpc-message': `played by podwire: pod ${identity.namespace}/${identity.pod} on ${identity.node}`,
      };
  const headers = { ':status': 200, 'content-type': 'application/grpc', 'x-pod-name': identity.pod };
  stream.respond(headers, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(healthy ? GRPC_SERVING : undefined);
}
