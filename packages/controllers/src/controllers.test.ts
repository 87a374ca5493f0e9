import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { silentLogger } from '@podwire/base';
import { createInformers, type Informers, type KubeClient, type ObjectOf, parseClusterConfig } from '@podwire/kube';
import { type Controllers, startControllers } from './controllers.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const config = parseClusterConfig();
const server = await startApiServer({ serviceCidrs: config.serviceCidrs, nodePortRange: config.nodePortRange });
const client: KubeClient = server.client();
const informers: Informers = createInformers(client);
let controllers: Controllers;
/** Nobody renews leases here: no time passes for nodes. */
const clock = new VirtualClock(new Date().toISOString());

async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  for (const start = performance.now(); performance.now() - start < 120_000; ) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} did not happen within two minutes`);
}

/** Plays the kubelet: every bound pod gets an address and is ready; a deleted one goes away. */
function playKubelet(): () => void {
  let next = 1;
  return informers.of('Pod').subscribe(async ({ type, object }) => {
    const key = { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
    if (type === 'deleted' || !object.spec?.nodeName) return;
    if (object.metadata?.deletionTimestamp) await client.delete('Pod', key, { gracePeriodSeconds: 0 });
    else if (!object.status?.podIP) {
      const podIP = `10.244.0.${next++}`;
      await client.patch(
        'Pod',
        key,
        {
          status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [{ type: 'Ready', status: 'True' }] },
        },
        { subresource: 'status' },
      );
    }
  });
}

const deployment = (replicas: number, image = 'one'): ObjectOf<'Deployment'> => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
  },
});
const pods = async (): Promise<ObjectOf<'Pod'>[]> => (await client.list('Pod', { namespace: 'default' })).items;
const webStatus = async () => (await client.get('Deployment', { namespace: 'default', name: 'web' }))?.status;

before(async () => {
  controllers = await startControllers({ client, informers, config, logger: silentLogger, clock });
  playKubelet();
  for (const name of ['node-1', 'node-2', 'node-3']) {
    await client.create('Node', { metadata: { name } });
    await client.patch(
      'Node',
      { name },
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      { subresource: 'status' },
    );
  }
});
after(async () => {
  controllers.stop();
  informers.stop();
  await server.close();
});

test('nodes get distinct pod CIDRs', async () => {
  const cidrs = await eventually('pod CIDRs', async () => {
    const all = (await client.list('Node')).items.map((n) => n.spec?.podCIDR);
    return all.every(Boolean) && all;
  });
  assert.equal(new Set(cidrs).size, 3);
});

test('a Deployment becomes ready pods spread over the nodes, with slices and Endpoints', async () => {
  await client.create('Service', {
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  });
  await client.create('Deployment', deployment(3));
  await eventually('three available', async () => (await webStatus())?.availableReplicas === 3);
  assert.deepEqual(new Set((await pods()).map((p) => p.spec?.nodeName)), new Set(['node-1', 'node-2', 'node-3']));
  const ready = await eventually('three endpoints', async () => {
    const { items } = await client.list('EndpointSlice', {
      namespace: 'default',
      labelSelector: 'kubernetes.io/service-name=web',
    });
    const endpoints = items.flatMap((s) => s.endpoints).filter((e) => e.conditions?.ready);
    return endpoints.length === 3 && endpoints;
  });
  assert.ok(ready.every((e) => e.targetRef?.kind === 'Pod'));
  await eventually(
    'Endpoints',
    async () =>
      (await client.get('Endpoints', { namespace: 'default', name: 'web' }))?.subsets?.[0]?.addresses?.length === 3,
  );
});

test('scaling and rolling update; the old ReplicaSet stays for a rollback', async () => {
  await client.patch('Deployment', { namespace: 'default', name: 'web' }, { spec: { replicas: 5 } });
  await eventually('five available', async () => (await webStatus())?.availableReplicas === 5);
  await client.patch(
    'Deployment',
    { namespace: 'default', name: 'web' },
    { spec: { template: { spec: { containers: [{ name: 'c', image: 'two' }] } } } },
  );
  await eventually('all updated', async () => {
    const status = await webStatus();
    return (
      status?.updatedReplicas === 5 &&
      status.replicas === 5 &&
      status.availableReplicas === 5 &&
      status.conditions?.some((c) => c.reason === 'NewReplicaSetAvailable')
    );
  });
  await eventually('the old pods to be gone', async () =>
    (await pods()).every((p) => p.spec?.containers[0]?.image === 'two'),
  );
  const sets = (await client.list('ReplicaSet', { namespace: 'default' })).items;
  assert.deepEqual(sets.map((s) => s.spec?.replicas).sort(), [0, 5]);
  assert.deepEqual(sets.map((s) => s.metadata?.annotations?.['deployment.kubernetes.io/revision']).sort(), ['1', '2']);
});

test('a deleted pod is replaced, no more than that', async () => {
  const [victim] = await pods();
  await client.delete('Pod', { namespace: 'default', name: victim?.metadata?.name ?? '' });
  await eventually('replacement', async () => {
    const now = await pods();
    return now.length === 5 && now.every((p) => p.metadata?.uid !== victim?.metadata?.uid && p.status?.podIP);
  });
});

test('deleting the Deployment takes its ReplicaSets and pods with it', async () => {
  await client.delete('Deployment', { namespace: 'default', name: 'web' }, { propagationPolicy: 'Background' });
  await eventually(
    'nothing left',
    async () => (await pods()).length === 0 && (await client.list('ReplicaSet')).items.length === 0,
  );
});

test('orphan leaves the pods, foreground waits for them', async () => {
  await client.create('Deployment', deployment(2));
  await eventually('two available', async () => (await webStatus())?.availableReplicas === 2);
  await client.delete('Deployment', { namespace: 'default', name: 'web' }, { propagationPolicy: 'Orphan' });
  await eventually('the Deployment to go', async () => (await webStatus()) === undefined);
  const [set] = (await client.list('ReplicaSet', { namespace: 'default' })).items;
  assert.deepEqual([set?.metadata?.ownerReferences ?? [], (await pods()).length], [[], 2]);
  await client.delete(
    'ReplicaSet',
    { namespace: 'default', name: set?.metadata?.name ?? '' },
    { propagationPolicy: 'Foreground' },
  );
  await eventually(
    'nothing left',
    async () => (await pods()).length === 0 && (await client.list('ReplicaSet')).items.length === 0,
  );
});

test('a Deployment whose pods find no node fails at its deadline without any further event', async () => {
  const { spec } = deployment(1);
  const template = {
    ...spec?.template,
    spec: { containers: [{ name: 'c', image: 'x' }], nodeSelector: { no: 'node' } },
  };
  await client.create('Deployment', {
    metadata: { name: 'web', namespace: 'default' },
    spec: { ...spec, selector: spec?.selector ?? {}, template, progressDeadlineSeconds: 2 },
  });
  const progressing = async () => (await webStatus())?.conditions?.find(({ type }) => type === 'Progressing');
  await eventually('progress', async () => (await progressing())?.status === 'True');
  const failed = await eventually('the deadline', async () => {
    clock.advance(0.1);
    const condition = await progressing();
    return condition?.status === 'False' && condition;
  });
  assert.equal(failed.reason, 'ProgressDeadlineExceeded');
  await client.delete('Deployment', { namespace: 'default', name: 'web' });
});

test('a namespace is emptied and goes', async () => {
  await client.create('Namespace', { metadata: { name: 'gone' } });
  await eventually('default ServiceAccount', () =>
    client.get('ServiceAccount', { namespace: 'gone', name: 'default' }),
  );
  await client.create('ConfigMap', { metadata: { name: 'c', namespace: 'gone' } });
  await client.create('Deployment', { ...deployment(2), metadata: { name: 'web', namespace: 'gone' } });
  await eventually('its pods', async () => (await client.list('Pod', { namespace: 'gone' })).items.length === 2);
  await client.delete('Namespace', { name: 'gone' });
  await eventually('its end', async () => (await client.get('Namespace', { name: 'gone' })) === undefined);
  assert.equal((await client.list('Pod', { namespace: 'gone' })).items.length, 0);
});
