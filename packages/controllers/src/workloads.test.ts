import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { silentLogger } from '@podwire/base';
import { createInformers, type KubeClient, type ObjectOf, parseClusterConfig } from '@podwire/kube';
import { type Controllers, startControllers } from './controllers.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const config = parseClusterConfig();
const server = await startApiServer({ serviceCidrs: config.serviceCidrs, nodePortRange: config.nodePortRange });
const client: KubeClient = server.client();
const informers = createInformers(client);
const pods = informers.of('Pod');
let controllers: Controllers;
const started: string[] = [];

/** Resolves as soon as the cache of pods satisfies the condition. */
async function podsBecome(what: string, condition: (pods: readonly ObjectOf<'Pod'>[]) => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`${what} did not happen within two minutes`)), 120_000);
  const end = pods.subscribe(() => condition(pods.list()) && resolve());
  if (condition(pods.list())) resolve();
  await promise.finally(() => [clearTimeout(timer), end()]);
}

const isReady = (pod: ObjectOf<'Pod'>) =>
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');
const images = (name: string) =>
  pods
    .list()
    .filter((p) => p.metadata?.name?.startsWith(name))
    .map((p) => (isReady(p) ? p.spec?.containers[0]?.image : 'not ready'));

before(async () => {
  // Nobody renews leases here: no time passes for nodes.
  const clock = new VirtualClock(new Date().toISOString());
  controllers = await startControllers({ client, informers, config, logger: silentLogger, clock });
  for (const name of ['node-1', 'node-2']) {
    await client.create('Node', { metadata: { name } });
    const status = { conditions: [{ type: 'Ready', status: 'True' }] };
    await client.patch('Node', { name }, { status }, { subresource: 'status' });
  }
  // the kubelet: bound pods become ready, ending ones go
  let next = 1;
  pods.subscribe(async ({ type, object }) => {
    const key = { namespace: 'default', name: object.metadata?.name ?? '' };
    if (type === 'deleted' || !object.spec?.nodeName) return;
    if (object.metadata?.deletionTimestamp) await client.delete('Pod', key, { gracePeriodSeconds: 0 });
    else if (!object.status?.podIP) {
      started.push(`${key.name} on ${object.spec.nodeName}`);
      const status = { phase: 'Running', podIP: `10.244.0.${next++}`, conditions: [{ type: 'Ready', status: 'True' }] };
      await client.patch('Pod', key, { status }, { subresource: 'status' });
    }
  });
});
after(async () => {
  controllers.stop();
  informers.stop();
  await server.close();
});

const body = (image: string, labels: Record<string, string>) => ({
  selector: { matchLabels: labels },
  template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } },
});

test('a Deployment of 3 has its pods bound, how fast is told', async (t) => {
  const spec = { replicas: 3, ...body('one', { app: 'quick' }) };
  const begin = performance.now();
  await client.create('Deployment', { metadata: { name: 'quick', namespace: 'default' }, spec });
  await podsBecome(
    'three bound pods',
    (all) => all.filter((p) => p.metadata?.labels?.app === 'quick' && p.spec?.nodeName).length === 3,
  );
  t.diagnostic(`bound after ${(performance.now() - begin).toFixed(1)} ms`);
  assert.equal(pods.list().filter((p) => p.metadata?.labels?.app === 'quick').length, 3);
});

test('a DaemonSet has one pod per node, follows new nodes, and updates', async () => {
  const metadata = { name: 'agent', namespace: 'default' };
  const set: ObjectOf<'DaemonSet'> = { metadata, spec: body('one', { app: 'agent' }) };
  await client.create('DaemonSet', set);
  await podsBecome('two daemons', () => images('agent-').join() === 'one,one');
  await client.create('Node', { metadata: { name: 'node-3' } });
  await podsBecome('three daemons', () => images('agent-').join() === 'one,one,one');
  const nodesOf = () =>
    pods
      .list()
      .filter((p) => p.metadata?.name?.startsWith('agent-'))
      .map((p) => p.spec?.nodeName)
      .sort();
  assert.deepEqual(nodesOf(), ['node-1', 'node-2', 'node-3']);
  await client.patch('DaemonSet', metadata, {
    spec: { template: { spec: { containers: [{ name: 'c', image: 'two' }] } } },
  });
  await podsBecome('three new daemons', () => images('agent-').join() === 'two,two,two');
  assert.deepEqual(nodesOf(), ['node-1', 'node-2', 'node-3']);
  for (let i = 0; i < 3000; i++) {
    const { status } = (await client.get('DaemonSet', metadata)) ?? {};
    if (status?.numberReady === 3 && status.updatedNumberScheduled === 3) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail('the status does not say that three are ready and updated');
});

test('a StatefulSet starts in order, keeps names, updates from the top and shrinks', async () => {
  const metadata = { name: 'db', namespace: 'default' };
  started.length = 0;
  const labels = { app: 'db' };
  const service = { selector: labels, clusterIP: 'None', ports: [{ port: 5432 }] };
  await client.create('Service', { metadata, spec: service });
  await client.create('StatefulSet', { metadata, spec: { replicas: 3, serviceName: 'db', ...body('one', labels) } });
  await podsBecome('three members', () => images('db-').join() === 'one,one,one');
  assert.deepEqual(
    started.map((line) => line.split(' ')[0]),
    ['db-0', 'db-1', 'db-2'],
  );
  started.length = 0;
  await client.patch('StatefulSet', metadata, {
    spec: { template: { spec: { containers: [{ name: 'c', image: 'two' }] } } },
  });
  await podsBecome('three new members', () => images('db-').join() === 'two,two,two');
  assert.deepEqual(
    started.map((line) => line.split(' ')[0]),
    ['db-2', 'db-1', 'db-0'],
  );
  await client.patch('StatefulSet', metadata, { spec: { replicas: 1 } });
  await podsBecome(
    'one member',
    () =>
      pods
        .list()
        .filter((p) => p.metadata?.labels?.app === 'db')
        .map((p) => p.metadata?.name)
        .join() === 'db-0',
  );
  for (let i = 0; i < 3000; i++) {
    const { items } = await client.list('EndpointSlice', {
      namespace: 'default',
      labelSelector: 'kubernetes.io/service-name=db',
    });
    if (
      items
        .flatMap((slice) => slice.endpoints)
        .map((e) => e.hostname)
        .join() === 'db-0'
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail('the endpoint of db-0 has no hostname');
});
