import assert from 'node:assert/strict';
import test from 'node:test';
import type { Link } from './link.ts';
import type { LinkSpec } from './link-creation.ts';
import { diffLinks } from './link-diff.ts';

const seen = (name: string, kind: string, rest: Partial<Link> = {}): Link => ({
  index: 1,
  name,
  kind,
  up: true,
  carrier: true,
  mtu: 1500,
  ...rest,
});
const nothing = { remove: [], create: [], change: [] };

test('what a desired link leaves out may be as it is', () => {
  const spec: LinkSpec = {
    name: 'pw0',
    kind: 'bridge',
    bridge: { vlanFiltering: false },
    mac: 'EE:EE:EE:EE:EE:EE',
    altNames: ['b', 'a'],
  };
  const link = seen('pw0', 'bridge', {
    bridge: { vlanFiltering: false, ageingTime: 30000 },
    mac: 'ee:ee:ee:ee:ee:ee',
    altNames: ['a', 'b'],
    mtu: 1400,
  });
  assert.deepEqual(diffLinks([spec], [link], { prefix: 'pw' }), nothing);
  assert.deepEqual(diffLinks([{ ...spec, mtu: 1500, promiscuous: false, alias: '' }], [link]).change, [
    { name: 'pw0', settings: { mtu: 1500 } },
  ]);
});

test('links with the prefix that are not desired go, the other end of a pair and others stay', () => {
  const observed = [seen('pw0', 'veth'), seen('pw1', 'veth'), seen('pw2', 'veth'), seen('eth0', 'veth')];
  const desired: LinkSpec[] = [{ name: 'pw0', kind: 'veth', peer: { name: 'pw1' } }];
  assert.deepEqual(diffLinks(desired, observed, { prefix: 'pw' }), { ...nothing, remove: ['pw2'] });
  assert.deepEqual(diffLinks(desired, observed).remove, []);
});

test('another kind, VNI or lower link takes a new link, and what sits on it', () => {
  const vlan = (id: number): LinkSpec => ({ name: 'pw1', kind: 'vlan', lower: 'pw0', vlan: { id } });
  const observed = [seen('pw0', 'bridge'), seen('pw1', 'vlan', { lower: 'pw0', vlan: { id: 5 } })];
  assert.deepEqual(diffLinks([vlan(5)], observed), nothing);
  assert.deepEqual(diffLinks([vlan(6)], observed), { ...nothing, remove: ['pw1'], create: [vlan(6)] });
  const base: LinkSpec = { name: 'pw0', kind: 'vxlan', vxlan: { vni: 1 } };
  const both = diffLinks([vlan(5), base], observed);
  assert.deepEqual(
    [both.remove, both.create.map(({ name }) => name)],
    [
      ['pw0', 'pw1'],
      ['pw0', 'pw1'],
    ],
  );
});

test('lower links and masters are made before those that need them', () => {
  const links: LinkSpec[] = [
    { name: 'a', kind: 'vlan', lower: 'b', master: 'c', vlan: { id: 1 } },
    { name: 'b', kind: 'dummy', master: 'd' },
    { name: 'c', kind: 'bridge' },
    { name: 'd', kind: 'vrf', vrf: { table: 7 } },
  ];
  const names = diffLinks(links, []).create.map(({ name }) => name);
  assert.deepEqual(names, ['d', 'b', 'c', 'a']);
});

test('a port that joins another bridge gets its port settings anew', () => {
  const port: LinkSpec = { name: 'pw1', kind: 'veth', master: 'br1', isolated: true };
  const observed = [
    seen('pw1', 'veth', { master: 'br0', isolated: true }),
    seen('br0', 'bridge'),
    seen('br1', 'bridge'),
  ];
  assert.deepEqual(diffLinks([port], observed).change, [{ name: 'pw1', settings: { master: 'br1', isolated: true } }]);
});
