import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeClient, ManifestObject, ObjectKey, ResourceClient } from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { type ControlPlane, eventually, startControlPlane } from '../testing/control-plane.ts';

const BLOCKS = { blockOwnerDeletion: true };
const key = (name: string): ObjectKey => ({ namespace: 'default', name });

function definition(plural: string, kind: string, scope: string): ManifestObject {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      ...{ group: 'example.com', scope, names: { plural, kind } },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

describe('garbage', () => {
  const ends: (() => unknown)[] = [];
  let plane: ControlPlane;
  let client: KubeClient;
  /** Of the kinds Widget (namespaced) and Planet (cluster-wide). */
  let widgets: ResourceClient;
  let planets: ResourceClient;

  const map = async (name: string, ownerReferences: OwnerReference[] = []): Promise<OwnerReference> => {
    const made = await client.create('ConfigMap', { metadata: { ...key(name), ownerReferences } });
    return { apiVersion: 'v1', kind: 'ConfigMap', name, uid: made.metadata?.uid ?? '' };
  };
  const custom = async (kind: ResourceClient, name: string, owners: OwnerReference[] = []): Promise<OwnerReference> => {
    const place = kind === widgets ? key(name) : { name };
    const { apiVersion, kind: word } = kind.resource;
    const type = { apiVersion, kind: word };
    const made = await kind.create({ ...type, metadata: { ...place, ownerReferences: owners } });
    return { ...type, name, uid: String(made.metadata?.uid) };
  };
  const maps = async (): Promise<string> => {
    const { items } = await client.list('ConfigMap', { namespace: 'default' });
    const names = items.map(({ metadata }) => metadata?.name ?? '');
    return names.filter((name) => name !== 'kube-root-ca.crt').join();
  };
  const mapsAre = (names: string): Promise<unknown> => eventually(names, async () => (await maps()) === names || '');
  const remove = (name: string, propagationPolicy: 'Background' | 'Foreground' | 'Orphan'): Promise<boolean> =>
    client.delete('ConfigMap', key(name), { propagationPolicy });

  before(async () => {
    plane = await startControlPlane({ after: (end) => void ends.push(end as () => unknown) });
    client = plane.client;
    const dynamic = plane.server.dynamicClient();
    const definitions = await dynamic.of('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
    await definitions.create(definition('widgets', 'Widget', 'Namespaced'));
    await definitions.create(definition('planets', 'Planet', 'Cluster'));
    widgets = await dynamic.of('example.com/v1', 'Widget');
    planets = await dynamic.of('example.com/v1', 'Planet');
  });
  after(async () => {
    for (const end of ends) await end();
  });
  beforeEach(async () => {
    for (const { metadata } of (await client.list('ConfigMap', { namespace: 'default' })).items)
      await client.delete('ConfigMap', key(metadata?.name ?? ''));
    await mapsAre('');
  });

  test('only what all of whose owners are gone is deleted, whatever kind the owners are of', async () => {
    const owner = await map('owner');
    const node = await client.create('Node', { metadata: { name: 'owner' } });
    const gone = (kind: string, apiVersion = 'v1', name = 'owner'): OwnerReference => ({
      ...{ kind, apiVersion, name, uid: 'gone' },
    });
    const ofNode = { kind: 'Node', apiVersion: 'v1', name: 'owner', uid: node.metadata?.uid ?? '' };
    await map('of-map', [owner]);
    await map('of-node', [ofNode]);
    await map('of-one-left', [gone('ReplicaSet', 'apps/v1'), ofNode]);
    await map('of-unknown-kind', [gone('Gadget', 'example.com/v1')]);
    await map('of-unknown-group', [gone('ConfigMap', 'example.com/v1')]);
    await map('of-a-namesake', [gone('ConfigMap')]);
    await map('of-a-wrong-name', [{ ...owner, name: 'other' }]);
    await map('of-lost-widget', [gone('Widget', 'example.com/v1')]);
    await map('orphan', [gone('ReplicaSet', 'apps/v1'), gone('Ingress', 'networking.k8s.io/v1')]);
    await mapsAre('of-map,of-node,of-one-left,of-unknown-group,of-unknown-kind,owner');
    await delay(20);
    await mapsAre('of-map,of-node,of-one-left,of-unknown-group,of-unknown-kind,owner');
    const left = (await client.get('ConfigMap', key('of-one-left')))?.metadata?.ownerReferences;
    assert.deepEqual(left, [ofNode]);
    await client.delete('Node', { name: 'owner' });
    await mapsAre('of-map,of-unknown-group,of-unknown-kind,owner');
  });

  test('custom resources own and are owned, those of the cluster too', async () => {
    const planet = await custom(planets, 'mars');
    const widget = await custom(widgets, 'w', [planet]);
    await map('of-widget', [widget]);
    await map('of-planet', [planet]);
    // A kind of the cluster cannot be owned by what is in a namespace: nobody can say in which.
    await custom(planets, 'moon', [{ ...widget, uid: 'other' }]);
    await planets.delete({ name: 'mars' }, { propagationPolicy: 'Background' });
    await mapsAre('');
    await eventually('the end of the widget', async () => !(await widgets.get(key('w'))));
    assert.ok(await planets.get({ name: 'moon' }));
    await planets.delete({ name: 'moon' });
  });

  test('foreground deletion goes through custom resources from the leaves up', async () => {
    const top = await map('top');
    const middle = await custom(widgets, 'middle', [{ ...top, ...BLOCKS }]);
    await client.create('ConfigMap', {
      metadata: { ...key('leaf'), ownerReferences: [{ ...middle, ...BLOCKS }], finalizers: ['example.com/hold'] },
    });
    await remove('top', 'Foreground');
    await eventually('the leaf to be on its way', async () => {
      return (await client.get('ConfigMap', key('leaf')))?.metadata?.deletionTimestamp;
    });
    const waiting = (await widgets.get(key('middle')))?.metadata?.finalizers;
    assert.deepEqual([waiting, await maps()], [['foregroundDeletion'], 'leaf,top']);
    await client.patch('ConfigMap', key('leaf'), { metadata: { finalizers: null } });
    await mapsAre('');
    assert.equal(await widgets.get(key('middle')), undefined);
  });

  test('foreground deletion does not wait for what does not block it, but deletes it', async () => {
    const owner = await map('owner');
    const metadata = { ...key('held'), ownerReferences: [owner], finalizers: ['example.com/hold'] };
    await client.create('ConfigMap', { metadata });
    await remove('owner', 'Foreground');
    await mapsAre('held');
    await eventually('its deletion', async () => {
      return (await client.get('ConfigMap', key('held')))?.metadata?.deletionTimestamp;
    });
    await client.patch('ConfigMap', key('held'), { metadata: { finalizers: null } });
  });

  test('what has another owner outlives the one that is deleted in the foreground', async () => {
    const [leaving, staying] = [await map('leaving'), await map('staying')];
    await map('shared', [{ ...leaving, ...BLOCKS }, staying]);
    await remove('leaving', 'Foreground');
    await mapsAre('shared,staying');
    assert.deepEqual((await client.get('ConfigMap', key('shared')))?.metadata?.ownerReferences, [staying]);
  });

  test('orphans lose that owner only, and stay', async () => {
    const owner = await custom(widgets, 'owner');
    const other = await map('other');
    await map('orphan', [owner]);
    await map('half', [owner, other]);
    await widgets.delete(key('owner'), { propagationPolicy: 'Orphan' });
    await eventually('the end of the owner', async () => !(await widgets.get(key('owner'))));
    assert.equal(await maps(), 'half,orphan,other');
    assert.deepEqual((await client.get('ConfigMap', key('half')))?.metadata?.ownerReferences, [other]);
    assert.equal((await client.get('ConfigMap', key('orphan')))?.metadata?.ownerReferences, undefined);
  });

  test('circles end: three that own each other, and one that owns itself', async () => {
    const [one, self] = [await map('one'), await map('self')];
    const two = await map('two', [{ ...one, ...BLOCKS }]);
    const three = await map('three', [{ ...two, ...BLOCKS }]);
    const owned = (by: OwnerReference) => ({ metadata: { ownerReferences: [{ ...by, ...BLOCKS }] } });
    await client.patch('ConfigMap', key('one'), owned(three));
    await client.patch('ConfigMap', key('self'), owned(self));
    await mapsAre('one,self,three,two');
    await remove('two', 'Foreground');
    await remove('self', 'Foreground');
    await mapsAre('');
  });

  test('a namespace waits for the custom resources in it', async () => {
    await client.create('Namespace', { metadata: { name: 'held' } });
    const metadata = { namespace: 'held', name: 'w', finalizers: ['example.com/hold'] };
    await widgets.create({ apiVersion: 'example.com/v1', kind: 'Widget', metadata });
    await client.delete('Namespace', { name: 'held' });
    const held = { namespace: 'held', name: 'w' };
    await eventually('the deletion of the widget', async () => (await widgets.get(held))?.metadata?.deletionTimestamp);
    await delay(100);
    assert.ok(await client.get('Namespace', { name: 'held' }));
    await widgets.patch(held, { metadata: { finalizers: null } });
    await eventually('the end', async () => !(await client.get('Namespace', { name: 'held' })));
  });

  test('what is owned by a kind that comes later is looked at then', async () => {
    const owner = { apiVersion: 'example.com/v1', kind: 'Gadget', name: 'g', uid: 'gone' };
    await map('early', [owner]);
    const definitions = await plane.server.dynamicClient().of('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
    await definitions.create(definition('gadgets', 'Gadget', 'Namespaced'));
    await mapsAre('');
  });
});
