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

test('what is compared as the kernel keeps it: case of names, bits with a mask, times of a bridge', () => {
  const same = (spec: Partial<LinkSpec>, link: Partial<Link>) =>
    diffLinks([{ name: 'pw0', kind: 'bridge', ...spec }], [seen('pw0', 'bridge', link)]).change.length === 0;
  assert.equal(same({ alias: 'Pod' }, { alias: 'pod' }), false);
  assert.equal(
    same({ bridge: { groupAddress: '01:80:C2:00:00:0D' } }, { bridge: { groupAddress: '01:80:c2:00:00:0d' } }),
    true,
  );
  const bits = (value: number, mask: number) => ({ bridge: { booleanOptions: { value, mask } } });
  assert.equal(same(bits(1, 1), bits(5, 15)), true);
  assert.equal(same(bits(1, 3), bits(3, 15)), false);
  const flags = ['looseBinding'] as const;
  const told = {
    flags: ['reorderHeader', 'looseBinding'],
    mask: ['reorderHeader', 'gvrp', 'looseBinding', 0xffffffe0],
  };
  const vlan = (given: object) =>
    diffLinks(
      [{ name: 'pw1', kind: 'vlan', vlan: { flags: given } } as LinkSpec],
      [seen('pw1', 'vlan', { vlan: { flags: told } } as Partial<Link>)],
    ).change.length === 0;
  assert.equal(vlan({ flags, mask: flags }), true);
  assert.equal(vlan({ flags, mask: ['looseBinding', 'reorderHeader'] }), false);
  assert.equal(same({ bridge: { ageingTime: 12_345 } }, { bridge: { ageingTime: 12_344 } }), true);
  assert.equal(same({ bridge: { ageingTime: 12_345 } }, { bridge: { ageingTime: 12_343 } }), false);
  assert.equal(same({ bridge: { multicastQueryInterval: 6001 } }, { bridge: { multicastQueryInterval: 6000 } }), true);
  assert.equal(same({ bridge: { priority: 7 } }, { bridge: { priority: 8 } }), false);
});

test('what goes along with a link that goes is made anew', () => {
  const tunnel: LinkSpec = { name: 'pw1', kind: 'vxlan', lower: 'eth0' };
  const observed = [seen('pw0', 'veth'), seen('pw1', 'vxlan', { lower: 'pw0' }), seen('eth0', 'veth')];
  assert.deepEqual(diffLinks([tunnel], observed, { prefix: 'pw' }), {
    ...nothing,
    remove: ['pw0', 'pw1'],
    create: [tunnel],
  });
  const pair = [seen('pw0', 'veth', { index: 2, peerIndex: 3 }), seen('pw1', 'veth', { index: 3, peerIndex: 2 })];
  const other: LinkSpec = { name: 'pw1', kind: 'veth', peer: { name: 'pw2' } };
  assert.deepEqual(diffLinks([other], pair, { prefix: 'pw' }), { ...nothing, remove: ['pw0', 'pw1'], create: [other] });
  const far = pair.map((link) => ({ ...link, peerNetnsId: 0 }));
  assert.deepEqual(diffLinks([other], far, { prefix: 'pw' }), { ...nothing, remove: ['pw0'] });
});
