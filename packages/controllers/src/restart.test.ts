import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { silentLogger } from '@podwire/base';
import { createDynamicClient, createInformers, createKubeClient, parseClusterConfig } from '@podwire/kube';
import { startControllers } from './controllers.ts';
import { addNode, eventually } from './testing/control-plane.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const config = parseClusterConfig();
const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    ...{ group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget' } },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};

test('controllers of another process outlive their API server, and go on with the next', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-controllers-'));
  const socketPath = path.join(directory, 'api');
  const start = async (): Promise<ApiServer> => {
    const server = await startApiServer({ directory: path.join(directory, 'state') });
    await server.listenUnix(socketPath);
    return server;
  };
  let server = await start();
  const client = createKubeClient({ socketPath });
  const dynamic = createDynamicClient({ socketPath });
  const informers = createInformers(client);
  const clock = new VirtualClock(new Date().toISOString());
  const controllers = await startControllers({ client, dynamic, informers, config, logger: silentLogger, clock });
  t.after(async () => {
    controllers.stop();
    informers.stop();
    client.close();
    dynamic.close();
    await server.close();
    rmSync(directory, { recursive: true });
  });
  await addNode(server.client(), 'node-1');
  await (await server.dynamicClient().of(DEFINITION.apiVersion, DEFINITION.kind)).create(DEFINITION);
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'one' }] } };
  const key = { namespace: 'default', name: 'web' };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template };
  await server.client().create('Deployment', { metadata: key, spec });
  const bound = async (): Promise<number> =>
    (await server.client().list('Pod')).items.filter((pod) => pod.spec?.nodeName === 'node-1').length;
  await eventually('a pod', async () => (await bound()) === 1);

  await server.close();
  server = await start();
  await server.client().patch('Deployment', key, { spec: { replicas: 3 } });
  const widgets = await server.dynamicClient().of('example.com/v1', 'Widget');
  const widget = { apiVersion: 'example.com/v1', kind: 'Widget' };
  const owner = await widgets.create({ ...widget, metadata: { namespace: 'default', name: 'owner' } });
  const { uid } = owner.metadata as { uid: string };
  await server.client().create('ConfigMap', {
    metadata: { namespace: 'default', name: 'owned', ownerReferences: [{ ...widget, name: 'owner', uid }] },
  });
  await eventually('three pods', async () => (await bound()) === 3);
  assert.equal((await server.client().list('ReplicaSet')).items.length, 1);
  await widgets.delete({ namespace: 'default', name: 'owner' });
  const owned = { namespace: 'default', name: 'owned' };
  await eventually('the end of what it owned', async () => !(await server.client().get('ConfigMap', owned)));
});
