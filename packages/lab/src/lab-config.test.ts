import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabConfig } from './lab-config.ts';
import { planTopology } from './topology.ts';

test('defaults: three nodes, the router first, DNS outside', () => {
  const config = parseLabConfig({});
  assert.deepEqual(
    config.nodes.map((n) => `${n.name} ${n.address}`),
    ['node-1 172.30.0.11', 'node-2 172.30.0.12', 'node-3 172.30.0.13'],
  );
  assert.deepEqual([config.cluster.dnsAddress, config.cluster.upstreamResolvers], ['10.96.0.10', ['203.0.113.10']]);
});

test('what cannot be is refused, naming the field', () => {
  const cases: [object, RegExp][] = [
    [{ name: '../x' }, /name/],
    [{ nodes: 0 }, /nodes/],
    [{ nods: 3 }, /nods/],
    [{ underlayCidr: 'nonsense' }, /underlayCidr/],
    [{ underlayCidr: '172.30.0.0/30' }, /underlayCidr/],
    [{ underlayCidr: 'fd00::/64' }, /underlayCidr/],
    [{ cluster: { podCidrs: ['10.244.0.0/24'] } }, /podCidrs.*1 of 3 nodes/],
    [{ cluster: { podCidrs: ['fd00::/48'] } }, /podCidrs/],
  ];
  for (const [input, message] of cases)
    assert.throws(() => parseLabConfig(input), { code: 'LAB_BAD_CONFIG', message }, JSON.stringify(input));
  assert.throws(() => parseLabConfig({ outsideCidr: '172.30.0.0/16' }), { code: 'LAB_OVERLAP' });
});

test('every cable end is in a namespace of the plan, and only nodes and router forward', () => {
  const { namespaces, cables } = planTopology(parseLabConfig({ nodes: 5 }));
  const roles = new Set(namespaces.map((n) => n.role));
  assert.ok(cables.flat().every((end) => roles.has(end.role)));
  assert.equal(cables.length, 6);
  assert.deepEqual(
    namespaces.filter((n) => !n.forwarding).map((n) => n.role),
    ['outside'],
  );
  assert.deepEqual(
    namespaces.find((n) => n.role === 'outside')?.routes.map((r) => r.destination),
    ['172.30.0.0/24'],
  );
});
