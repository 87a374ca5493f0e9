import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createResourceCache, type ManifestObject } from '@podwire/kube';
import { startApiServer } from '../server.ts';

const CRD: ManifestObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true, subresources: { status: {} } },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const key = { namespace: 'default', name: 'w' };

test('kinds that are known at run time only, in process', async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  const client = server.dynamicClient();
  await assert.rejects(client.of('example.org/v1', 'Widget'), { code: 'KUBE_NO_KIND' });
  await (await client.of('apiextensions.k8s.io/v1', 'CustomResourceDefinition')).create(CRD);
  const widgets = await client.of('example.org/v1', 'Widget');
  assert.deepEqual(await client.resources('example.org/v1'), [widgets.resource]);

  const cache = createResourceCache(widgets);
  t.after(() => cache.stop());
  const seen: string[] = [];
  cache.subscribe(({ type, object }) => seen.push(`${type} ${JSON.stringify([object.spec, object.status])}`));
  await cache.synced;
  const widget = { apiVersion: 'example.org/v1', kind: 'Widget', metadata: key, spec: { size: 1 } };
  const made = await widgets.create(widget);
  assert.deepEqual([made.apiVersion, made.kind, made.metadata?.name], ['example.org/v1', 'Widget', 'w']);
  await client.apply({ ...widget, spec: { colour: 'red' } }, { fieldManager: 'one' });
  await widgets.patch(key, { status: { ready: true } }, { subresource: 'status' });
  const changed = await widgets.get(key);
  await widgets.update({ ...widget, ...changed, spec: { size: 2 } });
  assert.equal((await widgets.list({ namespace: 'default' })).items.length, 1);
  assert.equal(await widgets.delete(key, { uid: String(made.metadata?.uid) }), true);
  assert.equal(await widgets.delete(key), false);
  assert.deepEqual(seen, [
    'added [{"size":1},null]',
    'modified [{"size":1,"colour":"red"},null]',
    'modified [{"size":1,"colour":"red"},{"ready":true}]',
    'modified [{"size":2},{"ready":true}]',
    'deleted [{"size":2},{"ready":true}]',
  ]);
});

test('roles count for custom resources as well', async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  await (await server.dynamicClient().of('apiextensions.k8s.io/v1', 'CustomResourceDefinition')).create(CRD);
  const nobody = await server.dynamicClient({ name: 'nobody', groups: [] }).of('example.org/v1', 'Widget');
  await assert.rejects(nobody.get(key), { code: 'KUBE_FORBIDDEN', message: /widgets.* in API group "example.org"/ });
});

test('a kind that is gone is gone for those who had a client for it', async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  const definitions = await server.dynamicClient().of('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  await definitions.create(CRD);
  const widgets = await server.dynamicClient({ name: 'nobody', groups: [] }).of('example.org/v1', 'Widget');
  await definitions.delete({ name: 'widgets.example.org' });
  await assert.rejects(widgets.list(), { code: 'KUBE_NO_KIND' });
  await assert.rejects(
    widgets.watch({ resourceVersion: '0' }, () => {}),
    { code: 'KUBE_NO_KIND' },
  );
});

test('watches end with their kind, and caches go on when it is defined again', async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  const definitions = await server.dynamicClient().of('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  await definitions.create(CRD);
  const widgets = await server.dynamicClient().of('example.org/v1', 'Widget');
  const widget = { apiVersion: 'example.org/v1', kind: 'Widget', metadata: key };
  const first = await widgets.create({ ...widget, spec: { size: 1 } });
  const cache = createResourceCache(widgets, { backoff: [1, 10] });
  t.after(() => cache.stop());
  await cache.synced;
  const { resourceVersion } = await widgets.list();
  const seen: string[] = [];
  const watch = widgets.watch({ resourceVersion }, ({ type }) => seen.push(type));
  await definitions.delete({ name: 'widgets.example.org' });
  await watch;
  assert.deepEqual(seen, ['DELETED']);
  assert.deepEqual(cache.list(), []);

  await definitions.create(CRD);
  const again = Promise.withResolvers<unknown>();
  cache.subscribe(({ object }) => again.resolve(object.metadata?.uid));
  const second = await widgets.create({ ...widget, spec: { size: 2 } });
  assert.notEqual(second.metadata?.uid, first.metadata?.uid);
  assert.equal(await again.promise, second.metadata?.uid);
  assert.deepEqual(
    cache.list().map(({ spec }) => spec),
    [{ size: 2 }],
  );
});
