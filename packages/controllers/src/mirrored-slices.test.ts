import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { planMirror } from './mirrored-slices.ts';

type Endpoints = ObjectOf<'Endpoints'>;
type Service = ObjectOf<'Service'>;

const subsets: Endpoints['subsets'] = [
  {
    addresses: [{ ip: '192.0.2.1', nodeName: 'n' }, { ip: '192.0.2.2', hostname: 'two' }, { ip: 'fd00::1' }],
    notReadyAddresses: [{ ip: '192.0.2.3' }, { ip: '010.0.0.1' }],
    ports: [{ name: 'web', port: 8080, appProtocol: 'http' }],
  },
  { addresses: [{ ip: '192.0.2.9' }], ports: [{ port: 53, protocol: 'UDP' }] },
];
const made = (metadata: Endpoints['metadata'] = {}): Endpoints => ({
  metadata: { name: 'db', namespace: 'shop', uid: 'e', ...metadata },
  subsets,
});
const service: Service = { metadata: { name: 'db', namespace: 'shop' }, spec: { ports: [{ port: 80 }] } };

test('one slice for each family of each subset, with what the Endpoints say', () => {
  const { slices, invalid, surplus } = planMirror(
    made({
      labels: { tier: 'a' },
      annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
    }),
    service,
    [],
  );
  assert.deepEqual([invalid, surplus], [1, 0], 'an octal address is none');
  assert.deepEqual(
    slices.map(({ metadata, addressType, endpoints }) => [
      metadata?.name,
      addressType,
      endpoints.map(({ addresses, conditions }) => `${addresses[0]} ${conditions?.ready}`),
    ]),
    [
      ['db-0', 'IPv4', ['192.0.2.1 true', '192.0.2.2 true', '192.0.2.3 false']],
      ['db-1', 'IPv6', ['fd00::1 true']],
      ['db-2', 'IPv4', ['192.0.2.9 true']],
    ],
  );
  assert.deepEqual(slices[0]?.endpoints.slice(0, 2), [
    { addresses: ['192.0.2.1'], conditions: { ready: true }, nodeName: 'n' },
    { addresses: ['192.0.2.2'], conditions: { ready: true }, hostname: 'two' },
  ]);
  assert.deepEqual(
    slices.map(({ ports }) => ports?.[0]),
    [
      { name: 'web', port: 8080, protocol: 'TCP', appProtocol: 'http' },
      { name: 'web', port: 8080, protocol: 'TCP', appProtocol: 'http' },
      { name: '', port: 53, protocol: 'UDP' },
    ],
  );
  assert.deepEqual(slices[0]?.metadata?.labels, {
    tier: 'a',
    'kubernetes.io/service-name': 'db',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  });
  assert.deepEqual(slices[0]?.metadata?.annotations, { note: 'x' });
  assert.deepEqual(slices[0]?.metadata?.ownerReferences?.[0]?.kind, 'Endpoints');
});

test('not mirrored: with a selector, as ExternalName, without a Service, by label, and locks of elections', () => {
  const count = (endpoints: Endpoints, of: Service | undefined): number => planMirror(endpoints, of, []).slices.length;
  assert.equal(count(made(), { ...service, spec: { selector: { app: 'x' } } }), 0);
  assert.equal(count(made(), { ...service, spec: { type: 'ExternalName' } }), 0);
  assert.equal(count(made(), undefined), 0);
  assert.equal(count(made({ labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }), service), 0);
  assert.equal(count(made({ labels: { 'endpointslice.kubernetes.io/skip-mirror': 'false' } }), service), 3);
  assert.equal(count(made({ annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }), service), 0);
});

test('the same again gives the same slices; one subset less leaves the first ones their names', () => {
  const { slices } = planMirror(made(), service, []);
  assert.deepEqual(planMirror(made(), service, slices).slices, slices);
  const fewer = planMirror({ ...made(), subsets: subsets.slice(0, 1) }, service, slices).slices;
  assert.deepEqual(fewer, slices.slice(0, 2));
});

test('more than a thousand addresses of a subset are cut, and counted', () => {
  const addresses = Array.from({ length: 1200 }, (_, i) => ({ ip: `10.1.${i >> 8}.${i & 255}` }));
  const { slices, surplus } = planMirror({ ...made(), subsets: [{ addresses }] }, service, []);
  assert.deepEqual([slices[0]?.endpoints.length, surplus], [1000, 200]);
});
