import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { auditLines, restBench } from '../../core/rest.fixture.ts';
import { FakePods } from '../../testing/fake-pods.ts';
import { configure, patchOf, type WebhookServer, webhookServer } from './webhook-server.fixture.ts';

const ALL = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['pods/*', 'deployments/scale'] };
const PODS = '/api/v1/namespaces/default/pods';
type Request = WebhookServer['requests'][number];

/** A pod `web`, a deployment `web`, and who is asked about what is below them. */
async function below(t: TestContext, kind: 'mutating' | 'validating', answer: (request: Request) => object) {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-webhooks-'));
  const auditFile = path.join(directory, 'audit');
  const bench = await restBench(t, { directory, auditFile, streams: new FakePods() });
  t.after(() => rmSync(directory, { recursive: true }));
  const hook = await webhookServer(t, answer);
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'web' }] } };
  const metadata = { name: 'web', namespace: 'default' };
  await bench.client.create('Pod', { metadata, spec: template.spec });
  await bench.client.create('Deployment', { metadata, spec: { selector: { matchLabels: labels }, template } });
  await configure(bench, kind, { clientConfig: hook.clientConfig(), rules: [ALL] });
  return { ...bench, hook, auditFile };
}

/** The status and body of the answer to an upgrade that is refused. */
async function upgrade(socketPath: string, url: string): Promise<{ code: number | undefined; body: string }> {
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' };
  const answered = Promise.withResolvers<http.IncomingMessage>();
  const request = http.request({ socketPath, method: 'POST', path: url, headers, agent: false });
  request.on('response', answered.resolve).on('error', answered.reject).end();
  const response = await answered.promise;
  return { code: response.statusCode, body: (await response.toArray()).join('') };
}

test('bindings, evictions, scales and connections are seen as objects of their own', async (t) => {
  const status = { message: 'no' };
  const auditAnnotations = { seen: 'yes' };
  const { ask, socketPath, hook, auditFile } = await below(t, 'validating', ({ operation, object }) => {
    const isRefused = operation === 'CONNECT' || object.spec?.replicas === 9;
    return { allowed: !isRefused, status, warnings: ['seen'], auditAnnotations };
  });
  const target = { kind: 'Node', name: 'n' };
  const bound = await ask(`POST ${PODS}/web/binding`, { apiVersion: 'v1', kind: 'Binding', target });
  assert.equal(bound.code, 201, bound.text);
  assert.match(bound.warnings.join(), /seen/);
  const scale = '/apis/apps/v1/namespaces/default/deployments/web/scale';
  assert.equal((await ask(`PATCH ${scale}`, { spec: { replicas: 9 } })).code, 400);
  assert.equal((await ask(`PATCH ${scale}`, { spec: { replicas: 2 } })).body.spec.replicas, 2);
  const refused = await upgrade(socketPath, `${PODS}/web/exec?command=ls&command=-l&stdout=1&container=main`);
  assert.equal(refused.code, 400);
  assert.match(refused.body, /admission webhook \\"a.example.com\\" denied the request: no/);
  const evicted = await ask(`POST ${PODS}/web/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction' });
  assert.equal(evicted.code, 201, evicted.text);
  const seen = hook.requests.map(({ operation, kind, resource, subResource, name, object }) => [
    ...[operation, kind.kind, kind.group, resource.resource, subResource, name, object.kind],
  ]);
  assert.deepEqual(seen, [
    ['CREATE', 'Binding', '', 'pods', 'binding', 'web', 'Binding'],
    ['UPDATE', 'Scale', 'autoscaling', 'deployments', 'scale', 'web', 'Scale'],
    ['UPDATE', 'Scale', 'autoscaling', 'deployments', 'scale', 'web', 'Scale'],
    ['CONNECT', 'PodExecOptions', '', 'pods', 'exec', 'web', 'PodExecOptions'],
    ['CREATE', 'Eviction', 'policy', 'pods', 'eviction', 'web', 'Eviction'],
  ]);
  const { stdout, container, command } = hook.requests[3].object;
  assert.deepEqual({ stdout, container, command }, { stdout: true, container: 'main', command: ['ls', '-l'] });
  await auditLines(auditFile, /"annotations":\{"a.example.com\/seen":"yes"\}/);
});

test('a patch of a scale begins again when its object is changed while webhooks are asked', async (t) => {
  const scale = 'deployments/web/scale';
  const at = '/apis/apps/v1/namespaces/default';
  let changes = 0;
  const bench = await below(t, 'validating', async () => {
    if (changes++ === 0) await bench.client.patch('Deployment', { name: 'web' }, { metadata: { labels: { a: 'b' } } });
    return { allowed: true };
  });
  const { ask, hook } = bench;
  const patched = await ask(`PATCH ${at}/${scale}`, { spec: { replicas: 3 } });
  assert.deepEqual([patched.code, patched.body.spec.replicas, hook.requests.length], [200, 3, 2], patched.text);
  const old = (await ask(`GET ${at}/${scale}`)).body;
  changes = 0;
  await bench.client.patch('Deployment', { name: 'web' }, { metadata: { labels: { a: 'c' } } });
  assert.equal((await ask(`PUT ${at}/${scale}`, { ...old, spec: { replicas: 1 } })).code, 409);
  const stale = { metadata: { resourceVersion: old.metadata.resourceVersion }, spec: { replicas: 1 } };
  assert.equal((await ask(`PATCH ${at}/${scale}`, stale)).code, 409);
});

test('a scale is not written while its object is changed each time webhooks are asked', async (t) => {
  const at = '/apis/apps/v1/namespaces/default/deployments/web/scale';
  let changes = 0;
  const { ask, client } = await below(t, 'validating', async () => {
    await client.patch('Deployment', { name: 'web' }, { metadata: { labels: { change: String(++changes) } } });
    return { allowed: true };
  });
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas: 5 } };
  const put = await ask(`PUT ${at}`, scale);
  assert.deepEqual([put.code, put.body.reason], [409, 'Conflict']);
  assert.equal((await ask(`GET ${at}`)).body.spec.replicas, 1);
});

test('a mutating webhook changes a scale and a binding', async (t) => {
  const patches: Readonly<Record<string, object>> = {
    Scale: patchOf({ op: 'replace', path: '/spec/replicas', value: 4 }),
    Binding: patchOf({ op: 'replace', path: '/target/name', value: 'other' }),
  };
  const { ask, client } = await below(t, 'mutating', ({ kind }) => patches[kind.kind] ?? { allowed: true });
  const scaled = await ask('PATCH /apis/apps/v1/namespaces/default/deployments/web/scale', { spec: { replicas: 2 } });
  assert.equal(scaled.body.spec.replicas, 4);
  const metadata = { name: 'own', namespace: 'default' };
  await client.create('Pod', { metadata, spec: { containers: [{ name: 'main', image: 'web' }] } });
  await client.bind(metadata, 'n');
  await ask(`POST ${PODS}/web/binding`, { apiVersion: 'v1', kind: 'Binding', target: { kind: 'Node', name: 'n' } });
  for (const name of ['web', 'own']) assert.equal((await ask(`GET ${PODS}/${name}`)).body.spec.nodeName, 'other');
});
