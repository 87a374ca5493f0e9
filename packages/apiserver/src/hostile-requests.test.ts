import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import fc from 'fast-check';
import { startApiServer } from './server.ts';

const MiB = 1024 * 1024;
const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';
const JSON_TYPE = 'application/json';

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

interface Answer {
  readonly code: number;
  readonly text: string;
}

/** Sends a request; rejects when there is no answer. */
type Ask = (sent: Sent) => Promise<Answer>;

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The answer of an HTTP/1.1 request, also when the server does not want the rest of the body. */
function answered(request: http.ClientRequest, body: string | Buffer | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.on('response', (response) => {
      textOf(response).then((text) => resolve({ code: response.statusCode ?? 0, text }), reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

function askHttp2(session: http2.ClientHttp2Session): Ask {
  return async ({ method, url, headers, body }) => {
    const stream = session.request({ ':method': method, ':path': url, ...headers }, { endStream: body === undefined });
    stream.on('error', () => {});
    if (body !== undefined) stream.end(body);
    const [answer] = await once(stream, 'response');
    return { code: Number(answer[':status']), text: await textOf(stream) };
  };
}

/** A server, and the ways to it. */
async function start(t: TestContext) {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-hostile-'));
  const socketPath = path.join(directory, 'api.sock');
  const server = await startApiServer({
    serviceCidrs: [parsePrefix('10.96.0.0/12')],
    nodePortRange: [30000, 32767],
    tokens: { secret: { name: 'root', groups: ['system:masters'] } },
  });
  await server.listenUnix(socketPath);
  const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
  const tls = { host: '127.0.0.1', port, rejectUnauthorized: false };
  // What these clients do not get rid of is in their memory, too.
  const maxSessionMemory = 500;
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, maxSessionMemory });
  const createConnection = () => net.connect(socketPath);
  const clear = http2.connect('http://localhost', { createConnection, maxSessionMemory });
  for (const one of [session, clear]) one.on('error', () => {});
  const bearer = { authorization: 'Bearer secret' };
  const ways: Readonly<Record<string, Ask>> = {
    'TLS, HTTP/1.1': ({ method, url, headers, body }) =>
      answered(https.request({ ...tls, method, path: url, headers: { ...bearer, ...headers }, agent: false }), body),
    'TLS, HTTP/2': ({ headers, ...sent }) => askHttp2(session)({ ...sent, headers: { ...bearer, ...headers } }),
    'unix socket, HTTP/1.1': ({ method, url, headers, body }) =>
      answered(http.request({ socketPath, method, path: url, headers: { ...headers }, agent: false }), body),
    'unix socket, HTTP/2': askHttp2(clear),
  };
  t.after(async () => {
    session.destroy();
    clear.destroy();
    await server.close();
    await rm(directory, { recursive: true });
  });
  return { server, ways, socketPath };
}

const post = (body: string | Buffer, type = JSON_TYPE): Sent => {
  return { method: 'POST', url: CONFIGMAPS, headers: { 'content-type': type }, body };
};
const nested = (depth: number) => `{"metadata":{"name":"a"},"data":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;

const REFUSED: readonly (readonly [what: string, sent: Sent, code: number, reason: string])[] = [
  ['no JSON', post('{"metadata":'), 400, 'BadRequest'],
  ['no UTF-8', post(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), 400, 'BadRequest'],
  ['deep nesting', post(nested(100_000)), 400, 'BadRequest'],
  ['deep YAML', post('['.repeat(5000), 'application/yaml'), 400, 'BadRequest'],
  ['a prototype', post('{"metadata":{"name":"a"},"__proto__":{"x":1}}'), 400, 'BadRequest'],
  ['an array', post('[]'), 400, 'BadRequest'],
  ['a name of the wrong type', post('{"metadata":{"name":{}}}'), 400, 'BadRequest'],
  ['a name that leads elsewhere', post('{"metadata":{"name":"../../a"}}'), 422, 'Invalid'],
  ['a long name', post(`{"metadata":{"name":"${'a'.repeat(300)}"}}`), 422, 'Invalid'],
  ['an unknown type', post('{}', 'text/html'), 415, 'UnsupportedMediaType'],
  ['broken protobuf', post('k8s\0\xff\xff\xff', 'application/vnd.kubernetes.protobuf'), 400, 'BadRequest'],
  ['4 MiB', post(Buffer.alloc(4 * MiB, 0x20)), 413, 'RequestEntityTooLarge'],
  ['an escape of nothing', { method: 'GET', url: '/api/v1/namespaces/%zz/pods' }, 400, 'BadRequest'],
  ['a zero byte', { method: 'GET', url: `${CONFIGMAPS}/%00` }, 404, 'NotFound'],
  ['a path upwards', { method: 'GET', url: `${CONFIGMAPS}/%2e%2e%2fsecrets` }, 404, 'NotFound'],
  ['no number', { method: 'GET', url: `${CONFIGMAPS}?limit=-1` }, 400, 'BadRequest'],
  ['no selector', { method: 'GET', url: `${CONFIGMAPS}?labelSelector=%21%21` }, 400, 'BadRequest'],
  ['no revision', { method: 'GET', url: `${CONFIGMAPS}?watch=true&resourceVersion=x` }, 400, 'BadRequest'],
  ['an unknown method', { method: 'OPTIONS', url: CONFIGMAPS }, 405, 'MethodNotAllowed'],
];

test('what makes no sense is answered with a Status that says why, on every kind of connection', async (t) => {
  const { ways, server } = await start(t);
  for (const [way, ask] of Object.entries(ways)) {
    for (const [what, sent, code, reason] of REFUSED) {
      const answer = await ask(sent);
      const status = JSON.parse(answer.text) as { kind: string; code: number; reason: string; message: string };
      assert.deepEqual(
        [status.kind, answer.code, status.code, status.reason],
        ['Status', code, code, reason],
        `${what} over ${way}`,
      );
      assert.notEqual(status.message, '', `${what} over ${way}`);
    }
  }
  assert.deepEqual((await server.client().list('ConfigMap', { namespace: 'default' })).items.length, 0);
});

test('bodies of 100 MB are refused without being kept, and the connection of others goes on', async (t) => {
  const { ways } = await start(t);
  const large = Buffer.alloc(100 * MiB, 0x20);
  const declared = { 'content-type': JSON_TYPE, 'content-length': String(100 * MiB) };
  for (const [way, ask] of Object.entries(ways)) {
    const before = process.memoryUsage().rss;
    const headers = way.endsWith('1.1') ? declared : { 'content-type': JSON_TYPE };
    // A client that still sends when it is refused may see its connection end before it reads why.
    const answer = await ask({ method: 'POST', url: CONFIGMAPS, headers, body: large }).catch(() => undefined);
    if (answer) assert.equal(answer.code, 413, way);
    assert.ok(process.memoryUsage().rss - before < 400 * MiB, way);
    assert.equal((await ask({ method: 'GET', url: CONFIGMAPS })).code, 200, way);
  }
});

/** Everything the server says to bytes on a socket until it closes. */
async function speak(socketPath: string, bytes: string | Buffer): Promise<string> {
  const socket = net.connect(socketPath);
  socket.on('error', () => {});
  socket.end(bytes);
  return textOf(socket).catch(() => '');
}

test('headers that are too large, and what is not HTTP', async (t) => {
  const { ways, socketPath } = await start(t);
  const large = await speak(socketPath, `GET /api HTTP/1.1\r\nHost: a\r\nX-Large: ${'x'.repeat(100_000)}\r\n\r\n`);
  assert.match(large, /^HTTP\/1\.1 431 [\s\S]*"kind":"Status"/);
  assert.match(await speak(socketPath, 'EHLO example.com\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*"reason":"BadRequest"/);
  await speak(socketPath, `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\0'.repeat(64)}`);
  const headers = { 'x-large': 'x'.repeat(100_000) };
  await ways['TLS, HTTP/2']?.({ method: 'GET', url: '/api', headers }).catch(() => {});
  await ways['TLS, HTTP/1.1']?.({ method: 'GET', url: '/api', headers }).catch(() => {});
  for (const way of ['TLS, HTTP/1.1', 'unix socket, HTTP/1.1'])
    assert.equal((await ways[way]?.({ method: 'GET', url: '/api' }))?.code, 200, way);
});

test('any request has an answer, and the server outlives it', async (t) => {
  const { ways } = await start(t);
  const ask = ways['unix socket, HTTP/1.1'] ?? assert.fail();
  const segment = fc.oneof(
    fc.constantFrom('api', 'apis', 'v1', 'namespaces', 'default', 'pods', 'configmaps', 'status', 'scale', 'log', 'x'),
    fc.string({ maxLength: 8 }).map((text) => encodeURIComponent(text.replace(/[\ud800-\udfff]/g, ''))),
  );
  const name = fc.constantFrom(
    'watch',
    'limit',
    'continue',
    'labelSelector',
    'fieldSelector',
    'dryRun',
    'resourceVersion',
  );
  const value = fc.string({ maxLength: 10 }).map((text) => encodeURIComponent(text.replace(/[\ud800-\udfff]/g, '')));
  const query = fc.array(fc.tuple(name, value), { maxLength: 3 });
  const types = fc.constantFrom(
    JSON_TYPE,
    'application/yaml',
    'application/merge-patch+json',
    'application/json-patch+json',
  );
  const sent = fc.record({
    method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'GET'),
    path: fc.array(segment, { maxLength: 7 }),
    query,
    type: types,
    body: fc.oneof(fc.json(), fc.string(), fc.constant('{"metadata":{"name":"a","namespace":"default"}}')),
  });
  await fc.assert(
    fc.asyncProperty(sent, async ({ method, path: parts, query: pairs, type, body }) => {
      const search = pairs.map(([key, text]) => `${key}=${text}`).join('&');
      const url = `/${parts.join('/')}?${search}&timeoutSeconds=1`;
      if (pairs.some(([key]) => key === 'watch')) return;
      const headers = { 'content-type': type };
      const answer = await ask(method === 'GET' ? { method, url } : { method, url, headers, body });
      assert.ok(answer.code >= 200 && answer.code < 500, `${answer.code} ${answer.text}`);
      if (answer.code >= 400) assert.equal((JSON.parse(answer.text) as { kind: string }).kind, 'Status');
    }),
    { numRuns: 300 },
  );
  assert.equal((await ask({ method: 'GET', url: CONFIGMAPS })).code, 200);
});
