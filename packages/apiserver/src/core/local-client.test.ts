import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import { type Pod, recordEvent, type Service } from '@podwire/kube';
import { startApiServer } from '../server.ts';

const start = () => startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
const pod = (name: string): Pod => ({
  metadata: { name, namespace: 'default', labels: { app: name } },
  spec: { containers: [{ name: 'c', image: 'i' }] },
});

test('creates, reads, changes, watches and deletes in process', async () => {
  const server = await start();
  const client = server.client();
  const { resourceVersion } = await client.list('Pod');
  const seen: string[] = [];
  const stop = new AbortController();
  const watching = client.watch('Pod', { resourceVersion, signal: stop.signal }, ({ type, object }) => {
    seen.push(`${type} ${object.metadata?.name}`);
  });
  const created = await client.create('Pod', pod('a'));
  assert.equal(created.status?.phase, 'Pending');
  assert.match(created.metadata?.uid ?? '', /^[0-9a-f-]{36}$/);
  const labelled = await client.patch(
    'Pod',
    { namespace: 'default', name: 'a' },
    { metadata: { labels: { tier: 'x' } } },
  );
  assert.deepEqual(labelled.metadata?.labels, { app: 'a', tier: 'x' });
  await assert.rejects(client.update('Pod', created), { code: 'KUBE_CONFLICT' });
  await assert.rejects(client.create('Pod', pod('a')), {
    code: 'KUBE_ALREADY_EXISTS',
    message: 'pods "a" already exists',
  });
  assert.equal(await client.delete('Pod', { namespace: 'default', name: 'a' }), true);
  assert.equal(await client.delete('Pod', { namespace: 'default', name: 'a' }), false);
  assert.equal(await client.get('Pod', { namespace: 'default', name: 'a' }), undefined);
  assert.deepEqual(seen, ['ADDED a', 'MODIFIED a', 'DELETED a']);
  stop.abort();
  await watching;
  await server.close();
});

test('a scheduled pod is deleted gracefully', async () => {
  const server = await start();
  const client = server.client();
  const key = { namespace: 'default', name: 'a' };
  await client.create('Pod', pod('a'));
  await client.bind(key, 'node-1');
  await assert.rejects(client.bind(key, 'node-2'), { code: 'KUBE_CONFLICT' });
  await client.delete('Pod', key);
  const ending = await client.get('Pod', key);
  assert.equal(ending?.metadata?.deletionGracePeriodSeconds, 30);
  assert.equal(ending?.spec?.nodeName, 'node-1');
  await client.delete('Pod', key, { gracePeriodSeconds: 0 });
  assert.equal(await client.get('Pod', key), undefined);
  await server.close();
});

test('Services get addresses and ports and keep them', async () => {
  const server = await start();
  const client = server.client();
  const service = (name: string, spec: Service['spec']): Service => ({
    metadata: { name, namespace: 'default' },
    spec: spec ?? {},
  });
  const made = await client.create(
    'Service',
    service('a', { type: 'NodePort', ports: [{ port: 80 }], selector: { app: 'a' } }),
  );
  assert.match(made.spec?.clusterIP ?? '', /^10\./);
  assert.deepEqual(made.spec?.clusterIPs, [made.spec?.clusterIP]);
  assert.deepEqual(made.spec?.ipFamilies, ['IPv4']);
  const nodePort = made.spec?.ports?.[0]?.nodePort ?? 0;
  assert.ok(nodePort >= 30000 && nodePort <= 32767);
  const again = await client.update(
    'Service',
    service('a', { type: 'NodePort', ports: [{ port: 80 }], selector: { app: 'b' } }),
  );
  assert.equal(again.spec?.clusterIP, made.spec?.clusterIP);
  assert.equal(again.spec?.ports?.[0]?.nodePort, nodePort);
  await assert.rejects(client.create('Service', service('b', { type: 'NodePort', ports: [{ port: 80, nodePort }] })), {
    code: 'KUBE_INVALID',
    message: `Service "b" is invalid: spec.ports[0].nodePort: Invalid value: ${nodePort}: provided port is already allocated`,
  });
  await client.patch('Service', { namespace: 'default', name: 'a' }, { spec: { type: 'ClusterIP' } });
  const b = await client.create('Service', service('b', { type: 'NodePort', ports: [{ port: 80, nodePort }] }));
  assert.equal(b.spec?.ports?.[0]?.nodePort, nodePort);
  await assert.rejects(
    client.create('Service', service('c', { clusterIP: made.spec?.clusterIP ?? '', ports: [{ port: 80 }] })),
    /already allocated/,
  );
  await server.close();
});

test('a namespace ends when its finalizers are gone, and takes nothing new until then', async () => {
  const server = await start();
  const client = server.client();
  await client.create('Namespace', { metadata: { name: 'n' } });
  await client.delete('Namespace', { name: 'n' });
  const ending = await client.get('Namespace', { name: 'n' });
  assert.equal(ending?.status?.phase, 'Terminating');
  const inside = { ...pod('a'), metadata: { name: 'a', namespace: 'n' } };
  await assert.rejects(client.create('Pod', inside), { code: 'KUBE_FORBIDDEN' });
  await client.finalizeNamespace({ ...ending, spec: {} });
  assert.equal(await client.get('Namespace', { name: 'n' }), undefined);
  await assert.rejects(client.create('Pod', inside), { code: 'KUBE_NOT_FOUND', message: 'namespaces "n" not found' });
  await assert.rejects(client.delete('Namespace', { name: 'default' }), /may not be deleted/);
  await server.close();
});

test('the same Event is counted, another is written anew', async () => {
  const server = await start();
  const client = server.client();
  const object = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'a', uid: 'u' };
  const event = { object, type: 'Warning', reason: 'Failed', message: 'it failed', component: 'test' } as const;
  for (let i = 0; i < 3; i++) assert.equal(await recordEvent(client, event), true);
  assert.equal(await recordEvent(client, { ...event, message: 'otherwise' }), true);
  const { items } = await client.list('Event', { fieldSelector: 'involvedObject.name=a,type=Warning' });
  assert.deepEqual(items.map(({ count, message }) => [message, count]).sort(), [
    ['it failed', 3],
    ['otherwise', 1],
  ]);
  await server.close();
  assert.equal(await recordEvent(client, event), false);
});
