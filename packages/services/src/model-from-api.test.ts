import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp, parsePrefix } from '@podwire/base';
import type { EndpointSlice, Service } from '@podwire/kube';
import { allowedSources } from './model.ts';
import { disjointPrefixes, nodeFromApi, serviceFromApi } from './model-from-api.ts';

const slice = (endpoints: readonly object[], addressType = 'IPv4'): EndpointSlice =>
  ({ addressType, ports: [{ name: 'http', protocol: 'TCP', port: 8080 }], endpoints }) as unknown as EndpointSlice;
const service = (spec: object, annotations: Record<string, string> = {}): Service =>
  ({
    metadata: { namespace: 'n', name: 's', annotations },
    spec: { ports: [{ name: 'http', port: 80 }], ...spec },
  }) as Service;

test('endpoints of both families, in order, each once; what is no address of the slice is left out', () => {
  const { ports } = serviceFromApi(
    service({ clusterIPs: ['10.96.0.1', 'fd00:2::1'] }),
    [
      slice([{ addresses: ['FD00::5'] }, { addresses: ['10.0.0.9'] }], 'IPv6'),
      slice([{ addresses: ['10.0.0.10'] }, { addresses: ['10.0.0.9'] }, { addresses: ['010.0.0.1'] }]),
      slice([{ addresses: ['10.0.0.9'], nodeName: 'node-1' }, { addresses: ['127.0.0.1'] }, { addresses: [] }]),
      slice([{ addresses: ['pod.example'] }], 'FQDN'),
    ],
    'node-1',
  );
  assert.deepEqual(
    ports[0]?.endpoints.map(({ address, local }) => [address, local]),
    [
      ['10.0.0.9', true],
      ['10.0.0.10', false],
      ['fd00::5', false],
    ],
  );
});

test('weights by address and by pod, and hints', () => {
  const annotations = { 'podwire.io/weights': '10.0.0.1=3, web-0 = 2, 10.0.0.3=0, x, 10.0.0.4=1000' };
  const endpoints = [
    { addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'a' }], forNodes: [{ name: 'node-1' }] } },
    { addresses: ['10.0.0.2'], targetRef: { name: 'web-0' } },
    { addresses: ['10.0.0.3'], hints: {} },
    { addresses: ['10.0.0.4'] },
  ];
  const { ports } = serviceFromApi(service({}, annotations), [slice(endpoints)], 'node-1');
  assert.deepEqual(
    ports[0]?.endpoints.map(({ weight, forZones, forNodes }) => [weight, forZones, forNodes]),
    [
      [3, ['a'], ['node-1']],
      [2, undefined, undefined],
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
    ],
  );
});

test('a way to balance that nobody knows is none', () => {
  const balance = (word: string) => serviceFromApi(service({}, { 'podwire.io/balance': word }), [], '').balance;
  assert.deepEqual(['maglev', 'random', 'fastest'].map(balance), ['maglev', undefined, undefined]);
});

test('a health check node port is there only with an external policy Local', () => {
  const port = (spec: object) => serviceFromApi(service({ healthCheckNodePort: 31_000, ...spec }), [], '');
  const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
  assert.equal(port(local).healthCheckNodePort, 31_000);
  assert.equal(port({ ...local, externalTrafficPolicy: 'Cluster' }).healthCheckNodePort, undefined);
  assert.equal(port({ ...local, type: 'NodePort' }).healthCheckNodePort, undefined);
});

test('source ranges count per family: none means everyone, those of the other family nobody, /0 everyone', () => {
  const of = (ranges: string[], family: 'ipv4' | 'ipv6') =>
    allowedSources(serviceFromApi(service({ loadBalancerSourceRanges: ranges }), [], ''), family);
  assert.equal(of([], 'ipv4'), undefined);
  assert.deepEqual(of([' 10.0.0.0/8', '10.1.0.0/16'], 'ipv4'), ['10.0.0.0/8']);
  assert.deepEqual(of(['10.0.0.0/8'], 'ipv6'), []);
  assert.equal(of(['10.0.0.0/8', '::/0'], 'ipv6'), undefined);
});

test('node ports are at the primary addresses, or where the ranges say (SVC-9)', () => {
  const node = {
    metadata: { labels: { 'topology.kubernetes.io/zone': 'a' } },
    spec: { podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'] },
    status: {
      addresses: [
        { type: 'Hostname', address: 'node-1' },
        { type: 'InternalIP', address: '172.30.0.1' },
        { type: 'InternalIP', address: '172.30.0.9' },
        { type: 'InternalIP', address: 'fd00:3::1' },
        { type: 'ExternalIP', address: '203.0.113.1' },
      ],
    },
  };
  const primary = nodeFromApi(node, 'node-1');
  assert.deepEqual(primary.addresses, ['172.30.0.1', 'fd00:3::1']);
  assert.deepEqual(primary.nodePortAddresses, primary.addresses);
  assert.deepEqual([primary.zone, primary.podCidrs], ['a', ['10.244.1.0/24', 'fd00:1::/64']]);
  const places = { ranges: ['203.0.113.0/24', '172.30.0.8/29'].map(parsePrefix), local: [parseIp('172.30.0.10')] };
  assert.deepEqual(nodeFromApi(node, 'node-1', places).nodePortAddresses, ['172.30.0.9', '172.30.0.10', '203.0.113.1']);
  assert.deepEqual(nodeFromApi(undefined, 'n').addresses, []);
});

test('prefixes come in order and without overlaps', () => {
  assert.deepEqual(disjointPrefixes(['fd00::/64', '10.1.0.0/16', '10.0.0.0/8', 'x', '9.0.0.0/8']), [
    '9.0.0.0/8',
    '10.0.0.0/8',
    'fd00::/64',
  ]);
});
