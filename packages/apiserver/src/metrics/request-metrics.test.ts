import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedFor } from '../core/http-request.ts';
import { KindRegistry } from '../core/kind-registry.ts';
import { parseResourcePath } from '../core/request-path.ts';
import { requestLabels } from './request-labels.ts';
import { RequestMetrics } from './request-metrics.ts';

const kinds = new KindRegistry();
const asked = (text: string) => {
  const [method, url] = text.split(' ');
  return askedFor({ method, url } as Parameters<typeof askedFor>[0], (path) => parseResourcePath(kinds, path));
};

test('requests are told apart by verb, resource and scope', () => {
  const expected: Record<string, string> = {
    'GET /api/v1/pods': 'LIST||v1|pods||cluster',
    'GET /api/v1/namespaces/a/pods?watch=1': 'WATCH||v1|pods||namespace',
    'GET /api/v1/namespaces/a/pods/x': 'GET||v1|pods||resource',
    'GET /api/v1/namespaces/a/pods/x/exec?command=a': 'CONNECT||v1|pods|exec|resource',
    'POST /apis/apps/v1/namespaces/a/deployments?dryRun=All': 'POST|All|apps|v1|deployments||resource',
    'PATCH /apis/apps/v1/namespaces/a/deployments/x/status': 'PATCH|apps|v1|deployments|status|resource',
    'DELETE /api/v1/nodes': 'DELETECOLLECTION||v1|nodes||cluster',
    'GET /healthz': 'GET|||||',
  };
  for (const [request, text] of Object.entries(expected)) {
    const { verb, dry_run, group, version, resource, subresource, scope } = requestLabels(asked(request));
    const parts = dry_run ? [verb, dry_run] : [verb];
    assert.equal([...parts, group, version, resource, subresource, scope].join('|'), text, request);
  }
});

test('clients cannot make up labels', () => {
  const hostile = ['BREW /pot', 'GET /apis/made.up/v1/things', 'GET /api/v1/namespaces/a/pods/x/made-up', 'GET /%'];
  const labels = hostile.map((request) => requestLabels(asked(request)));
  assert.deepEqual([...new Set(labels.map(({ verb }) => verb))], ['other', 'GET']);
  assert.deepEqual([...new Set(labels.map(({ resource }) => resource))], ['', 'pods']);
  assert.ok(labels.every(({ subresource }) => subresource === ''));
});

test('requests are counted by code while and after they run', () => {
  const metrics = new RequestMetrics();
  const total = (name: string, code?: string) =>
    metrics
      .families()
      .find((family) => family.name === name)
      ?.samples()
      .filter(({ labels }) => code === undefined || labels.code === code)
      .reduce((sum, { value }) => sum + value, 0);
  const list = metrics.begin(asked('GET /api/v1/pods'));
  const watch = metrics.begin(asked('GET /api/v1/pods?watch=true'));
  const [inflight, longRunning] = ['apiserver_current_inflight_requests', 'apiserver_longrunning_requests'];
  assert.deepEqual([total(inflight), total(longRunning)], [1, 1]);
  list(200, 0.01);
  watch(200, 1000);
  metrics.begin(asked('GET /api/v1/pods'))(403, 0.01);
  assert.deepEqual([total(inflight), total(longRunning)], [0, 0]);
  assert.deepEqual([total('apiserver_request_total', '200'), total('apiserver_request_total', '403')], [2, 1]);
});
