import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { parsePrefix } from '@podwire/base';
import type { ManifestObject } from '../manifest.ts';
import { createDynamicClient } from './dynamic-client.ts';

const CRD: ManifestObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: { status: {} },
      },
    ],
  },
};
const widget = (spec: object): ManifestObject => ({
  apiVersion: 'example.org/v1',
  kind: 'Widget',
  metadata: { namespace: 'default', name: 'w' },
  spec,
});

test('kinds that are known at run time only: discovered, applied, changed, watched, deleted', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-dynamic-'));
  const server = await startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
  await server.listenUnix(path.join(directory, 'api'));
  const client = createDynamicClient({ socketPath: path.join(directory, 'api') });
  t.after(async () => {
    client.close();
    await server.close();
    rmSync(directory, { recursive: true });
  });
  const missing = { code: 'KUBE_NO_KIND', message: /no matches for kind "Widget" in version "example.org\/v1"/ };
  await assert.rejects(client.of('example.org/v1', 'Widget'), missing);
  await (await client.of('apiextensions.k8s.io/v1', 'CustomResourceDefinition')).create(CRD);
  for (const end = Date.now() + 30_000; (await client.resources('example.org/v1')).length === 0; )
    assert.ok(Date.now() < end, 'the kind of the CRD is served');

  const widgets = await client.of('example.org/v1', 'Widget');
  const { plural, namespaced, subresources, shortNames } = widgets.resource;
  assert.deepEqual([plural, namespaced, subresources, shortNames], ['widgets', true, ['status'], ['wd']]);
  const made = await client.apply(widget({ size: 1, colour: 'red' }), { fieldManager: 'one' });
  const again = await client.apply(widget({ size: 1, colour: 'red' }), { fieldManager: 'one' });
  assert.equal(again.metadata?.resourceVersion, made.metadata?.resourceVersion);
  await assert.rejects(client.apply(widget({ size: 2 }), { fieldManager: 'two' }), { code: 'KUBE_CONFLICT' });
  const forced = await client.apply(widget({ size: 2 }), { fieldManager: 'two', force: true });
  assert.deepEqual(forced.spec, { size: 2, colour: 'red' });
  const tried = await widgets.patch({ namespace: 'default', name: 'w' }, { spec: { size: 9 } }, { dryRun: true });
  assert.deepEqual(tried.spec, { size: 9, colour: 'red' });

  const seen: string[] = [];
  const stop = new AbortController();
  const options = { resourceVersion: forced.metadata?.resourceVersion as string, signal: stop.signal };
  const watching = widgets.watch({ ...options, fieldSelector: 'metadata.name=w' }, ({ type, object }) => {
    if (type !== 'BOOKMARK') seen.push(`${type} ${JSON.stringify(object.status)}`);
    if (type === 'DELETED') stop.abort();
  });
  const key = { namespace: 'default', name: 'w' };
  await widgets.patch(key, { status: { ready: true } }, { subresource: 'status' });
  assert.deepEqual((await widgets.get(key))?.spec, { size: 2, colour: 'red' });
  assert.equal((await widgets.list({ namespace: 'default' })).items.length, 1);
  assert.equal(await widgets.delete(key), true);
  assert.equal(await widgets.delete(key), false);
  await watching;
  assert.deepEqual(seen, ['MODIFIED {"ready":true}', 'DELETED {"ready":true}']);
});
