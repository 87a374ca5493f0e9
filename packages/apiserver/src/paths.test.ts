import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { KindRegistry } from './core/kind-registry.ts';
import { restBench } from './core/rest.fixture.ts';
import { groupVersions } from './surface/discovery.ts';

const ORACLE = join(import.meta.dirname, '../../../../shared/data/kubernetes-openapi-v2.json');
const METHODS = ['get', 'put', 'post', 'patch', 'delete', 'options'];

interface Operation {
  readonly method: string;
  readonly url: string;
  readonly shown: string;
}

/** Operations on kinds that are served, and of the paths around them. */
function operations(): readonly Operation[] {
  const { paths } = JSON.parse(readFileSync(ORACLE, 'utf8')) as { paths: Record<string, Record<string, unknown>> };
  const kinds = new KindRegistry().all();
  const served = groupVersions(kinds).flatMap(({ group, version, resources }) =>
    resources.map(({ plural }) => `${group ? `/apis/${group}/${version}` : `/api/${version}`} ${plural}`),
  );
  return Object.entries(paths).flatMap(([template, methods]) => {
    const [, base = '', rest = ''] = /^((?:\/apis\/[^/]+|\/api)\/[^/]+)\/(.+)$/.exec(template) ?? [];
    const inner = rest.replace(/^watch\//, '').replace(/^namespaces\/\{namespace\}\//, '');
    if (!served.includes(`${base} ${inner.split('/')[0]}`)) return [];
    const path = template.replace('{namespace}', 'default').replace('{name}', 'x').replace('{path}', 'y');
    // A watch that begins has no end.
    const url = path.includes('/watch/') ? `${path}?resourceVersion=nonsense` : path;
    const asked = METHODS.filter((method) => method in methods);
    return asked.map((method) => ({ method: method.toUpperCase(), url, shown: `${method} ${template}` }));
  });
}

/** Whether a server has something to say to it but that there is no such path, or no such method. */
async function isServed(where: http.RequestOptions, { method, url }: Operation): Promise<boolean> {
  const headers = { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' };
  const request = http.request({ ...where, method, path: url, headers });
  const isChange = ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method);
  const [answer] = (await once(request.end(isChange ? '{}' : ''), 'response')) as [http.IncomingMessage];
  const { statusCode: code } = answer;
  const text = Buffer.concat(await answer.toArray()).toString();
  if (code !== 404 && code !== 405) return true;
  const { details } = JSON.parse(text || '{}') as Partial<Status>;
  return code === 404 && details?.name !== undefined;
}

test('all paths of Kubernetes are served for the kinds that are', { skip: !existsSync(ORACLE) }, async (t) => {
  const { socketPath } = await restBench(t);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  t.after(() => agent.destroy());
  const where = { socketPath, agent };
  const all = operations();
  assert.ok(all.length > 500);
  const refused = await Promise.all(all.map(async (one) => ((await isServed(where, one)) ? [] : [one.shown])));
  assert.deepEqual(refused.flat(), []);
});

test('watches by their old paths, of all, of a namespace and of one object', async (t) => {
  const { ask, open, client } = await restBench(t);
  for (const name of ['a', 'b']) await client.create('ConfigMap', { metadata: { name, namespace: 'default' } });
  const names = async (url: string) => {
    const read = await open(`${url}?timeoutSeconds=1&fieldSelector=metadata.namespace=default`);
    const lines = (await read()).trim().split('\n');
    return lines.map((line) => JSON.parse(line) as { type: string; object: { metadata: { name: string } } });
  };
  const shown = async (url: string) => (await names(url)).map(({ type, object }) => `${type} ${object.metadata.name}`);
  const [all, inside, one] = await Promise.all([
    shown('/api/v1/watch/configmaps'),
    shown('/api/v1/watch/namespaces/default/configmaps'),
    shown('/api/v1/watch/namespaces/default/configmaps/b'),
  ]);
  assert.deepEqual([all, inside, one], [['ADDED a', 'ADDED b'], ['ADDED a', 'ADDED b'], ['ADDED b']]);
  const gone = await ask('DELETE /api/v1/watch/namespaces/default/configmaps/a');
  assert.equal(gone.code, 405);
  assert.ok(await client.get('ConfigMap', { namespace: 'default', name: 'a' }));
});

test('pods are bound by the collection of bindings, which discovery names', async (t) => {
  const { ask, client } = await restBench(t);
  await client.create('Node', { metadata: { name: 'n' } });
  await client.create('Pod', { metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'a' }] } });
  const binding = { apiVersion: 'v1', kind: 'Binding', target: { kind: 'Node', name: 'n' } };
  const at = '/api/v1/namespaces/default/bindings';
  const { resources } = (await ask('GET /api/v1')).body as { resources: { name: string; kind: string }[] };
  assert.equal(resources.find(({ name }) => name === 'bindings')?.kind, 'Binding');
  assert.equal((await ask(`POST ${at}`, binding)).code, 400);
  assert.equal((await ask(`GET ${at}`)).code, 405);
  assert.equal((await ask(`POST ${at}`, { ...binding, metadata: { name: 'nope' } })).code, 404);
  assert.equal((await ask(`POST ${at}`, { ...binding, metadata: { name: 'p' } })).code, 201);
  assert.equal((await client.get('Pod', { namespace: 'default', name: 'p' }))?.spec?.nodeName, 'n');
  assert.equal((await ask('GET /api/v1/namespaces/default/nonsense')).code, 404);
});
