import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress, Prefix } from '@podwire/base';
import {
  type EndpointSlice,
  IMPORT_NAME_LABEL,
  type ServiceImport,
  type ServiceImportSpec,
  SOURCE_CLUSTER_LABEL,
} from '@podwire/kube';
import { planMode } from './mode-plan.ts';
import type { NodeModel } from './model.ts';
import { isProxied, serviceFromImport } from './service-import.ts';
import { ServiceStore } from './service-store.ts';
import { modelFromApi } from './snapshot.ts';

const NODE: NodeModel = {
  name: 'node-1',
  addresses: ['172.30.0.11' as IpAddress],
  nodePortAddresses: [],
  podCidrs: ['10.244.1.0/24' as Prefix],
};
const CLUSTER = { podCidrs: ['10.244.0.0/16'], serviceCidrs: ['10.96.0.0/12'] };

const imported = (spec: Partial<ServiceImportSpec> = {}, annotations = {}): ServiceImport => ({
  metadata: { namespace: 'shop', name: 'web', annotations },
  spec: { type: 'ClusterSetIP', ips: ['10.96.7.1'], ports: [{ name: 'http', port: 80 }], ...spec },
});

type Endpoint = EndpointSlice['endpoints'][number];

const slice = (cluster: string, ...endpoints: Endpoint[]): EndpointSlice => ({
  metadata: {
    namespace: 'shop',
    name: `web-${cluster}`,
    labels: { [IMPORT_NAME_LABEL]: 'web', [SOURCE_CLUSTER_LABEL]: cluster },
  },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080 }],
  endpoints,
});
// forNodes is newer than the types in use (KEP-3015)
const endpoint = (address: string, nodeName: string, forNode?: string): Endpoint => ({
  addresses: [address],
  nodeName,
  ...(forNode && {
    hints: { forZones: [{ name: 'a' }], forNodes: [{ name: forNode }] } as NonNullable<Endpoint['hints']>,
  }),
});

test('endpoints are on this node by their address, whatever the cluster', () => {
  const model = serviceFromImport(
    imported(),
    [
      slice(
        'own',
        endpoint('10.244.1.5', 'node-1'),
        endpoint('10.244.2.5', 'node-2'),
        endpoint('172.30.0.11', 'node-1'),
      ),
      slice('west', endpoint('10.245.1.5', 'node-1'), { addresses: ['10.245.1.6'] }),
    ],
    NODE,
  );
  const endpoints = model.ports[0]?.endpoints ?? [];
  assert.deepEqual(
    endpoints.map(({ address, local, maybeLocal }) => [address, local, maybeLocal]),
    [
      ['10.244.1.5', true, true],
      ['10.244.2.5', false, false],
      ['10.245.1.5', false, false],
      ['10.245.1.6', false, true],
      ['172.30.0.11', true, true],
    ],
  );
});

test('hints for a node of another cluster are not for the node of that name here; zones are the same everywhere', () => {
  const model = serviceFromImport(
    imported(),
    [
      slice('own', endpoint('10.244.1.5', 'node-1', 'node-1')),
      slice('west', endpoint('10.245.1.5', 'node-1', 'node-1')),
    ],
    NODE,
  );
  assert.deepEqual(
    model.ports[0]?.endpoints.map(({ forNodes, forZones }) => [forNodes, forZones]),
    [
      [['node-1'], ['a']],
      [['west/node-1'], ['a']],
    ],
  );
});

test('an import is as its spec says, and what is wrong in it has no effect and is told', () => {
  const model = serviceFromImport(
    imported({
      ips: ['10.96.7.1', '010.0.0.1', 'fd00:96::7'],
      ports: [
        { name: 'http', port: 80 },
        { name: 'again', port: 80 },
        { name: 'dns', port: 80, protocol: 'UDP' },
        { name: 'none', port: 0 },
      ],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
      internalTrafficPolicy: 'Local',
    }),
    [],
    NODE,
  );
  const { kind, clusterAddresses, affinitySeconds, internalLocal, ports, misread } = model;
  assert.deepEqual(
    { kind, clusterAddresses, affinitySeconds, internalLocal },
    {
      kind: 'ServiceImport',
      clusterAddresses: ['10.96.7.1', 'fd00:96::7'],
      affinitySeconds: 60,
      internalLocal: true,
    },
  );
  assert.deepEqual(
    ports.map(({ name, protocol, port }) => [name, protocol, port]),
    [
      ['http', 'tcp', 80],
      ['dns', 'udp', 80],
    ],
  );
  assert.deepEqual(misread, [
    'ips: "010.0.0.1" is no IP address and has no effect; write 10.1.2.3 or fd00::1',
    'ports: TCP 80 is there twice, and the first one counts; remove the other',
    'ports: TCP 0 is no port and has no effect; write 1 to 65535',
  ]);
  assert.deepEqual(serviceFromImport({}, [], NODE).ports, []);
});

test('an import cannot have an address of the node, of a pod here, or one that is for no host', () => {
  const ips = [
    '172.30.0.11',
    '10.244.1.9',
    '127.0.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '::1',
    'fe80::1',
    'ff02::1',
    '243.1.0.1',
  ];
  const { clusterAddresses, misread } = serviceFromImport(imported({ ips }), [], NODE);
  assert.deepEqual(clusterAddresses, ['243.1.0.1']);
  assert.equal(misread?.length, 8);
  for (const line of misread ?? []) assert.match(line, /is no address for a service and has no effect/);
});

test('headless imports, those without an address, and those of a derived Service are not for the proxy', () => {
  assert.equal(isProxied(imported()), true);
  assert.equal(isProxied(imported({ type: 'Headless' })), false);
  assert.equal(isProxied(imported({ ips: [] })), false);
  assert.equal(isProxied(imported({}, { 'multicluster.kubernetes.io/derived-service': 'derived-web' })), false);
  assert.equal(isProxied({}), false);
});

test('a slice may be for a Service and for an import of the same name', () => {
  const both = slice('own', endpoint('10.244.1.5', 'node-1'));
  both.metadata = { ...both.metadata, labels: { ...both.metadata?.labels, 'kubernetes.io/service-name': 'web' } };
  const service = {
    metadata: { namespace: 'shop', name: 'web' },
    spec: { clusterIP: '10.96.0.20', ports: [{ name: 'http', port: 80 }] },
  };
  const store = new ServiceStore(modelFromApi({ ...EMPTY, services: [] }).cluster, NODE);
  store.putService(service);
  store.putImport(imported());
  store.putSlice(both);
  store.putSlice(slice('west', endpoint('10.245.1.5', 'node-9')));
  store.refresh();
  const endpoints = (key: string) => store.services.get(key)?.ports[0]?.endpoints.map(({ address }) => address);
  assert.deepEqual(endpoints('shop/web'), ['10.244.1.5']);
  assert.deepEqual(endpoints('ServiceImport shop/web'), ['10.244.1.5', '10.245.1.5']);
  store.removeImport(imported());
  assert.deepEqual([...(store.refresh() as Set<string>)], ['ServiceImport shop/web']);
  assert.deepEqual([...store.services.keys()], ['shop/web']);
});

const EMPTY = { ...CLUSTER, slices: [], node: undefined, nodeName: 'node-1' };

test('plans of all modes tell of imports by name, and that the address of a Service is its own', async () => {
  const model = modelFromApi({
    ...EMPTY,
    services: [
      { metadata: { namespace: 'shop', name: 'web' }, spec: { clusterIP: '10.96.7.2', ports: [{ port: 80 }] } },
    ],
    imports: [imported(), { ...imported({ ips: ['10.96.7.2'] }), metadata: { namespace: 'a', name: 'thief' } }],
    slices: [slice('west', endpoint('10.245.1.5', 'node-1'))],
  });
  for (const mode of ['nftables', 'iptables', 'ipvs', 'userspace', 'ebpf'] as const) {
    const { entries, problems } = await planMode(mode, model);
    const ours = entries.filter(({ why }) => why === 'ServiceImport shop/web port http');
    assert.ok(ours.length > 0, mode);
    // mode userspace has no node address here to relay at
    if (mode !== 'userspace')
      for (const { what } of ours) assert.match(what, /clusterset IP 10\.96\.7\.1 tcp 80 -> 10\.245\.1\.5:8080/, mode);
    assert.equal(entries.filter(({ why }) => why.startsWith('ServiceImport a/thief')).length, 0, mode);
    assert.ok(
      problems.includes(
        'ServiceImport a/thief port http: its clusterset IP 10.96.7.2 tcp 80 belongs to Service shop/web port 80 already; change one of them',
      ),
      `${mode}: ${problems}`,
    );
  }
});
