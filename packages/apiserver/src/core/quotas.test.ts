import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { KubeClient } from '@podwire/kube';
import { startApiServer } from '../server.ts';

const namespace = 'default';
const at = (name: string) => ({ name, namespace });

async function startWith(t: TestContext, hard: Record<string, string>, more: object = {}): Promise<KubeClient> {
  const server = await startApiServer();
  t.after(() => server.close());
  const client = server.client();
  await client.create('ResourceQuota', { metadata: at('few'), spec: { hard, ...more } });
  return client;
}

/** A pod whose one container asks for this. */
const pod = (name: string, resources: object = {}, spec: object = {}) => ({
  metadata: at(name),
  spec: { containers: [{ name: 'c', image: 'one', resources }], ...spec },
});
const claim = (name: string, storage: string) => ({
  metadata: at(name),
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, storageClassName: 'gold' },
});
const refused = (what: string, why: string) => ({ code: 'KUBE_FORBIDDEN', message: `${what} is forbidden: ${why}` });

test('objects beyond their number are refused, and one that goes makes room', async (t) => {
  const client = await startWith(t, {
    'count/configmaps': '1',
    secrets: '0',
    'count/deployments.apps': '0',
    pods: '5',
  });
  await client.create('ConfigMap', { metadata: at('a') });
  await assert.rejects(
    client.create('ConfigMap', { metadata: at('b') }),
    refused(
      'configmaps "b"',
      'exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1',
    ),
  );
  await assert.rejects(client.create('Secret', { metadata: at('s') }), { code: 'KUBE_FORBIDDEN' });
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'one' }] } };
  const spec = { selector: { matchLabels: { a: 'b' } }, template };
  await assert.rejects(
    client.create('Deployment', { metadata: at('d'), spec }),
    refused(
      'deployments.apps "d"',
      'exceeded quota: few, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0',
    ),
  );
  await client.patch('ConfigMap', at('a'), { data: { x: 'y' } });
  await client.delete('ConfigMap', at('a'));
  await client.create('ConfigMap', { metadata: at('b') });
  await client.create('ConfigMap', { metadata: { name: 'b', namespace: 'kube-system' } });
});

test('writers at the same time get no more than there is, and a pod that is over makes room', async (t) => {
  const client = await startWith(t, { pods: '3' });
  const all = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => client.create('Pod', pod(`p-${i}`))));
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 3);
  await assert.rejects(client.create('Pod', pod('next')), { code: 'KUBE_FORBIDDEN' });
  await client.patch('Pod', at('p-0'), { status: { phase: 'Succeeded' } }, { subresource: 'status' });
  await client.create('Pod', pod('next'));
});

test('amounts of pods: what they ask for is added up, and has to be said', async (t) => {
  const client = await startWith(t, { cpu: '300m', 'limits.memory': '1Gi' });
  await assert.rejects(
    client.create('Pod', pod('silent')),
    refused('pods "silent"', 'failed quota: few: must specify cpu for: c; limits.memory for: c'),
  );
  const tenth = { requests: { cpu: '0.1' }, limits: { memory: '256Mi' } };
  for (const name of ['a', 'b', 'c']) await client.create('Pod', pod(name, tenth));
  await assert.rejects(
    client.create('Pod', pod('d', { requests: { cpu: '1m' }, limits: { memory: '512Mi' } })),
    refused(
      'pods "d"',
      'exceeded quota: few, requested: cpu=1m,limits.memory=512Mi, used: cpu=300m,limits.memory=768Mi, limited: cpu=300m,limits.memory=1Gi',
    ),
  );
});

test('Services and claims count what an update adds', async (t) => {
  const gold = 'gold.storageclass.storage.k8s.io/requests.storage';
  const client = await startWith(t, { 'services.nodeports': '1', [gold]: '3Gi' });
  const web = { metadata: at('web'), spec: { ports: [{ port: 80 }] } };
  await client.create('Service', web);
  await client.patch('Service', at('web'), { spec: { type: 'NodePort' } });
  const more = { metadata: at('more'), spec: { type: 'NodePort', ports: [{ port: 80 }] } };
  await assert.rejects(
    client.create('Service', more),
    refused(
      'services "more"',
      'exceeded quota: few, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
    ),
  );
  await client.patch('Service', at('web'), { spec: { type: 'ClusterIP' } });
  await client.create('Service', more);
  await client.create('PersistentVolumeClaim', claim('a', '2Gi'));
  await assert.rejects(client.create('PersistentVolumeClaim', claim('b', '1536Mi')), {
    code: 'KUBE_FORBIDDEN',
    message: /requested: gold\S+requests.storage=1536Mi, used: gold\S+=2Gi, limited: gold\S+=3Gi/,
  });
  await client.create('PersistentVolumeClaim', claim('c', '1Gi'));
});

test('a quota with scopes is about the pods they say, and no other kinds', async (t) => {
  const client = await startWith(t, { pods: '0', 'count/configmaps': '0' }, { scopes: ['BestEffort'] });
  await assert.rejects(client.create('Pod', pod('a')), { code: 'KUBE_FORBIDDEN' });
  await client.create('Pod', pod('b', { requests: { cpu: '1' } }));
  await client.create('ConfigMap', { metadata: at('c') });
});
