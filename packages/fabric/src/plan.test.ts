import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePrefix, prefixContains, prefixesOverlap } from '@podwire/base';
import type { Node } from '@podwire/kube';
import fc from 'fast-check';
import { fabricModel } from './model.ts';
import { describeFabric, planFabric, vtepMac } from './plan.ts';

const POD_CIDRS = [parsePrefix('10.244.0.0/16')];
const UNDERLAY = { link: 'eth0', mtu: 1500, onLink: [parsePrefix('172.30.0.0/24')] };

function node(name: string, address: string, ...podCIDRs: string[]): Node {
  return { metadata: { name }, spec: { podCIDRs }, status: { addresses: [{ type: 'InternalIP', address }] } };
}
const NODES = [
  node('node-2', '172.30.0.12', '10.244.2.0/24'),
  node('node-1', '172.30.0.11', '10.244.1.0/24'),
  node('node-3', '172.30.0.13', '10.244.3.0/24'),
];
const model = (backend: 'host-gw' | 'vxlan', nodes = NODES) =>
  fabricModel('node-1', { backend, podCidrs: POD_CIDRS }, nodes);
const lines = (backend: 'host-gw' | 'vxlan', nodes = NODES) => {
  const desired = planFabric(model(backend, nodes), UNDERLAY);
  return desired && describeFabric(desired).map((e) => e.what);
};

describe('plan', () => {
  test('host-gw is one route per peer and podCIDR', () => {
    assert.deepEqual(lines('host-gw'), [
      'route 10.244.2.0/24 via 172.30.0.12 dev eth0 proto 113',
      'route 10.244.3.0/24 via 172.30.0.13 dev eth0 proto 113',
    ]);
  });

  test('vxlan is a device, its address, and per peer a neighbour, an fdb entry and an onlink route', () => {
    assert.deepEqual(lines('vxlan', NODES.slice(0, 2)), [
      'link pwf.vxlan vxlan id 1 local 172.30.0.11 dstport 8472 mtu 1450 address 02:77:ac:1e:00:0b',
      'address 10.244.1.0/32 dev pwf.vxlan',
      'neigh 10.244.2.0 lladdr 02:77:ac:1e:00:0c dev pwf.vxlan',
      'fdb 02:77:ac:1e:00:0c dst 172.30.0.12 dev pwf.vxlan',
      'route 10.244.2.0/24 via 10.244.2.0 dev pwf.vxlan onlink proto 113',
    ]);
  });

  test('every entry says why, naming the Node', () => {
    const desired = planFabric(model('host-gw'), UNDERLAY);
    assert.equal(desired?.routes[0]?.why, 'Node node-2 has podCIDR 10.244.2.0/24');
  });

  test('a peer outside the subnet is a problem of host-gw, not of vxlan', () => {
    const far = [...NODES, node('node-4', '192.0.2.4', '10.244.4.0/24')];
    const hostGateway = planFabric(model('host-gw', far), UNDERLAY);
    assert.equal(hostGateway?.routes.length, 2);
    assert.match(hostGateway?.problems[0] ?? '', /node-4.*use backend vxlan/);
    assert.equal(planFabric(model('vxlan', far), UNDERLAY)?.routes.length, 3);
  });

  test('without an own Node nothing is planned at all', () => {
    assert.equal(lines('host-gw', NODES.slice(0, 1)), undefined);
    assert.equal(lines('vxlan', [node('node-1', '172.30.0.11')]), undefined);
  });
});

describe('model', () => {
  test('a wrong Node is left out and named', () => {
    const { peers, problems } = model('host-gw', [
      ...NODES,
      node('node-5', '172.30.0.15', '0.0.0.0/0'),
      node('node-6', '172.30.0.16', 'nonsense'),
      node('node-7', '172.30.0.17', '10.244.2.128/25'),
      node('node-8', '172.30.0.12', '10.244.8.0/24'),
      node('node-9', '172.30.0.19'),
      { metadata: { name: 'node-10' } },
      {},
    ]);
    assert.deepEqual(
      peers.map((p) => p.name),
      ['node-2', 'node-3'],
    );
    assert.deepEqual(
      problems.map((p) => /node-\d+/.exec(p)?.[0]),
      ['node-5', 'node-6', 'node-7', 'node-8'],
    );
  });

  test('whatever the Nodes say, routes stay inside the pod CIDR and never overlap, in any order of Nodes', () => {
    const anyNode = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'node-1'),
      address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()),
      cidr: fc.oneof(
        fc.tuple(fc.nat(255), fc.integer({ min: 8, max: 32 })).map(([n, l]) => `10.244.${n}.0/${l}`),
        fc.string(),
      ),
    });
    fc.assert(
      fc.property(fc.uniqueArray(anyNode, { selector: (n) => n.name }), (rows) => {
        const nodes = [
          NODES[1] as Node,
          ...rows.filter((r) => r.name !== 'node-1').map((r) => node(r.name, r.address, r.cidr)),
        ];
        const desired = planFabric(model('vxlan', nodes), UNDERLAY);
        const reversed = planFabric(model('vxlan', nodes.toReversed()), UNDERLAY);
        assert.deepEqual(reversed, desired);
        const routes = desired?.routes ?? [];
        for (const [i, route] of routes.entries()) {
          assert.ok(prefixContains(POD_CIDRS[0] as (typeof POD_CIDRS)[0], route.via));
          assert.ok(routes.slice(i + 1).every((other) => !prefixesOverlap(other.destination, route.destination)));
        }
      }),
    );
  });

  test('VTEP MACs are unicast, local and different for different nodes', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (a, b) => {
        const [x, y] = [vtepMac(a as never), vtepMac(b as never)];
        assert.equal(Number.parseInt(x.slice(0, 2), 16) & 3, 2);
        assert.equal(x === y, a === b);
      }),
    );
  });
});
