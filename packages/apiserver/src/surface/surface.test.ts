import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KindRegistry } from '../core/kind-registry.ts';
import type { ApiRequest } from '../seam.ts';
import { createSurface } from './index.ts';

const surface = createSurface({ kinds: new KindRegistry() });

async function get(
  path: string,
  accept = 'application/json',
  method = 'GET',
  body = '',
): Promise<{ status: number; type: string; body: unknown }> {
  const request: ApiRequest = {
    method,
    path,
    query: new URLSearchParams(),
    headers: { accept },
    user: { name: 'admin', groups: ['g'] },
    signal: new AbortController().signal,
    body: () => Promise.resolve(Buffer.from(body)),
  };
  const response = await surface.respond(request);
  assert.ok(response, path);
  const text = typeof response.body === 'string' ? response.body : JSON.stringify(response.body);
  return {
    status: response.status,
    type: String(response.headers?.['content-type'] ?? ''),
    body: text.startsWith('{') ? JSON.parse(text) : text,
  };
}

test('aggregated discovery in both versions, and the plain lists', async () => {
  for (const version of ['v2', 'v2beta1']) {
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    const found = await get('/apis', `${type},application/json`);
    assert.equal(found.type, type);
    const { items } = found.body as {
      items: { metadata: { name: string }; versions: { version: string; resources: { resource: string }[] }[] }[];
    };
    const apps = items.find(({ metadata }) => metadata.name === 'apps');
    assert.deepEqual(
      apps?.versions[0]?.resources.map(({ resource }) => resource),
      ['controllerrevisions', 'deployments', 'replicasets', 'daemonsets', 'statefulsets'],
    );
  }
  assert.deepEqual((await get('/api')).body, { kind: 'APIVersions', versions: ['v1'] });
  const { resources } = (await get('/api/v1')).body as { resources: { name: string; kind: string; group?: string }[] };
  assert.deepEqual(resources.find(({ name }) => name === 'pods/eviction')?.group, 'policy');
  const { versions } = (await get('/apis/networking.k8s.io')).body as { versions: { version: string }[] };
  assert.deepEqual(
    versions.map(({ version }) => version),
    ['v1', 'v1beta1'],
  );
});

test('OpenAPI documents: hashed addresses, kinds, references that lead somewhere', async () => {
  const { paths } = (await get('/openapi/v3')).body as { paths: Record<string, { serverRelativeURL: string }> };
  assert.ok(Object.keys(paths).length >= 6);
  for (const { serverRelativeURL } of Object.values(paths)) {
    const [path = '', query = ''] = serverRelativeURL.split('?');
    assert.match(query, /^hash=[0-9a-f]{32}$/);
    const document = (await get(path)).body as { components: { schemas: Record<string, object> } };
    const references = JSON.stringify(document).matchAll(/#\/components\/schemas\/([^"]+)/g);
    for (const [, name = ''] of references) assert.ok(document.components.schemas[name], `${path} ${name}`);
  }
});

test('version; other paths are not ours', async () => {
  assert.equal(((await get('/version')).body as { minor: string }).minor, '33');
  const other: ApiRequest = {
    method: 'GET',
    path: '/api/v1/pods',
    query: new URLSearchParams(),
    headers: {},
    user: { name: '', groups: [] },
    signal: new AbortController().signal,
    body: () => Promise.resolve(Buffer.alloc(0)),
  };
  assert.equal(await surface.respond(other), undefined);
});
