import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { silentLogger } from '@podwire/base';
import { createInformers, type ObjectOf, parseClusterConfig } from '@podwire/kube';
import { type Controllers, startControllers } from './controllers.ts';
import { VirtualClock } from './testing/virtual-clock.ts';
import { TRIGGER_TIME } from './trigger-times.ts';

const config = parseClusterConfig({
  podCidrs: ['10.244.0.0/16', 'fd00:244::/56'],
  serviceCidrs: ['10.96.0.0/12', 'fd00:96::/112'],
});
const server = await startApiServer({ serviceCidrs: config.serviceCidrs, nodePortRange: config.nodePortRange });
const client = server.client();
const informers = createInformers(client);
let controllers: Controllers;
const ZONE = 'topology.kubernetes.io/zone';
const namespace = 'default';

type EndpointSlice = ObjectOf<'EndpointSlice'>;
const slicesOf = async (name: string): Promise<EndpointSlice[]> =>
  (await client.list('EndpointSlice', { namespace, labelSelector: `kubernetes.io/service-name=${name}` })).items;
const hintsOf = async (name: string): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    (await slicesOf(name)).flatMap(({ endpoints }) =>
      endpoints.map(({ targetRef, hints }) => [
        targetRef?.name ?? '',
        Object.values(hints ?? {})
          .flat()
          .map((hint) => hint.name)
          .join(' '),
      ]),
    ),
  );
const addressesOf = (slices: readonly EndpointSlice[]): string =>
  slices
    .flatMap(({ endpoints }) => endpoints.map(({ addresses }) => addresses[0]))
    .sort()
    .join(' ');

/** Looks again until it is so; fails with what it was. */
async function becomes(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
  let seen: unknown;
  for (let i = 0; i < 3000; i++) {
    seen = await look();
    if (JSON.stringify(seen) === JSON.stringify(wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual(seen, wanted);
}

async function makeNode(name: string, zone: string): Promise<void> {
  await client.create('Node', { metadata: { name, labels: { [ZONE]: zone } } });
  const status = { conditions: [{ type: 'Ready', status: 'True' }], allocatable: { cpu: '4' } };
  await client.patch('Node', { name }, { status }, { subresource: 'status' });
}

async function makePod(name: string, nodeName: string, ips: readonly string[]): Promise<void> {
  await client.create('Pod', {
    metadata: { name, namespace, labels: { app: 'web' } },
    spec: { nodeName, containers: [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: 8080 }] }] },
  });
  const status = {
    phase: 'Running',
    podIP: ips[0],
    podIPs: ips.map((ip) => ({ ip })),
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  await client.patch('Pod', { namespace, name }, { status }, { subresource: 'status' });
}

before(async () => {
  // Nobody renews leases here: no time passes for nodes.
  const clock = new VirtualClock(new Date().toISOString());
  controllers = await startControllers({ client, informers, config, logger: silentLogger, clock });
  for (const [i, zone] of ['a', 'b', 'c'].entries()) {
    await makeNode(`node-${zone}`, `zone-${zone}`);
    await makePod(`web-${zone}`, `node-${zone}`, [`10.244.${i}.2`, `fd00:244:0:${i}::2`]);
  }
  await client.create('Service', {
    metadata: { name: 'web', namespace, labels: { tier: 'front' } },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' as never }] },
  });
  await becomes(async () => addressesOf(await slicesOf('web')), '10.244.0.2 10.244.1.2 10.244.2.2');
});
after(async () => {
  controllers.stop();
  informers.stop();
  await server.close();
});

const patchService = (name: string, patch: object) => client.patch('Service', { namespace, name }, patch);

test('nothing is written again while nothing changes', async () => {
  const version = async () => (await slicesOf('web')).map(({ metadata }) => metadata?.resourceVersion);
  const first = await version();
  await client.patch('Node', { name: 'node-a' }, { metadata: { annotations: { beat: '1' } } });
  await patchService('web', { metadata: { annotations: { note: 'x' } } });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(await version(), first);
});

test('a slice that somebody deletes or changes is made good; a label that goes from the Service goes from it', async () => {
  const [slice] = await slicesOf('web');
  const key = { namespace, name: slice?.metadata?.name ?? '' };
  await client.delete('EndpointSlice', key);
  await becomes(async () => (await slicesOf('web')).length, 1);
  const [made] = await slicesOf('web');
  assert.equal(made?.metadata?.annotations?.[TRIGGER_TIME], undefined, 'nothing happened to the Service or its pods');
  await client.patch('EndpointSlice', key, { endpoints: [] });
  await becomes(async () => addressesOf(await slicesOf('web')), '10.244.0.2 10.244.1.2 10.244.2.2');
  await patchService('web', { metadata: { labels: { tier: null, role: 'x' } } });
  await becomes(async () => {
    const { tier, role } = (await slicesOf('web'))[0]?.metadata?.labels ?? {};
    return [tier ?? 'gone', role];
  }, ['gone', 'x']);
});

test('a slice says when that happened for which it was written', async () => {
  const [first] = await slicesOf('web');
  const triggerOf = async () => (await slicesOf('web'))[0]?.metadata?.annotations?.[TRIGGER_TIME];
  for (const [status, lastTransitionTime] of [
    ['False', '2026-03-01T10:00:00Z'],
    ['True', '2026-03-01T10:00:07Z'],
  ]) {
    const conditions = [{ type: 'Ready', status, lastTransitionTime }];
    await client.patch('Pod', { namespace, name: 'web-a' }, { status: { conditions } }, { subresource: 'status' });
    await becomes(triggerOf, lastTransitionTime);
  }
  assert.deepEqual((await slicesOf('web'))[0]?.endpoints, first?.endpoints);
});

test('a second family comes and goes with the Service', async () => {
  const types = async () =>
    (await slicesOf('web')).map((slice) => `${slice.addressType} ${addressesOf([slice])}`).sort();
  await patchService('web', { spec: { ipFamilyPolicy: 'PreferDualStack' } });
  await becomes(types, ['IPv4 10.244.0.2 10.244.1.2 10.244.2.2', 'IPv6 fd00:244:0:1::2 fd00:244:0:2::2 fd00:244::2']);
  await patchService('web', { spec: { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] } });
  await becomes(types, ['IPv4 10.244.0.2 10.244.1.2 10.244.2.2']);
});

test('trafficDistribution, switched while it runs, and a node that moves to another zone', async () => {
  const look = () => hintsOf('web');
  await patchService('web', { spec: { trafficDistribution: 'PreferSameZone' } });
  await becomes(look, { 'web-a': 'zone-a', 'web-b': 'zone-b', 'web-c': 'zone-c' });
  await patchService('web', { spec: { trafficDistribution: 'PreferSameNode' } });
  await becomes(look, { 'web-a': 'zone-a node-a', 'web-b': 'zone-b node-b', 'web-c': 'zone-c node-c' });
  await client.patch('Node', { name: 'node-c' }, { metadata: { labels: { [ZONE]: 'zone-b' } } });
  await becomes(look, { 'web-a': 'zone-a node-a', 'web-b': 'zone-b node-b', 'web-c': 'zone-b node-c' });
  await client.patch('Node', { name: 'node-c' }, { metadata: { labels: { [ZONE]: 'zone-c' } } });
  await patchService('web', { spec: { trafficDistribution: null } });
  await becomes(look, { 'web-a': '', 'web-b': '', 'web-c': '' });
});

test('topology-mode Auto: hints while its safeguards hold, and Events that say so', async () => {
  const mode = 'service.kubernetes.io/topology-mode';
  const events = async () =>
    (await client.list('Event', { namespace })).items
      .filter(({ involvedObject }) => involvedObject.name === 'web')
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`)
      .sort();
  await patchService('web', { metadata: { annotations: { [mode]: 'Auto' } } });
  await becomes(() => hintsOf('web'), { 'web-a': 'zone-a', 'web-b': 'zone-b', 'web-c': 'zone-c' });
  await client.patch('Node', { name: 'node-b' }, { status: { allocatable: { cpu: null } } }, { subresource: 'status' });
  await becomes(() => hintsOf('web'), { 'web-a': '', 'web-b': '', 'web-c': '' });
  await becomes(events, [
    'Normal TopologyAwareHintsEnabled: Topology Aware Hints have been enabled',
    'Warning TopologyAwareHintsDisabled: Node node-b does not say its allocatable CPU, addressType: IPv4',
  ]);
  await client.patch('Node', { name: 'node-b' }, { status: { allocatable: { cpu: '4' } } }, { subresource: 'status' });
  await patchService('web', { metadata: { annotations: { [mode]: null } } });
  await becomes(() => hintsOf('web'), { 'web-a': '', 'web-b': '', 'web-c': '' });
  await becomes(async () => (await events()).length, 3);
});

test('a pod whose node goes is no endpoint any more', async () => {
  await makeNode('node-d', 'zone-a');
  await makePod('web-d', 'node-d', ['10.244.9.2']);
  await becomes(async () => addressesOf(await slicesOf('web')), '10.244.0.2 10.244.1.2 10.244.2.2 10.244.9.2');
  await client.delete('Node', { name: 'node-d' });
  await becomes(async () => addressesOf(await slicesOf('web')), '10.244.0.2 10.244.1.2 10.244.2.2');
});

test('without its selector a Service keeps its endpoints, until its Endpoints say others', async () => {
  await becomes(async () => (await client.get('Endpoints', { namespace, name: 'web' }))?.subsets?.length, 1);
  await patchService('web', { spec: { selector: null } });
  await becomes(
    async () =>
      (await slicesOf('web')).map(({ metadata }) => metadata?.labels?.['endpointslice.kubernetes.io/managed-by']),
    ['endpointslicemirroring-controller.k8s.io'],
  );
  assert.equal(addressesOf(await slicesOf('web')), '10.244.0.2 10.244.1.2 10.244.2.2');
  const subsets = [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ port: 9000 }] }];
  await client.patch('Endpoints', { namespace, name: 'web' }, { subsets });
  await becomes(async () => addressesOf(await slicesOf('web')), '192.0.2.7');
  await patchService('web', { spec: { selector: { app: 'web' } } });
  await becomes(async () => addressesOf(await slicesOf('web')), '10.244.0.2 10.244.1.2 10.244.2.2');
});

test('hand-made Endpoints are mirrored while they are wanted; hand-made slices stay as they are', async () => {
  const endpoints = {
    metadata: { name: 'db', namespace },
    subsets: [{ addresses: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }], ports: [{ port: 5432 }] }],
  };
  await client.create('Endpoints', endpoints);
  await client.create('Service', { metadata: { name: 'db', namespace }, spec: { ports: [{ port: 5432 }] } });
  await becomes(async () => addressesOf(await slicesOf('db')), '192.0.2.1 192.0.2.2');
  const own: EndpointSlice = {
    metadata: { name: 'db-by-hand', namespace, labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.99'] }],
    ports: [{ port: 5432 }],
  };
  await client.create('EndpointSlice', own);
  const skip = (value: string | null) =>
    client.patch(
      'Endpoints',
      { namespace, name: 'db' },
      {
        metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': value } },
      },
    );
  await skip('true');
  await becomes(async () => addressesOf(await slicesOf('db')), '192.0.2.99');
  await skip(null);
  await becomes(async () => addressesOf(await slicesOf('db')), '192.0.2.1 192.0.2.2 192.0.2.99');
  await client.delete('Endpoints', { namespace, name: 'db' });
  await becomes(async () => addressesOf(await slicesOf('db')), '192.0.2.99');
  await client.delete('Service', { namespace, name: 'db' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(addressesOf(await slicesOf('db')), '192.0.2.99');
});
