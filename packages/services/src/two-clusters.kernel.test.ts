import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { silentLogger } from '@podwire/base';
import { startControllers } from '@podwire/controllers';
import { connectTcp, type Netns } from '@podwire/kernel';
import { createInformers, type KubeClient, parseClusterConfig } from '@podwire/kube';
import { createServicesRoom } from './controller.ts';
import type { ServicesRoom } from './services-room.ts';
import { type ClusterName, NODES, type PodAddress, type TwoNodes, withTwoNodes } from './two-clusters.fixture.ts';

/** For what the clusters tell each other to be so, in ms. */
const DEADLINE = 60_000;
const KEY = { namespace: 'default', name: 'web' };
const [CLIENT, EAST] = NODES.east.pods;
const [WEST1, WEST2] = NODES.west.pods;

const configOf = (name: ClusterName) =>
  parseClusterConfig({ serviceCidrs: ['10.96.0.0/16'], podCidrs: [NODES[name].podCidr], clusterName: name });

/** What is to be done in the end, the last first, while the namespaces are still there. */
type Ends = (() => unknown)[];

async function startServer(ends: Ends, name: ClusterName): Promise<ApiServer> {
  const server = await startApiServer(configOf(name));
  ends.push(() => server.close());
  return server;
}

/** The control plane of one cluster, which follows the other, and the room of its node. */
async function startCluster(ends: Ends, name: ClusterName, place: Place): Promise<ServicesRoom> {
  const config = configOf(name);
  const { address, podCidr } = NODES[name];
  const client = place.server.client();
  const informers = createInformers(client);
  const other = name === 'east' ? 'west' : 'east';
  const peer = { name: other, informers: createInformers(place.peer.client()) };
  await client.create('Node', {
    metadata: { name: 'node-1' },
    spec: { podCIDRs: [podCidr.replace('.0.0/16', '.1.0/24')] },
    status: { addresses: [{ type: 'InternalIP', address }] },
  });
  const controllers = await startControllers({ client, informers, config, logger: silentLogger, peers: [peer] });
  const context = { client, informers, config, logger: silentLogger, nodeName: 'node-1', netns: place.netns };
  const room = createServicesRoom({ ...context, runDirectory: '/nonexistent', stateDirectory: '/nonexistent' });
  ends.push(async () => {
    await room.stop();
    controllers.stop();
    informers.stop();
    peer.informers.stop();
  });
  await room.start();
  return room;
}

interface Place {
  readonly server: ApiServer;
  readonly peer: ApiServer;
  readonly netns: Netns;
}

/** A Service with these pods, exported. */
async function exportPods(client: KubeClient, addresses: readonly PodAddress[]): Promise<void> {
  await client.create('Service', { metadata: KEY, spec: { ports: [{ name: 'http', port: 80 }] } });
  await client.create('EndpointSlice', {
    metadata: { ...KEY, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((one) => ({ addresses: [one], nodeName: 'node-1', conditions: { ready: true } })),
  });
  await client.create('ServiceExport', { metadata: KEY });
}

async function ask(netns: Netns, address: string): Promise<string> {
  const socket = await connectTcp({ netns, address, port: 80, timeout: DEADLINE });
  socket.setTimeout(DEADLINE, () => socket.destroy(new Error('no answer')));
  let heard = '';
  for await (const data of socket) heard += data;
  return heard;
}

async function until<T>(what: string, get: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + DEADLINE; Date.now() < end; await sleep(50)) {
    const value = await get();
    if (value !== undefined) return value;
  }
  return assert.fail(`${what}: not within a minute`);
}

/** Whether the room leads connections to exactly these pods. */
async function leadTo(room: ServicesRoom, address: string, pods: readonly PodAddress[]): Promise<void> {
  const wanted = `clusterset IP ${address} tcp 80 -> ${pods.map((pod) => `${pod}:8080`).join(', ')}`;
  await until(wanted, async () => (room.plan().some(({ what }) => what === wanted) ? wanted : undefined));
  await room.idle();
  assert.deepEqual([await room.diff(), room.status().errors], [[], []]);
}

test('a Service of one cluster is reached from another by its import (SVC-34)', { timeout: 600_000 }, () =>
  withTwoNodes(async (world) => {
    const ends: Ends = [];
    try {
      await followExports(ends, world);
    } finally {
      for (const end of ends.reverse()) await end();
    }
  }),
);

async function followExports(ends: Ends, { nodes, pods }: TwoNodes): Promise<void> {
  const [east, west] = [await startServer(ends, 'east'), await startServer(ends, 'west')];
  const [here, there] = [east.client(), west.client()];
  const room = await startCluster(ends, 'east', { server: east, peer: west, netns: nodes.east });
  await startCluster(ends, 'west', { server: west, peer: east, netns: nodes.west });
  const answers = async (times: number): Promise<string[]> => {
    const heard = new Set<string>();
    for (let i = 0; i < times; i++) heard.add(await ask(pods[CLIENT], address));
    return [...heard].sort();
  };

  await exportPods(there, [WEST1]);
  const address = await until('an import', async () => (await here.get('ServiceImport', KEY))?.spec?.ips?.[0]);
  await leadTo(room, address, [WEST1]);
  assert.deepEqual(await answers(3), [`${WEST1} sees ${CLIENT}`]);
  assert.equal(await ask(nodes.east, address), `${WEST1} sees ${NODES.east.address}`);

  await there.patch('EndpointSlice', KEY, { endpoints: [{ addresses: [WEST2], nodeName: 'node-1' }] });
  await leadTo(room, address, [WEST2]);
  assert.deepEqual(await answers(3), [`${WEST2} sees ${CLIENT}`]);

  await exportPods(here, [EAST]);
  await leadTo(room, address, [EAST, WEST2]);
  assert.deepEqual(
    await answers(60),
    [EAST, WEST2].map((pod) => `${pod} sees ${CLIENT}`),
  );

  await there.delete('ServiceExport', KEY);
  await leadTo(room, address, [EAST]);
  assert.deepEqual(await answers(20), [`${EAST} sees ${CLIENT}`]);
}
