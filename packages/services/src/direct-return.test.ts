import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Node, Service } from '@podwire/kube';
import { planMode } from './mode-plan.ts';
import { modelFromApi } from './snapshot.ts';

const nodes: readonly Node[] = [1, 2, 3].map((n) => ({
  metadata: { name: `node-${n}` },
  spec: { podCIDRs: [`10.244.${n}.0/24`] },
  status: { addresses: [{ type: 'InternalIP', address: `172.30.0.1${n}` }] },
}));

interface Given {
  readonly annotations?: Record<string, string>;
  readonly spec?: Partial<NonNullable<Service['spec']>>;
  /** By address: the name of its node. */
  readonly endpoints?: Readonly<Record<string, string>>;
  readonly known?: readonly Node[];
}

const TWO = { '10.244.1.5': 'node-1', '10.244.2.7': 'node-2', '10.244.2.8': 'node-2' };
const DSR = { 'podwire.io/forwarding': 'dsr' };

/** A Service with an external address, seen from node-1. */
function modelOf({ annotations = DSR, spec = {}, endpoints = TWO, known = nodes }: Given) {
  const service: Service = {
    metadata: { namespace: 'shop', name: 'web', annotations },
    spec: {
      clusterIP: '10.96.0.20',
      externalIPs: ['198.51.100.7'],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      ...spec,
    },
  };
  const slice: EndpointSlice = {
    metadata: { namespace: 'shop', name: 'web-0', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: spec.ports?.[0]?.protocol ?? 'TCP' }],
    endpoints: Object.entries(endpoints).map(([address, nodeName]) => ({
      addresses: [address],
      conditions: { ready: true },
      ...(nodeName && { nodeName }),
    })),
  };
  return modelFromApi({
    ...{ services: [service], slices: [slice], nodes: known, node: nodes[0], nodeName: 'node-1' },
    ...{ podCidrs: ['10.244.0.0/16'], serviceCidrs: ['10.96.0.0/12'] },
  });
}

const external = async (given: Given, mode: Parameters<typeof planMode>[0] = 'nftables'): Promise<string[]> => {
  const { entries } = await planMode(mode, modelOf(given));
  return entries.map(({ what }) => what).filter((what) => what.startsWith('external IP'));
};

test('the plan says by which nodes connections return, and who serves clients inside', async () => {
  assert.deepEqual(await external({}), [
    'external IP 198.51.100.7 tcp 80 -> 10.244.1.5:8080, from inside -> 10.244.1.5:8080, 10.244.2.7:8080, 10.244.2.8:8080; direct return by node-1 (1), node-2 (2, by 172.30.0.12)',
  ]);
  assert.deepEqual(await external({ endpoints: { '10.244.3.9': 'node-3' } }), [
    'external IP 198.51.100.7 tcp 80 -> 10.244.3.9:8080; direct return by node-3 (1, by 172.30.0.13)',
  ]);
});

test('without endpoints it is refused as ever', async () => {
  const { problems } = await planMode('nftables', modelOf({ endpoints: {} }));
  assert.deepEqual(
    [await external({ endpoints: {} }), problems],
    [['external IP 198.51.100.7 tcp 80 is refused: no endpoints'], []],
  );
});

test('what cannot return directly is said, and served as if it was not asked for', async () => {
  const cases: readonly (readonly [Given, RegExp])[] = [
    [{ spec: { sessionAffinity: 'ClientIP' } }, /does not go with affinity/],
    [{ spec: { externalTrafficPolicy: 'Local' } }, /does not go with externalTrafficPolicy Local/],
    [{ annotations: { ...DSR, 'podwire.io/balance': 'source-hash' } }, /does not go with balance source-hash/],
    [{ spec: { ports: [{ name: 'http', port: 80, protocol: 'SCTP' }] } }, /is not for SCTP/],
    [{ endpoints: { ...TWO, '192.0.2.9': '' } }, /cannot lead to 192\.0\.2\.9:8080, which is on no node/],
    [{ known: nodes.slice(0, 1) }, /cannot lead to node-2, which has no InternalIP of the family/],
  ];
  for (const [given, problem] of cases) {
    const { problems, entries } = await planMode('nftables', modelOf(given));
    assert.equal(problems.length, 1);
    assert.match(
      problems[0] ?? '',
      /^Service shop\/web port http: forwarding dsr .*, so clients outside are served without/,
    );
    assert.match(problems[0] ?? '', problem);
    const { 'podwire.io/forwarding': _, ...rest } = given.annotations ?? {};
    assert.deepEqual(entries, (await planMode('nftables', modelOf({ ...given, annotations: rest }))).entries);
  }
});

test('a node behind a router is not handed anything', async () => {
  const model = modelOf({});
  const known = model.peers?.nodes ?? new Map();
  const { addresses } = known.get('node-2') ?? assert.fail();
  const peers = new Map([...known, ['node-2', { addresses, distant: addresses }]]);
  const { problems } = await planMode('nftables', { ...model, peers: { nodes: peers } });
  assert.deepEqual(problems, [
    'Service shop/web port http: forwarding dsr cannot lead to node-2, whose address 172.30.0.12 is on no link of this node, so clients outside are served without it',
  ]);
});

test('a kernel without dup hands nothing over', async () => {
  const model = modelOf({});
  const peers = { nodes: model.peers?.nodes ?? assert.fail(), withoutDup: ['ipv4'] as const };
  const { problems } = await planMode('nftables', { ...model, peers });
  assert.deepEqual(problems, [
    'Service shop/web port http: forwarding dsr needs nft_dup_ipv4 of the kernel, so clients outside are served without it',
  ]);
});

test('modes without it say so, and serve as if it was not asked for', async () => {
  for (const mode of ['iptables', 'ipvs', 'userspace'] as const) {
    const { problems, entries } = await planMode(mode, modelOf({}));
    assert.deepEqual(problems, [
      `Service shop/web: forwarding dsr is not in mode ${mode}, so clients outside are served without it; choose mode nftables`,
    ]);
    assert.deepEqual(entries, (await planMode(mode, modelOf({ annotations: {} }))).entries);
  }
  for (const mode of ['nftables', 'ebpf'] as const) {
    assert.deepEqual((await planMode(mode, modelOf({}))).problems, []);
    assert.match((await external({}, mode))[0] ?? '', /direct return by/);
  }
});

test('a service without external addresses has nothing to return, and says nothing', async () => {
  const { problems, entries } = await planMode('userspace', modelOf({ spec: { externalIPs: [] } }));
  assert.deepEqual([problems, entries.length], [[], 1]);
});
