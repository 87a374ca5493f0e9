import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { kindNamed } from '@podwire/kube';
import { CustomApi, widgetDefinition } from './custom-api.fixture.ts';
import { asDefinition } from './definition/definition.ts';

const DEFINITION = kindNamed('CustomResourceDefinition');
const SPEC = { properties: { spec: { type: 'object', properties: { size: { type: 'integer', default: 3 } } } } };

async function open(t: TestContext): Promise<CustomApi> {
  const api = await CustomApi.open();
  t.after(() => api.close());
  return api;
}

const conditionsOf = (api: CustomApi, name: string) => {
  const definition = api.store.latest('CustomResourceDefinition', name);
  assert.ok(definition);
  const { conditions = [] } = asDefinition(definition).status ?? {};
  return conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);
};

test('a definition is established by the write that creates it, and its objects get defaults', async (t) => {
  const api = await open(t);
  const definition = await api.define(widgetDefinition(SPEC, { names: { shortNames: ['wd'], categories: ['all'] } }));
  assert.deepEqual(conditionsOf(api, 'widgets.example.com'), [
    'NamesAccepted=True NoConflicts: no conflicts found',
    'Established=True InitialNamesAccepted: the initial names have been accepted',
  ]);
  assert.deepEqual(asDefinition(definition).status?.storedVersions, ['v1']);
  assert.deepEqual((await api.put({ spec: {} })).spec, { size: 3 });
});

test('names somebody else has are not accepted until they are free', async (t) => {
  const api = await open(t);
  await api.define(widgetDefinition(SPEC, { names: { shortNames: ['wd'] } }));
  await api.define(widgetDefinition(SPEC, { names: { plural: 'wands', kind: 'Wand', shortNames: ['wd'] } }));
  assert.deepEqual(conditionsOf(api, 'wands.example.com'), [
    'NamesAccepted=False ShortNamesConflict: "wd" is already in use',
    'Established=False NotAccepted: not all names are accepted',
  ]);
  assert.equal(api.kinds.withId('wands.example.com'), undefined);
  await api.registry.remove({ kind: DEFINITION, name: 'widgets.example.com' }, {}, false);
  // It goes, and lets the names go, in writes of their own.
  const deadline = Date.now() + 30_000;
  while (!api.kinds.withId('wands.example.com') && Date.now() < deadline) await setImmediate();
  const wand = api.store.latest('CustomResourceDefinition', 'wands.example.com');
  assert.ok(wand);
  assert.match(conditionsOf(api, 'wands.example.com').join(), /Established=True/);
});

test('with a definition go its objects, once nothing holds them', async (t) => {
  const api = await open(t);
  await api.define(widgetDefinition(SPEC));
  await api.put({ spec: {} });
  await api.put({ spec: {}, metadata: { name: 'held', finalizers: ['example.com/hold'] } }, { name: 'held' });
  const left = await api.registry.remove({ kind: DEFINITION, name: 'widgets.example.com' }, {}, false);
  assert.equal(left.kind, 'CustomResourceDefinition');
  assert.match(conditionsOf(api, 'widgets.example.com').join(), /Terminating=True InstanceDeletionInProgress/);
  assert.deepEqual(await api.refusal({ spec: {} }, { name: 'late' }), [
    'create not allowed while custom resource definition is terminating',
  ]);
  const target = { kind: api.widget(), namespace: 'default', name: 'held' };
  assert.deepEqual(
    api.store.latestOf('widgets.example.com').map(({ metadata }) => metadata.name),
    ['held'],
  );
  const release = (old: Parameters<Parameters<typeof api.registry.change>[1]>[0]) => ({
    ...old,
    metadata: { ...old.metadata, finalizers: [] },
  });
  await api.registry.change(target, release, api.options());
  assert.equal(api.store.latest('CustomResourceDefinition', 'widgets.example.com'), undefined);
});

test('with a namespace go the objects in it', async (t) => {
  const api = await open(t);
  await api.define(widgetDefinition(SPEC));
  await api.put({ spec: {} });
  const namespace = api.store.latest('Namespace', 'default');
  assert.ok(namespace);
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  await api.store.put('Namespace', { ...namespace, metadata: { ...namespace.metadata, deletionTimestamp } });
  assert.deepEqual(api.store.latestOf('widgets.example.com'), []);
});

test('a restart serves what was defined', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'podwire-custom-'));
  const before = await CustomApi.open({ directory });
  await before.define(widgetDefinition(SPEC));
  await before.put({ spec: { size: 5 } });
  await before.close();
  const after = await CustomApi.open({ directory });
  t.after(async () => {
    await after.close();
    await rm(directory, { recursive: true });
  });
  const target = { kind: after.widget(), namespace: 'default', name: 'a' };
  assert.deepEqual(after.registry.get(target).spec, { size: 5 });
  assert.deepEqual(await after.refusal({ spec: { size: 'x' } }), [
    'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
  ]);
});
