import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { parse } from 'yaml';
import { kubeconfigText } from './kubeconfig.ts';
import { openPki } from './pki.ts';

const NAMES = ['localhost', 'kubernetes.default.svc', '127.0.0.1', 'fd00::1'];

test('client and server with these certificates trust each other', async () => {
  const pki = await openPki({ names: NAMES });
  const server = tls.createServer({ ca: pki.ca, ...pki.serving, requestCert: true, rejectUnauthorized: true });
  server.on('secureConnection', (socket) => socket.end(socket.getPeerCertificate().subject.CN));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = tls.connect({ host: '127.0.0.1', port, ca: pki.ca, ...pki.admin });
  const [data] = (await once(client, 'data')) as [Buffer];
  assert.equal(data.toString(), 'kubernetes-admin');
  client.destroy();
  server.close();
});

test('certificates say what they are for', async () => {
  const pki = await openPki({ names: NAMES });
  const ca = new X509Certificate(pki.ca);
  const serving = new X509Certificate(pki.serving.cert);
  const admin = new X509Certificate(pki.admin.cert);
  assert.ok(ca.ca && ca.verify(ca.publicKey) && serving.verify(ca.publicKey) && admin.verify(ca.publicKey));
  assert.ok(!serving.ca);
  assert.equal(
    serving.subjectAltName,
    'DNS:localhost, DNS:kubernetes.default.svc, IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:0:1',
  );
  assert.match(admin.subject, /O=system:masters\nCN=kubernetes-admin/);
  assert.deepEqual(admin.keyUsage, ['1.3.6.1.5.5.7.3.2']);
});

test('kept over a restart in files for the owner only; a new name makes a new serving certificate', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'podwire-pki-'));
  t.after(() => rm(directory, { recursive: true }));
  const first = await openPki({ directory, names: NAMES });
  assert.deepEqual(await openPki({ directory, names: NAMES }), first);
  const more = await openPki({ directory, names: [...NAMES, '172.30.0.1'] });
  assert.equal(more.ca, first.ca);
  assert.deepEqual(more.admin, first.admin);
  assert.notEqual(more.serving.cert, first.serving.cert);
  assert.equal((await stat(join(directory, 'pki.json'))).mode & 0o777, 0o600);
});

test('the kubeconfig names server, authority and user', async () => {
  const pki = await openPki({ names: NAMES });
  const text = kubeconfigText({ url: 'https://127.0.0.1:6443', name: 'lab', pki });
  assert.match(text, /server: https:\/\/127\.0\.0\.1:6443/);
  assert.match(text, /current-context: lab/);
});

test('names and addresses are in the kubeconfig as they are, whatever they look like', async () => {
  const pki = await openPki({ names: ['localhost'] });
  for (const name of ['lab', 'yes', '1', '0x1f', '1e3', 'a: b', '# x', 'it "is"', 'null', '-', '', 'ä', 'Lab']) {
    const url = 'https://[fd00::1]:6443';
    const config = parse(kubeconfigText({ url, name, pki }), { version: '1.1' });
    const { cert, key } = pki.admin;
    const base64 = (pem: string) => Buffer.from(pem).toString('base64');
    const user = `${name}-admin`;
    assert.deepEqual(config, {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server: url, 'certificate-authority-data': base64(pki.ca) } }],
      users: [{ name: user, user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
      contexts: [{ name, context: { cluster: name, user } }],
      'current-context': name,
    });
  }
});
