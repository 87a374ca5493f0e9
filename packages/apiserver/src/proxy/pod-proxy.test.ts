import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { type ApiServer, startApiServer } from '../server.ts';
import { openPki } from '../surface/index.ts';
import { FakePods } from '../testing/fake-pods.ts';

interface Reply {
  readonly code: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

interface Bench {
  readonly server: ApiServer;
  readonly socketPath: string;
  ask(line: string, headers?: http.OutgoingHttpHeaders, body?: string): Promise<Reply>;
}

const TOKENS = { root: { name: 'root', groups: ['system:masters'] }, jane: { name: 'jane', groups: [] } };
const AS_ROOT = { 'impersonate-user': 'root', 'impersonate-group': 'system:masters' };
const AT = '/api/v1/namespaces/default';

async function bench(t: TestContext, streams = new FakePods()): Promise<Bench> {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-proxy-'));
  const socketPath = path.join(directory, 'api.sock');
  const server = await startApiServer({ streams, tokens: TOKENS });
  await server.listenUnix(socketPath, { tokens: true });
  t.after(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { server, socketPath, ask: (line, headers, body) => ask(socketPath, line, headers, body) };
}

async function ask(
  socketPath: string,
  line: string,
  headers: http.OutgoingHttpHeaders = {},
  body = '',
): Promise<Reply> {
  const [method, url] = line.split(' ');
  const all = { authorization: 'Bearer root', ...headers };
  const request = http.request({ socketPath, method, path: url, headers: all, agent: false });
  const [answer] = (await once(request.end(body), 'response')) as [http.IncomingMessage];
  const text = Buffer.concat(await answer.toArray()).toString();
  return { code: answer.statusCode ?? 0, headers: answer.headers, text };
}

const messageOf = ({ text }: Reply): string => (JSON.parse(text) as { message: string }).message;

/** What the program in the pod does; resolves with its port. */
async function program<T extends Server>(t: TestContext, server: T): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A Service `web` with a port 80 called http, and a pod behind it. */
async function world({ server }: Bench, port: number, ip = '10.1.0.5'): Promise<void> {
  const client = server.client();
  const containers = [{ name: 'a', image: 'a', ports: [{ containerPort: port }] }];
  const pod = await client.create('Pod', { metadata: { name: 'a' }, spec: { nodeName: 'n', containers } });
  await client.patch('Pod', { name: 'a' }, { status: { podIP: '10.1.0.5' } }, { subresource: 'status' });
  await client.create('Service', { metadata: { name: 'web' }, spec: { ports: [{ name: 'http', port: 80 }] } });
  await client.create('Service', { metadata: { name: 'empty' }, spec: { ports: [{ port: 80 }] } });
  const targetRef = { kind: 'Pod', name: 'a', namespace: 'default', uid: pod.metadata?.uid ?? '' };
  await client.create('EndpointSlice', {
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [ip], targetRef }],
    ports: [{ name: 'http', port }],
  });
}

test('requests reach pods as they were sent, and answers come back', async (t) => {
  const seen: object[] = [];
  const echo = http.createServer(async (request, response) => {
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body: Buffer.concat(await request.toArray()).toString() });
    response.writeHead(202, { 'x-one': '1', 'set-cookie': ['a=1', 'b=2'], connection: 'close, x-hop', 'x-hop': '1' });
    response.end('x'.repeat(200_000));
  });
  const one = await bench(t);
  const port = await program(t, echo);
  await world(one, port);
  const urls = ['services/web:http', 'services/http:web:80', 'services/http:web:http', 'pods/a', `pods/http:a:${port}`];
  for (const url of urls) {
    const sent = { 'x-kept': 'yes', 'x-drop': '1', connection: 'x-drop', ...AS_ROOT, te: 'trailers' };
    const reply = await one.ask(`POST ${AT}/${url}/proxy/a%2Fb/c/?q=%20+1&q`, sent, 'body');
    assert.equal(reply.code, 202, reply.text);
    assert.equal(reply.text.length, 200_000);
    assert.deepEqual([reply.headers['x-one'], reply.headers['set-cookie']], ['1', ['a=1', 'b=2']]);
    assert.equal(reply.headers['x-hop'], undefined);
    const { headers, ...rest } = seen.pop() as { headers: http.IncomingHttpHeaders };
    assert.deepEqual(rest, { method: 'POST', url: '/a%2Fb/c/?q=%20+1&q', body: 'body' });
    assert.equal(headers['x-kept'], 'yes');
    assert.equal(headers['x-forwarded-uri'], `${AT}/${url}/proxy/a%2Fb/c/`);
    for (const name of ['authorization', 'x-drop', 'impersonate-user', 'te'])
      assert.equal(headers[name], undefined, name);
  }
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    assert.equal((await one.ask(`${method} ${AT}/pods/a/proxy/`)).code, 202, method);
    assert.equal((seen.pop() as { method: string }).method, method);
  }
  const bare = await one.ask(`GET ${AT}/services/web:http/proxy?a=b`);
  assert.deepEqual([bare.code, bare.headers.location], [301, `${AT}/services/web:http/proxy/?a=b`]);
  // What leads out of the proxy is another path, with other roles.
  assert.equal(
    JSON.parse((await one.ask(`GET ${AT}/services/web:http/proxy/../../../secrets`)).text).kind,
    'SecretList',
  );
  assert.deepEqual(seen, []);
});

test('redirections of a pod lead through the proxy, also over TLS', async (t) => {
  const { serving } = await openPki({ names: ['pod'] });
  const one = await bench(t);
  const site = https.createServer(serving, (request, response) => {
    const location = request.url === '/own' ? `https://${request.headers.host}/there?x` : '/there';
    response.writeHead(302, { location: request.url === '/far' ? 'https://example.com/' : location }).end();
  });
  const port = await program(t, site);
  await world(one, port);
  const at = `${AT}/pods/https:a:${port}/proxy`;
  const locations = await Promise.all(
    ['/', '/own', '/far'].map(async (url) => (await one.ask(`GET ${at}${url}`, { host: 'api' })).headers.location),
  );
  assert.deepEqual(locations, [`${at}/there`, `${at}/there?x`, 'https://example.com/']);
});

test('only pods are reached, and what is not there is told in the words of Kubernetes', async (t) => {
  const one = await bench(t);
  const hits: string[] = [];
  const port = await program(
    t,
    http.createServer((request, response) => response.end(String(hits.push(request.url ?? '')))),
  );
  await world(one, port, '169.254.169.254');
  const client = one.server.client();
  await client.create('Node', { metadata: { name: 'n' } });
  await client.create('EndpointSlice', {
    metadata: { name: 'empty-1', labels: { 'kubernetes.io/service-name': 'empty' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.5'] }],
    ports: [{ port }],
  });
  const spec = { containers: [{ name: 'a', image: 'a' }] };
  await client.create('Pod', { metadata: { name: 'new' }, spec });
  const unavailable: readonly (readonly [what: string, code: number, message: string])[] = [
    ['services/nope', 404, 'services "nope" not found'],
    ['services/http:web:80', 503, 'no endpoints available for service "http:web:80"'],
    ['services/empty', 503, 'no endpoints available for service "empty"'],
    ['services/web:81', 503, 'no service port 81 found for service "web"'],
    ['services/ftp:web:80', 400, 'invalid service request "ftp:web:80"'],
    ['services/a:b:c:d', 400, 'invalid service request "a:b:c:d"'],
    ['pods/nope', 404, 'pods "nope" not found'],
    ['pods/new', 400, 'address not allowed'],
    ['pods/a:0', 400, 'invalid pod request: "0" is no port'],
    ['pods/a:99999', 400, 'invalid pod request: "99999" is no port'],
  ];
  for (const [what, code, message] of unavailable) {
    const reply = await one.ask(`GET ${AT}/${what}/proxy/`);
    assert.deepEqual([reply.code, messageOf(reply)], [code, message]);
  }
  assert.equal((await one.ask(`TRACE ${AT}/pods/a/proxy/`)).code, 405);
  assert.deepEqual(hits, []);
  assert.equal((await one.ask(`GET ${AT}/pods/a/proxy/x`)).text, '1');

  // Nobody listens at port 1.
  const refused = await one.ask(`GET ${AT}/pods/a:1/proxy/`);
  const dial = 'dial tcp 10.1.0.5:1: connect: connection refused';
  assert.deepEqual([refused.code, messageOf(refused)], [503, `error trying to reach service: ${dial}`]);
});

test('a pod that hangs up is told as well', async (t) => {
  const one = await bench(t);
  const rude = http.createServer((request) => request.socket.destroy());
  await world(one, await program(t, rude));
  const reply = await one.ask(`GET ${AT}/services/web:80/proxy/`);
  assert.equal(reply.code, 503);
  assert.match(messageOf(reply), /^error trying to reach service: socket hang up/);
});

test('answers that cannot be passed on, and pods that break off, end their exchange only', async (t) => {
  const one = await bench(t);
  const lines = ['099 No', '101 Switching Protocols', '200 OK'];
  const wild = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(`HTTP/1.1 ${lines.shift()}\r\nContent-Length: 9\r\n\r\nabc`, () => socket.resetAndDestroy());
    });
  });
  await world(one, await program(t, wild));
  const codes: number[] = [];
  for (let left = lines.length; left > 0; left--) {
    const outcome = await one.ask(`GET ${AT}/services/web:80/proxy/`).catch(() => undefined);
    if (outcome) codes.push(outcome.code);
  }
  assert.deepEqual(codes, [503, 503]);
  assert.equal((await one.ask(`GET ${AT}/pods/a`)).code, 200);
});

test('roles say who may send what', async (t) => {
  const one = await bench(t);
  await world(
    one,
    await program(
      t,
      http.createServer((_request, response) => response.end('hello')),
    ),
  );
  const jane = { authorization: 'Bearer jane' };
  const url = `${AT}/services/http:web:80/proxy/a`;
  const refused = await one.ask(`GET ${url}?watch=true`, jane);
  assert.equal(refused.code, 403);
  const why = 'User "jane" cannot get resource "services/proxy" in API group "" in the namespace "default"';
  assert.equal(messageOf(refused), `services "http:web:80" is forbidden: ${why}`);
  const client = one.server.client();
  const rules = [{ apiGroups: [''], resources: ['services/proxy'], verbs: ['get'], resourceNames: ['http:web:80'] }];
  await client.create('Role', { metadata: { name: 'r', namespace: 'default' }, rules });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
  const subjects = [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }];
  await client.create('RoleBinding', { metadata: { name: 'r', namespace: 'default' }, roleRef, subjects });
  assert.equal((await one.ask(`GET ${url}`, jane)).text, 'hello');
  assert.match(messageOf(await one.ask(`POST ${url}`, jane)), /cannot create resource "services\/proxy"/);
  assert.equal((await one.ask(`GET ${AT}/services/web:80/proxy/`, jane)).code, 403);
});

test('WebSockets go through, and nothing else after a no', async (t) => {
  const one = await bench(t);
  const site = http.createServer((_request, response) => response.end('plain'));
  const sockets = new WebSocketServer({ noServer: true });
  site.on('upgrade', (request, socket, head) => {
    if (request.url !== '/chat?x=1') return socket.end('HTTP/1.1 418 No\r\nContent-Length: 3\r\n\r\nno!');
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data) => client.send(`${request.headers.authorization} ${data}`));
    });
  });
  await world(one, await program(t, site));
  const connect = (url: string, token: string) =>
    new WebSocket(`ws+unix://${one.socketPath}:${url}`, { headers: { authorization: `Bearer ${token}` } });
  const chat = connect(`${AT}/pods/a/proxy/chat?x=1`, 'root');
  await once(chat, 'open');
  chat.send('hello');
  assert.equal(String((await once(chat, 'message'))[0]), 'undefined hello');
  chat.close();
  const outcome = async (url: string, token = 'root') => {
    const [, answer] = (await once(connect(url, token), 'unexpected-response')) as [unknown, http.IncomingMessage];
    return `${answer.statusCode} ${Buffer.concat(await answer.toArray()).toString()}`;
  };
  assert.equal(await outcome(`${AT}/pods/a/proxy/other`), '418 no!');
  assert.match(await outcome(`${AT}/pods/a/proxy/chat?x=1`, 'jane'), /^403 .*pods\/proxy/);
  assert.match(await outcome(`${AT}/services/empty/proxy/`), /^503 .*no endpoints available/);
});
