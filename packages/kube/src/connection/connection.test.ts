import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { parsePrefix } from '@podwire/base';
import type { KubeClient } from '../client.ts';
import { createKubeClient } from '../http-client.ts';
import { createInformers } from '../informer/informers.ts';
import { findContext } from '../kubeconfig/find-context.ts';
import type { Endpoint } from './endpoint.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'podwire-connection-'));
const file = (name: string): string => path.join(directory, name);
const admin = (name: string) => ({ name, uid: name, groups: ['system:masters'], extra: {} });
const KEY = { name: 'default' };
let server: ApiServer;
let secure: Endpoint;

before(async () => {
  const tokens = { first: admin('first'), second: admin('second'), basic: admin('basic') };
  const settings = { serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] as const };
  server = await startApiServer({ ...settings, tokens });
  await server.listenUnix(file('api'));
  const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
  writeFileSync(file('config'), server.kubeconfig(`https://127.0.0.1:${port}`));
  secure = (await findContext({ file: file('config') })).endpoint;
  writeFileSync(file('ca'), secure.ca ?? '');
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function withClient<T>(endpoint: Endpoint, act: (client: KubeClient) => Promise<T>): Promise<T> {
  const client = createKubeClient(endpoint);
  try {
    return await act(client);
  } finally {
    client.close();
  }
}

const reads = (endpoint: Endpoint) =>
  withClient(endpoint, async (client) => assert.ok(await client.get('Namespace', KEY)));

/** As secure, but without its certificate. */
const nobody = (): Endpoint => ({ url: secure.url, ca: secure.ca });

async function listening<S extends net.Server>(backend: S): Promise<string> {
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(backend.address() as AddressInfo).port}`;
}

test('a certificate, in the kubeconfig or in files', async () => {
  await reads(secure);
  writeFileSync(file('cert'), secure.cert ?? '');
  writeFileSync(file('key'), secure.key ?? '', { mode: 0o600 });
  await reads({ url: secure.url, caFile: file('ca'), certFile: file('cert'), keyFile: file('key') });
  await assert.rejects(reads(nobody()), { code: 'KUBE_FORBIDDEN' });
});

test('whom to trust: an authority, a name, or anyone', async () => {
  const unknown = { code: 'KUBE_UNAVAILABLE', message: /check certificate-authority and tls-server-name/ };
  await assert.rejects(reads({ ...secure, ca: undefined }), unknown);
  await assert.rejects(reads({ ...secure, serverName: 'elsewhere.example' }), unknown);
  await reads({ ...secure, serverName: 'kubernetes.default.svc' });
  await reads({ ...secure, ca: undefined, insecure: true });
  await assert.rejects(reads({ ...secure, caFile: file('none') }), { code: 'KUBE_BAD_KUBECONFIG', message: /none/ });
});

test('a token in a file is read again when the server refuses the old one', async () => {
  writeFileSync(file('token'), 'first\n');
  await withClient({ ...nobody(), token: 'wrong', tokenFile: file('token') }, async (client) => {
    assert.ok(await client.get('Namespace', KEY));
    writeFileSync(file('token'), 'no longer good\n');
    writeFileSync(file('token'), 'second\n');
    assert.ok(await client.get('Namespace', KEY));
  });
  writeFileSync(file('token'), 'wrong');
  await withClient({ ...nobody(), tokenFile: file('token') }, async (client) => {
    await assert.rejects(client.get('Namespace', KEY), { code: 'KUBE_FORBIDDEN' });
    writeFileSync(file('token'), 'second');
    assert.ok(await client.get('Namespace', KEY));
  });
  await assert.rejects(reads({ ...nobody(), tokenFile: file('nowhere') }), { code: 'KUBE_BAD_KUBECONFIG' });
});

/** A credential plugin that writes down how often it was started and what it was told. */
function plugin(status: string, more = ''): NonNullable<Endpoint['exec']> {
  const apiVersion = 'client.authentication.k8s.io/v1';
  const lines = [
    '#!/bin/sh',
    `echo "$1 $KUBERNETES_EXEC_INFO" >> ${file('told')}`,
    more,
    `cat <<'END'\n{"apiVersion":"${apiVersion}","kind":"ExecCredential","status":${status}}\nEND`,
  ];
  writeFileSync(file('told'), '');
  writeFileSync(file('plugin'), `${lines.join('\n')}\n`);
  chmodSync(file('plugin'), 0o755);
  const command = file('plugin');
  return { apiVersion, command, args: ['$(id)'], env: {}, interactiveMode: 'Never', provideClusterInfo: true };
}

const told = (): string[] => readFileSync(file('told'), 'utf8').split('\n').filter(Boolean);

test('a plugin gives a token, which is kept until it expires', async () => {
  await withClient({ ...nobody(), exec: plugin('{"token":"first"}') }, async (client) => {
    await Promise.all([client.get('Namespace', KEY), client.list('Pod')]);
    await client.get('Namespace', KEY);
    assert.equal(told().length, 1);
    const [line = ''] = told();
    assert.ok(line.startsWith('$(id) '), 'no shell reads the arguments');
    const info = JSON.parse(line.slice(6));
    assert.deepEqual(
      [info.kind, info.spec.interactive, info.spec.cluster.server],
      ['ExecCredential', false, secure.url],
    );
  });
  const expired = plugin('{"token":"first","expirationTimestamp":"2020-01-01T00:00:00Z"}');
  await withClient({ ...nobody(), exec: expired }, async (client) => {
    await client.get('Namespace', KEY);
    await client.get('Namespace', KEY);
    assert.equal(told().length, 2);
  });
  await assert.rejects(reads({ ...nobody(), exec: plugin('{"token":"wrong"}') }), { code: 'KUBE_FORBIDDEN' });
  assert.equal(told().length, 2, 'it was asked anew after 401');
});

test('a plugin may give a certificate; what goes wrong with it is told', async () => {
  const pair = JSON.stringify({ clientCertificateData: secure.cert, clientKeyData: secure.key });
  await reads({ ...nobody(), exec: plugin(pair) });
  const refused = (exec: Endpoint['exec'], message: RegExp) =>
    assert.rejects(reads({ ...nobody(), exec }), { code: 'KUBE_EXEC', message });
  await refused(plugin('{}'), /neither a token nor a certificate/);
  await refused(plugin('{"token":"t"}', 'exit 3'), /ended with exit code 3/);
  await refused(plugin('{"token":"t"}', 'echo hello'), /printed no JSON/);
  await refused(plugin('{"token":"t","expirationTimestamp":"soon"}'), /which is no time/);
  await refused({ ...plugin('{}'), apiVersion: 'client.authentication.k8s.io/v1beta1' }, /make them equal/);
  await refused({ ...plugin('{}'), command: 'no-such-login', installHint: 'Get it.' }, /not found.*Get it\./s);
});

test('somebody else may be acted as', async () => {
  const impersonate = { user: 'jane', groups: ['dev', 'ops'], extra: { 'example.org/why': ['test'] } };
  await withClient({ ...secure, impersonate }, (client) =>
    assert.rejects(client.list('Pod'), { code: 'KUBE_FORBIDDEN', message: /User "jane" cannot list resource "pods"/ }),
  );
});

test('through a proxy, by CONNECT', async (t) => {
  const asked: string[] = [];
  const proxy = http.createServer();
  proxy.on('connect', (request, socket: net.Socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
    const upstream = net.connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const one of [upstream, socket]) one.on('error', () => one.destroy());
  });
  t.after(() => proxy.close());
  await reads({ ...secure, proxyUrl: `http://me:pass@${await listening(proxy)}` });
  assert.deepEqual(asked, [`${new URL(secure.url ?? '').host} Basic ${Buffer.from('me:pass').toString('base64')}`]);
  const refusing = http.createServer();
  refusing.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  t.after(() => refusing.close());
  const proxyUrl = `http://${await listening(refusing)}`;
  await assert.rejects(reads({ ...secure, proxyUrl }), {
    code: 'KUBE_UNAVAILABLE',
    message: /answered 403 to CONNECT/,
  });
});

/** To the API server's socket, in HTTP/1.1, below a path. */
function forward(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { method, url = '', headers } = request;
  assert.ok(url.startsWith('/k8s/'));
  const options = { socketPath: file('api'), method, path: url.slice(4), headers, agent: false };
  const upstream = http.request(options, (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}

test('a server that speaks only HTTP/1.1, with and without TLS, below a path', async (t) => {
  const backends = {
    http: http.createServer(forward),
    https: https.createServer({ cert: secure.cert, key: secure.key }, forward),
  };
  for (const [scheme, backend] of Object.entries(backends)) {
    t.after(() => {
      backend.close();
      backend.closeAllConnections();
    });
    const url = `${scheme}://${await listening(backend)}/k8s/`;
    await withClient({ url, insecure: true }, async (client) => {
      const informers = createInformers(client);
      await Promise.all([informers.of('ConfigMap').synced, informers.of('Namespace').synced]);
      const { promise, resolve } = Promise.withResolvers<void>();
      const name = `over-${scheme}`;
      informers.of('ConfigMap').subscribe(({ object }) => object.metadata?.name === name && resolve());
      await client.create('ConfigMap', { metadata: { namespace: 'default', name } });
      await promise;
      informers.stop();
      assert.equal(await client.delete('ConfigMap', { namespace: 'default', name }), true);
    });
  }
});

test('a request ends when its caller gives up, also before there is a connection', async (t) => {
  const silent = net.createServer((socket) => void socket.on('error', () => {}).resume());
  t.after(() => silent.close());
  const url = `https://${await listening(silent)}`;
  await withClient({ url, timeouts: { connect: 60_000 } }, async (client) => {
    const stop = new AbortController();
    const asking = client.list('Pod', { signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(asking, /enough/);
  });
  await withClient({ url, timeouts: { connect: 50 } }, (client) =>
    assert.rejects(client.get('Namespace', KEY), { code: 'KUBE_UNAVAILABLE', message: /no connection within 0.05 s/ }),
  );
});
