import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { FakePods } from '../testing/fake-pods.ts';
import { auditLines, restBench } from './rest.fixture.ts';

const SPDY = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' };
const WEBSOCKET = { upgrade: 'websocket', 'sec-websocket-protocol': 'v5.channel.k8s.io' };

/** The status of the answer to an upgrade. */
function upgrade(socketPath: string, url: string, headers: http.OutgoingHttpHeaders): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const all = { connection: 'Upgrade', ...headers };
  const request = http.request({ socketPath, method: 'GET', path: url, headers: all, agent: false });
  request.on('response', (response) => {
    response.resume().on('end', () => resolve(response.statusCode));
  });
  request.on('upgrade', ({ statusCode }, socket) => {
    socket.on('error', () => {}).destroy();
    resolve(statusCode);
  });
  request.on('error', reject).end();
  return promise;
}

test('an upgrade is audited as what was answered', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-upgrade-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const site = http.createServer();
  site.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  t.after(() => site.close());
  const { port } = site.address() as AddressInfo;
  const auditFile = path.join(directory, 'audit');
  const { client, socketPath } = await restBench(t, { auditFile, streams: new FakePods() });
  const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] };
  await client.create('Pod', { metadata: { name: 'p' }, spec });
  await client.patch('Pod', { name: 'p' }, { status: { podIP: '10.1.0.5' } }, { subresource: 'status' });
  await client.create('Pod', { metadata: { name: 'new' }, spec: { ...spec, nodeName: '' } });
  const at = '/api/v1/namespaces/default/pods';
  const asked: readonly (readonly [url: string, headers: http.OutgoingHttpHeaders, status: number])[] = [
    ['p/exec', SPDY, 400],
    ['p/exec?command=ls', { upgrade: 'SPDY/3.1' }, 403],
    ['p/exec?command=ls', { ...WEBSOCKET, 'sec-websocket-key': 'short' }, 400],
    ['new/attach', WEBSOCKET, 400],
    ['new/portforward', WEBSOCKET, 400],
    ['p/portforward', WEBSOCKET, 403],
    ['none/exec?command=ls', SPDY, 404],
    [`p:${port}/proxy/`, WEBSOCKET, 418],
    ['p:1/proxy/', WEBSOCKET, 503],
    ['p/exec?command=ls&stdout=1', SPDY, 101],
  ];
  for (const [url, headers, status] of asked)
    assert.equal(await upgrade(socketPath, `${at}/${url}`, headers), status, url);
  const lines = await auditLines(auditFile, /"status":101/, asked.length);
  const statuses = lines.map((line) => (JSON.parse(line) as { status: number }).status);
  assert.deepEqual(statuses.sort(), asked.map(([, , status]) => status).sort());
});
