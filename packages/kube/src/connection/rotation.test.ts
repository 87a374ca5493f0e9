import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { startApiServer } from '@podwire/apiserver';
import { createKubeClient } from '../http-client.ts';
import { findContext } from '../kubeconfig/find-context.ts';
import type { Endpoint } from './endpoint.ts';

const KEY = { name: 'default' };
const NAMESPACE = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: KEY });
const UNAUTHORIZED = JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 401 });

function directoryOf(t: TestContext): (name: string) => string {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-rotation-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return (name) => path.join(directory, name);
}

function clientOf(t: TestContext, endpoint: Endpoint) {
  const client = createKubeClient(endpoint);
  t.after(() => client.close());
  return client;
}

async function listening(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** An API server, and how its administrator gets in. */
async function apiServer(t: TestContext, configFile: string) {
  const server = await startApiServer();
  t.after(() => server.close());
  const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
  writeFileSync(configFile, server.kubeconfig(`https://127.0.0.1:${port}`), { mode: 0o600 });
  return { server, port, endpoint: (await findContext({ file: configFile })).endpoint };
}

test('a client certificate that was rotated is shown when the old one is refused', async (t) => {
  const file = directoryOf(t);
  const [first, second] = [await apiServer(t, file('a')), await apiServer(t, file('b'))].map((one) => one.endpoint);
  assert.ok(first?.cert && first.key && second?.cert && second.key);
  let accepted = new X509Certificate(first.cert).fingerprint256;
  let connections = 0;
  const settings = { cert: first.cert, key: first.key, requestCert: true, rejectUnauthorized: false };
  const backend = https.createServer(settings, (request, response) => {
    const { fingerprint256 } = (request.socket as TLSSocket).getPeerCertificate();
    response.statusCode = fingerprint256 === accepted ? 200 : 401;
    response.end(response.statusCode === 200 ? NAMESPACE : UNAUTHORIZED);
  });
  backend.on('secureConnection', () => connections++);
  const url = `https://127.0.0.1:${await listening(t, backend)}`;
  const write = ({ cert = '', key = '' }: Endpoint) => {
    writeFileSync(file('cert'), cert);
    writeFileSync(file('key'), key, { mode: 0o600 });
  };
  write(first);
  const client = clientOf(t, { url, insecure: true, certFile: file('cert'), keyFile: file('key') });
  assert.ok(await client.get('Namespace', KEY));
  write(second);
  accepted = new X509Certificate(second.cert).fingerprint256;
  const before = connections;
  assert.ok(await client.get('Namespace', KEY));
  assert.ok(connections > before);
  accepted = 'nobody';
  await assert.rejects(client.get('Namespace', KEY), { code: 'KUBE_FORBIDDEN' });
});

test('an authority that was rotated is trusted from the next connection on', async (t) => {
  const file = directoryOf(t);
  const [first, second] = [await apiServer(t, file('a')), await apiServer(t, file('b'))];
  let behind = first.port;
  const gateway = net.createServer((socket) => {
    const onward = net.connect(behind, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  const url = `https://127.0.0.1:${await listening(t, gateway)}`;
  writeFileSync(file('ca'), first.endpoint.ca ?? '');
  const client = clientOf(t, { url, caFile: file('ca'), token: 'unknown' });
  await assert.rejects(client.get('Namespace', KEY), { code: 'KUBE_FORBIDDEN' });
  behind = second.port;
  await first.server.close();
  const untrusted = { code: 'KUBE_UNAVAILABLE', message: /check certificate-authority/ };
  await assert.rejects(client.get('Namespace', KEY), untrusted);
  writeFileSync(file('ca'), second.endpoint.ca ?? '');
  await assert.rejects(client.get('Namespace', KEY), { code: 'KUBE_FORBIDDEN' });
});

test('a name and a password, and a plugin of v1beta1', async (t) => {
  const file = directoryOf(t);
  const seen: (string | undefined)[] = [];
  const backend = http.createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end(NAMESPACE);
  });
  const url = `http://127.0.0.1:${await listening(t, backend)}`;
  assert.ok(await clientOf(t, { url, username: 'jane', password: 'a:b' }).get('Namespace', KEY));
  const apiVersion = 'client.authentication.k8s.io/v1beta1';
  const answer = JSON.stringify({ apiVersion, kind: 'ExecCredential', status: { token: 'given' } });
  writeFileSync(file('login'), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o700 });
  const plugin = { apiVersion, command: file('login'), args: [], env: {}, provideClusterInfo: false };
  const exec = { ...plugin, interactiveMode: 'IfAvailable' } as const;
  assert.ok(await clientOf(t, { url, exec }).get('Namespace', KEY));
  assert.deepEqual(seen, [`Basic ${Buffer.from('jane:a:b').toString('base64')}`, 'Bearer given']);
});
