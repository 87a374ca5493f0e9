import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import type { KubeClient } from '@podwire/kube';
import { startApiServer } from '../server.ts';
import { envelope, message } from '../testing/protobuf-encoder.ts';
import { PROTOBUF_MEDIA_TYPE } from './index.ts';

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: { readonly reason?: string; readonly message?: string };
}
type Ask = (method: string, url: string, body: Buffer) => Promise<Answer>;

async function serve(t: TestContext): Promise<{ client: KubeClient; ask: Ask }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-protobuf-'));
  const socketPath = path.join(directory, 'api.sock');
  const server = await startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
  await server.listenUnix(socketPath);
  t.after(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  const headers = { 'content-type': PROTOBUF_MEDIA_TYPE, accept: `${PROTOBUF_MEDIA_TYPE},application/json` };
  const ask: Ask = (method, url, body) =>
    new Promise((resolve, reject) => {
      const sized = { ...headers, 'content-length': body.length };
      const request = http.request(
        { socketPath, method, path: url, headers: sized, agent: false },
        async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk as Buffer);
          const { statusCode = 0, headers: answered } = response;
          const text = Buffer.concat(chunks).toString();
          resolve({ status: statusCode, type: answered['content-type'], body: JSON.parse(text) });
        },
      );
      request.on('error', reject).end(body);
    });
  return { client: server.client(), ask };
}

const PODS = '/api/v1/namespaces/default/pods';
const pod = (name: string): Buffer =>
  envelope('v1', 'Pod', message({ 1: message({ 1: name }), 2: message({ 2: message({ 1: 'c', 2: 'i' }), 10: 'n' }) }));

test('protobuf bodies create, evict and delete; answers are JSON', async (t) => {
  const { client, ask } = await serve(t);
  for (const name of ['a', 'b']) {
    const created = await ask('POST', PODS, pod(name));
    assert.deepEqual([created.status, created.type], [201, 'application/json']);
  }
  const options = message({ 1: 0 });
  const evicted = await ask(
    'POST',
    `${PODS}/a/eviction`,
    envelope('policy/v1', 'Eviction', message({ 1: message({ 1: 'a' }), 2: options })),
  );
  assert.equal(evicted.status, 201);
  assert.equal((await ask('DELETE', `${PODS}/b`, envelope('v1', 'DeleteOptions', options))).status, 200);
  // Without the grace period of zero they would still be there, terminating.
  for (const name of ['a', 'b']) assert.equal(await client.get('Pod', { namespace: 'default', name }), undefined);
});

test('what does not decode, or is of another kind, is refused with a Status and changes nothing', async (t) => {
  const { client, ask } = await serve(t);
  const hostile = envelope(
    'v1',
    'ConfigMap',
    message({ 1: message({ 1: 'a' }), 2: message({ 1: '__proto__', 2: '' }) }),
  );
  const cases: readonly (readonly [url: string, body: Buffer, why: RegExp])[] = [
    [PODS, pod('a').subarray(0, -1), /^error decoding the body as protobuf: unexpected EOF$/],
    [PODS, Buffer.from('{}'), /expected the prefix/],
    [PODS, envelope('v1', 'ConfigMap', Buffer.alloc(0)), /converting \(ConfigMap\) to \(Pod\): unknown conversion/],
    ['/api/v1/namespaces/default/configmaps', hostile, /__proto__/],
  ];
  for (const [url, body, why] of cases) {
    const answer = await ask('POST', url, body);
    assert.deepEqual([answer.status, answer.body.reason], [400, 'BadRequest']);
    assert.match(answer.body.message ?? '', why);
  }
  assert.equal((await client.list('Pod')).items.length, 0);
});
