import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import fc from 'fast-check';
import { planTopology, type Topology, topologyKey } from './topology.ts';
import { type Distribution, distributionOf, type Endpoint, withHints } from './topology-hints.ts';

type Node = ObjectOf<'Node'>;
interface Given {
  readonly zone?: string;
  readonly cpu?: string;
  readonly ready?: boolean;
  readonly labels?: Record<string, string>;
}
const node = (name: string, { zone, cpu, ready = true, labels = {} }: Given): Node => ({
  metadata: { name, labels: { ...labels, ...(zone && { 'topology.kubernetes.io/zone': zone }) } },
  status: {
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    ...(cpu && { allocatable: { cpu } }),
  },
});
/** `a2 b1`: two endpoints in zone a, one in zone b; `-`: without zone; `!`: not ready. */
const endpoints = (text: string): Endpoint[] =>
  text.split(' ').flatMap((word) => {
    const [, zone = '', count = '', unready = ''] = /^([a-z-])(\d+)(!?)$/.exec(word) ?? [];
    return Array.from({ length: Number(count) }, (_, i) => ({
      addresses: [`10.0.${zone.charCodeAt(0)}.${i}`],
      conditions: { ready: unready === '' },
      nodeName: `node-${zone}`,
      ...(zone !== '-' && { zone }),
    }));
  });
const cpus = (amounts: Readonly<Record<string, number>>): Topology =>
  planTopology(Object.entries(amounts).map(([zone, cpu]) => node(`node-${zone}`, { zone, cpu: String(cpu) })));
const zonesOf = (endpoint: Endpoint): string => endpoint.hints?.forZones?.map(({ name }) => name).join() ?? '';
const count = (list: readonly Endpoint[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(list, zonesOf)].map(([zone, all]) => [zone, all.length]));
const auto = (text: string, topology: Topology) => withHints(endpoints(text), 'in-proportion', topology);

test('what a Service asks for: the annotation before the field, its older name before the newer', () => {
  const asked = (trafficDistribution?: string, annotations: Record<string, string> = {}): Distribution =>
    distributionOf({ metadata: { annotations }, spec: { ...(trafficDistribution && { trafficDistribution }) } });
  const mode = 'service.kubernetes.io/topology-mode';
  const older = 'service.kubernetes.io/topology-aware-hints';
  assert.deepEqual(
    ['PreferClose', 'PreferSameZone', 'PreferSameNode', 'Elsewhere', undefined].map((word) => asked(word)),
    ['same-zone', 'same-zone', 'same-node', 'anyone', 'anyone'],
  );
  assert.equal(asked('PreferSameNode', { [mode]: 'Auto' }), 'in-proportion');
  assert.equal(asked(undefined, { [older]: 'auto' }), 'in-proportion');
  assert.equal(asked('PreferClose', { [mode]: 'Auto', [older]: 'Disabled' }), 'same-zone');
});

test('same zone and same node: ready endpoints get hints, others none', () => {
  const list = endpoints('a1 b1! -1');
  const hints = (distribution: Distribution) =>
    withHints(list, distribution, { shares: 'not asked for' }).endpoints.map(({ hints }) => hints);
  assert.deepEqual(hints('anyone'), [undefined, undefined, undefined]);
  assert.deepEqual(hints('same-zone'), [{ forZones: [{ name: 'a' }] }, undefined, undefined]);
  assert.deepEqual(hints('same-node'), [
    { forZones: [{ name: 'a' }], forNodes: [{ name: 'node-a' }] },
    undefined,
    { forNodes: [{ name: 'node--' }] },
  ]);
});

test('Auto: the cases of KEP-2433', () => {
  const three = cpus({ a: 4, b: 4, c: 4 });
  const two = cpus({ a: 4, b: 4 });
  assert.deepEqual(count(auto('a1 b1 c1', three).endpoints), { a: 1, b: 1, c: 1 });
  assert.deepEqual(count(auto('a3 b1', two).endpoints), { a: 2, b: 2 });
  assert.deepEqual(count(auto('a4', two).endpoints), { a: 2, b: 2 }, 'all from one zone');
  assert.deepEqual(count(auto('a2 b2', cpus({ a: 4, b: 2, c: 2 })).endpoints), { a: 2, b: 1, c: 1 });
  assert.deepEqual(count(auto('a20 b20 c10', cpus({ a: 20, b: 16, c: 14 })).endpoints), { a: 20, b: 16, c: 14 });
  assert.deepEqual(
    count(auto('a3 b3 c3', cpus({ a: 4, b: 4, c: 4, d: 4 })).endpoints),
    { a: 2, b: 2, c: 3, d: 2 },
    'a new zone gets some',
  );
});

test('Auto: its safeguards say why there are no hints', () => {
  const three = cpus({ a: 4, b: 4, c: 4 });
  const zone = { cpu: '4', zone: 'a' };
  const nodes = (...list: Given[]): Topology => planTopology(list.map((given, i) => node(`n${i}`, given)));
  const cases: readonly (readonly [reason: RegExp, endpoints: string, topology: Topology])[] = [
    [/2 ready endpoints are fewer than the 3 zones/, 'a2', three],
    [/2 ready endpoints are fewer than the 3 zones/, 'a2 b1!', three],
    [/4 ready endpoints cannot be shared by 3 zones without an overload of more than 20 %/, 'a2 b1 c1', three],
    [/endpoint 10\.0\.45\.0 is on a node without a zone/, 'a3 b3 -1', three],
    [/Node n1 has no label topology/, 'a3', nodes(zone, { cpu: '4' })],
    [/Node n1 does not say its allocatable CPU/, 'a3', nodes(zone, { zone: 'b' })],
    [/ready nodes in one zone only/, 'a3', nodes(zone, { zone: 'b', cpu: '4', ready: false })],
    [
      /ready nodes in one zone only/,
      'a3',
      nodes(zone, { zone: 'b', cpu: '4', labels: { 'node-role.kubernetes.io/control-plane': '' } }),
    ],
    [/no zone only/, 'a3', nodes()],
  ];
  for (const [reason, text, topology] of cases) {
    const { endpoints: list, refused } = auto(text, topology);
    assert.match(refused ?? '', reason);
    assert.ok(list.every(({ hints }) => hints === undefined));
  }
});

test('Auto: no zone gets less than its share by more than a sixth, and whoever can stays in its own zone', () => {
  const cluster = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 1, max: 64 }), {
    minKeys: 2,
  });
  const spread = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(cluster, spread, (amounts, zones) => {
      const topology = cpus(amounts);
      const list = zones.map(
        (zone, i): Endpoint => ({ addresses: [`10.1.0.${i}`], zone, conditions: { ready: true } }),
      );
      const { endpoints: hinted, refused } = withHints(list, 'in-proportion', topology);
      if (refused !== undefined || typeof topology.shares === 'string') return;
      const counts = count(hinted);
      for (const [zone, share] of topology.shares)
        assert.ok((share * zones.length) / (counts[zone] ?? 0) <= 1.2 + 1e-6, `${zone} of ${JSON.stringify(counts)}`);
      for (const zone of new Set(zones)) {
        const gives = hinted.some((one) => one.zone === zone && zonesOf(one) !== zone);
        const takes = hinted.some((one) => one.zone !== zone && zonesOf(one) === zone);
        assert.ok(!(gives && takes), `${zone} gives and takes`);
      }
      assert.deepEqual(withHints(list, 'in-proportion', topology).endpoints, hinted);
    }),
  );
});

test('heartbeats make no difference, readiness, zone and CPU do', () => {
  const before = node('n', { zone: 'a', cpu: '2' });
  const beat = {
    ...before,
    status: { ...before.status, conditions: [{ type: 'Ready', status: 'True', reason: 'x' }] },
  };
  assert.equal(topologyKey(before), topologyKey(beat));
  for (const given of [
    { zone: 'b', cpu: '2' },
    { zone: 'a', cpu: '3' },
    { zone: 'a', cpu: '2', ready: false },
  ])
    assert.notEqual(topologyKey(before), topologyKey(node('n', given)));
});
