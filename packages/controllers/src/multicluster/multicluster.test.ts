import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { createLogger, silentLogger } from '@podwire/base';
import { createInformers, type KubeClient, type ObjectOf, parseClusterConfig } from '@podwire/kube';
import { startControllers } from '../controllers.ts';
import { eventually } from '../testing/control-plane.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { followPeers } from './cluster-peers.ts';

const key = { namespace: 'default', name: 'web' };
const CIDRS = { serviceCidrs: ['10.96.0.0/16', 'fd00:96::/112'], podCidrs: ['10.244.0.0/16', 'fd00:244::/56'] };
const NAME = 'multicluster.kubernetes.io/service-name';
const SOURCE = 'multicluster.kubernetes.io/source-cluster';

async function startServer(t: TestContext): Promise<ApiServer> {
  const { serviceCidrs, nodePortRange } = parseClusterConfig(CIDRS);
  const server = await startApiServer({ serviceCidrs, nodePortRange });
  t.after(() => server.close());
  return server;
}

/** Controllers of the cluster `name`, with the kubeconfig files of its peers; gives back what stops them. */
async function control(
  t: TestContext,
  server: ApiServer,
  name: string,
  kubeconfigs: Readonly<Record<string, string>> = {},
  logger = silentLogger,
) {
  const client = server.client();
  const informers = createInformers(client);
  const clusterPeers = Object.entries(kubeconfigs).map(([peer, kubeconfig]) => ({ name: peer, kubeconfig }));
  const config = parseClusterConfig({ ...CIDRS, clusterName: name, clusterPeers });
  const peers = followPeers(config.clusterPeers, logger);
  const clock = new VirtualClock(new Date().toISOString());
  const others = { peers: peers.sources };
  const controllers = await startControllers({ client, informers, config, logger: silentLogger, clock, ...others });
  const stop = (): void => {
    controllers.stop();
    informers.stop();
    peers.stop();
  };
  t.after(stop);
  return Object.assign(stop, { clock });
}

/** A Service without a selector, and a slice of it with this address. */
async function serve(client: KubeClient, address: string, spec: object = {}): Promise<void> {
  await client.create('Service', { metadata: key, spec: { ports: [{ name: 'http', port: 80 }], ...spec } });
  await client.create('EndpointSlice', {
    metadata: { ...key, name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], nodeName: 'node-1', hostname: 'one', conditions: { ready: true } }],
  });
}

const exportIt = (client: KubeClient) => client.create('ServiceExport', { metadata: key });
const importOf = (client: KubeClient) => client.get('ServiceImport', key);
const importedSlices = async (client: KubeClient): Promise<ObjectOf<'EndpointSlice'>[]> =>
  (await client.list('EndpointSlice', { namespace: 'default', labelSelector: `${NAME}=web` })).items;

/** `True Valid` of each type of condition of the export. */
async function conditions(client: KubeClient): Promise<Record<string, string>> {
  const all = (await client.get('ServiceExport', key))?.status?.conditions ?? [];
  return Object.fromEntries(all.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
}

async function says(client: KubeClient, wanted: Readonly<Record<string, string>>): Promise<void> {
  let seen: unknown;
  await eventually(`the export says ${JSON.stringify(wanted)}`, async () => {
    seen = await conditions(client);
    return JSON.stringify(seen) === JSON.stringify(wanted);
  }).catch(() => assert.deepEqual(seen, wanted));
}

/** Cluster and address of each endpoint of the import. */
async function endpointsBecome(client: KubeClient, wanted: readonly string[]): Promise<void> {
  let seen: unknown;
  await eventually(`endpoints ${wanted}`, async () => {
    const slices = await importedSlices(client);
    const lines = slices.flatMap(({ metadata, endpoints }) =>
      endpoints.map(({ addresses }) => `${metadata?.labels?.[SOURCE]} ${addresses[0]}`),
    );
    seen = lines.sort();
    return JSON.stringify(seen) === JSON.stringify(wanted);
  }).catch(() => assert.deepEqual(seen, wanted));
}

const addressesFor = async (client: KubeClient): Promise<string[]> =>
  (await client.list('IPAddress')).items
    .filter(({ spec }) => spec?.parentRef?.resource === 'serviceimports')
    .map(({ metadata }) => metadata?.name ?? '')
    .sort();

const GOOD = { Valid: 'True Valid', Ready: 'True Ready', Conflict: 'False NoConflicts' };

test('an export makes an import with addresses and slices, and takes all of it along, also while nobody looks', async (t) => {
  const server = await startServer(t);
  const client = server.client();
  const stop = await control(t, server, 'east');
  await exportIt(client);
  await says(client, { Valid: 'False NoService', Ready: 'False Pending', Conflict: 'False NoConflicts' });
  await serve(client, '192.0.2.1', { ipFamilyPolicy: 'RequireDualStack' });
  await says(client, GOOD);
  await endpointsBecome(client, ['east 192.0.2.1']);
  const made = await importOf(client);
  assert.deepEqual(made?.spec?.ports, [{ name: 'http', port: 80, protocol: 'TCP' }]);
  assert.deepEqual([made?.spec?.type, made?.spec?.ipFamilies], ['ClusterSetIP', ['IPv4', 'IPv6']]);
  assert.match(made?.spec?.ips?.join(' ') ?? '', /^10\.96\.\d+\.\d+ fd00:96::\w+$/);
  assert.deepEqual(made?.status?.clusters, [{ cluster: 'east' }]);
  assert.deepEqual(await addressesFor(client), made?.spec?.ips?.toSorted());
  const [slice] = await importedSlices(client);
  assert.deepEqual(slice?.endpoints[0]?.nodeName, 'node-1', 'at home the node is known');
  assert.equal(slice?.metadata?.labels?.['kubernetes.io/service-name'], undefined);
  const spec = { exportedLabels: { team: 'a' }, exportedAnnotations: { note: 'for all' } };
  await client.patch('ServiceExport', key, { spec });
  await eventually('its labels', async () => (await importOf(client))?.metadata?.labels?.team === 'a');
  assert.equal((await importOf(client))?.metadata?.annotations?.note, 'for all');
  await client.patch('ServiceExport', key, { spec: null });
  await eventually('none of them', async () => (await importOf(client))?.metadata?.annotations === undefined);

  await client.patch('EndpointSlice', { ...key, name: 'web-1' }, { endpoints: [{ addresses: ['192.0.2.7'] }] });
  await endpointsBecome(client, ['east 192.0.2.7']);
  await client.delete('EndpointSlice', { ...key, name: slice?.metadata?.name ?? '' });
  await eventually('the slice again', async () => (await importedSlices(client)).length === 1);
  assert.deepEqual((await importOf(client))?.spec?.ips, made?.spec?.ips, 'the addresses stay');

  stop();
  await client.delete('ServiceExport', key);
  await control(t, server, 'east');
  await eventually('nothing left', async () => {
    const left = [await importOf(client), ...(await importedSlices(client)), ...(await addressesFor(client))];
    return left.every((one) => one === undefined);
  });
});

test('a headless Service has no address; ExternalName is refused; a foreign import is left alone', async (t) => {
  const server = await startServer(t);
  const client = server.client();
  await control(t, server, 'east');
  await serve(client, '192.0.2.1', { clusterIP: 'None' });
  await exportIt(client);
  await endpointsBecome(client, ['east 192.0.2.1']);
  const { spec } = (await importOf(client)) ?? {};
  assert.deepEqual([spec?.type, spec?.ips, await addressesFor(client)], ['Headless', undefined, []]);
  await client.delete('Service', key);
  await eventually('no import', async () => (await importOf(client)) === undefined);
  await client.create('Service', { metadata: key, spec: { type: 'ExternalName', externalName: 'example.com' } });
  await says(client, { Valid: 'False InvalidServiceType', Ready: 'False Pending', Conflict: 'False NoConflicts' });
  await client.delete('Service', key);
  const foreign = { type: 'ClusterSetIP', ports: [{ port: 1 }], ips: ['192.0.2.99'] } as const;
  await client.create('ServiceImport', {
    metadata: key,
    spec: { ...foreign, ports: [...foreign.ports], ips: [...foreign.ips] },
  });
  await client.create('Service', { metadata: key, spec: { ports: [{ port: 80 }] } });
  await says(client, { Valid: 'True Valid', Ready: 'False Failed', Conflict: 'False NoConflicts' });
  assert.deepEqual((await importOf(client))?.spec?.ips, ['192.0.2.99']);
});

test('two clusters import each other’s exports; the oldest counts; a cluster away loses nothing at first', async (t) => {
  const [east, west] = [await startServer(t), await startServer(t)];
  const [here, there] = [east.client(), west.client()];
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-clusters-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const files = { east: path.join(directory, 'east'), west: path.join(directory, 'west') };
  // In whatever order: the files of the peers come later.
  const told: string[] = [];
  const logger = createLogger({ write: (line) => void told.push(line) });
  const stop = await control(t, east, 'east', { west: files.west }, logger);
  await control(t, west, 'west', { east: files.east });
  await eventually('the log names the file', async () =>
    told.some((line) => /cluster=west .*cannot be read/.test(line)),
  );
  for (const [name, server] of Object.entries({ east, west })) {
    const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
    writeFileSync(files[name as keyof typeof files], server.kubeconfig(`https://127.0.0.1:${port}`));
  }
  await serve(there, '198.51.100.1', { sessionAffinity: 'ClientIP' });
  await exportIt(there);
  await endpointsBecome(here, ['west 198.51.100.1']);
  const [slice] = await importedSlices(here);
  assert.deepEqual(slice?.endpoints, [{ addresses: ['198.51.100.1'], conditions: { ready: true }, hostname: 'one' }]);
  assert.equal((await importOf(here))?.spec?.sessionAffinity, 'ClientIP');

  const { creationTimestamp } = (await there.get('ServiceExport', key))?.metadata ?? {};
  await eventually('a later second', async () => Date.now() - Date.parse(String(creationTimestamp)) > 1100);
  await serve(here, '192.0.2.1', {
    ports: [
      { name: 'http', port: 80 },
      { name: 'more', port: 81 },
    ],
  });
  await exportIt(here);
  const all = ['east 192.0.2.1', 'west 198.51.100.1'];
  await endpointsBecome(here, all);
  await endpointsBecome(there, all);
  const conflict = { ...GOOD, Conflict: 'True PortConflict,SessionAffinityConflict,SessionAffinityConfigConflict' };
  await says(here, conflict);
  await says(there, conflict);
  for (const client of [here, there]) {
    const { spec, status } = (await importOf(client)) ?? {};
    assert.deepEqual([spec?.sessionAffinity, spec?.ports.map(({ port }) => port)], ['ClientIP', [80, 81]]);
    assert.deepEqual(status?.clusters, [{ cluster: 'east' }, { cluster: 'west' }]);
  }

  stop();
  await west.close();
  const { clock } = await control(t, east, 'east', { west: files.west });
  await here.patch('EndpointSlice', { ...key, name: 'web-1' }, { endpoints: [{ addresses: ['192.0.2.7'] }] });
  await endpointsBecome(here, ['east 192.0.2.7', 'west 198.51.100.1']);
  assert.equal((await importOf(here))?.spec?.sessionAffinity, 'ClientIP');

  clock.advance(11 * 60);
  await endpointsBecome(here, ['east 192.0.2.7']);
  const { spec, status } = (await importOf(here)) ?? {};
  assert.equal(spec?.sessionAffinity, 'ClientIP', 'what was agreed on stays');
  const said = status?.conditions?.find(({ type }) => type === 'multicluster.podwire.io/ClustersReachable');
  assert.deepEqual([said?.status, said?.reason], ['False', 'ClusterAway']);
  assert.match(said?.message ?? '', /^nothing is heard of west, /);
});
