import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { startApiServer } from './server.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'podwire-metrics-'));
const socketPath = path.join(directory, 'api');
const server = await startApiServer({
  tokens: { prometheus: { name: 'prometheus', groups: [] }, nobody: { name: 'nobody', groups: [] } },
});
await server.listenUnix(socketPath, { tokens: true });
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});
await server.client().create('ClusterRoleBinding', {
  metadata: { name: 'prometheus' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:monitoring' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'prometheus' }],
});

function ask(token: string, url: string, method = 'GET'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    http.request({ socketPath, path: url, method, headers, agent: false }, resolve).on('error', reject).end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

test('metrics are for those whose role names the path', async () => {
  for (const [token, status] of [
    ['prometheus', 200],
    ['nobody', 403],
    ['unknown', 401],
  ] as const) {
    const response = await ask(token, '/metrics');
    await textOf(response);
    assert.equal(response.statusCode, status, token);
  }
});

test('Prometheus reads requests, watches, objects and the process', async () => {
  assert.equal((await ask('nobody', '/api/v1/namespaces/default/pods')).resume().statusCode, 403);
  await server.client().create('ConfigMap', { metadata: { name: 'a', namespace: 'default' } });
  const response = await ask('prometheus', '/metrics');
  assert.match(String(response.headers['content-type']), /^text\/plain; version=0\.0\.4/);
  // A request is counted when its answer has ended, which its client may know sooner.
  const refused = /^apiserver_request_total\{verb="LIST",.*resource="pods",.*scope="namespace",.*code="403"\} 1$/m;
  const deadline = Date.now() + 60_000;
  let text = await textOf(response);
  while (!refused.test(text) && Date.now() < deadline) text = await textOf(await ask('prometheus', '/metrics'));
  assert.match(text, refused);
  for (const line of [
    '# TYPE apiserver_request_total counter',
    '# TYPE apiserver_request_duration_seconds histogram',
    '# TYPE apiserver_longrunning_requests gauge',
    'apiserver_storage_objects{resource="clusterrolebindings.rbac.authorization.k8s.io"}',
    'process_resident_memory_bytes',
  ])
    assert.ok(text.includes(line), line);
  assert.match(text, /^apiserver_request_duration_seconds_bucket\{.*resource="pods",.*le="\+Inf"\} 1$/m);
  assert.match(text, /^apiserver_storage_objects\{resource="configmaps"\} \d+$/m);
  assert.match(text, /^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m);
  assert.match(text, /^podwire_apiserver_revision \d+$/m);
});
