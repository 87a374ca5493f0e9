import assert from 'node:assert/strict';
import test from 'node:test';
import { parseIp } from '@podwire/base';
import type { LinkSpec } from './link-creation.ts';
import { address, assertTalk, at, join, withNets } from './talk.fixture.ts';

const near = (i: number) => parseIp(`192.0.2.${i + 1}`);
const near6 = (i: number) => parseIp(`fd00::${i + 1}`);

/** The link that machine `i` has towards machine `1 - i`, over the wire eth0. */
const TUNNELS: Readonly<Record<string, (i: number) => LinkSpec>> = {
  ipip: (i) => ({ name: 't0', kind: 'ipip', ipip: { local: near(i), remote: near(1 - i), ttl: 64 } }),
  sit: (i) => ({ name: 't0', kind: 'sit', sit: { local: near(i), remote: near(1 - i), ttl: 64, protocol: 'any' } }),
  gre: (i) => ({
    name: 't0',
    kind: 'gre',
    gre: { local: near(i), remote: near(1 - i), inputFlags: ['key'], inputKey: 7, outputFlags: ['key'], outputKey: 7 },
  }),
  gretap: (i) => ({ name: 't0', kind: 'gretap', gretap: { local: near(i), remote: near(1 - i) } }),
  ip6tnl: (i) => ({ name: 't0', kind: 'ip6tnl', ip6tnl: { local: near6(i), remote: near6(1 - i), protocol: 'any' } }),
  ip6gre: (i) => ({ name: 't0', kind: 'ip6gre', ip6gre: { local: near6(i), remote: near6(1 - i) } }),
  geneve: (i) => ({ name: 't0', kind: 'geneve', geneve: { vni: 5, remote: near(1 - i), port: 6081 } }),
  vxlan: (i) => ({ name: 't0', kind: 'vxlan', lower: 'eth0', vxlan: { vni: 5, group: near(1 - i), port: 4789 } }),
  vlan: () => ({ name: 't0', kind: 'vlan', lower: 'eth0', vlan: { id: 5 } }),
  macvlan: () => ({ name: 't0', kind: 'macvlan', lower: 'eth0', macvlan: { mode: 'bridge' } }),
  ipvlan: () => ({ name: 't0', kind: 'ipvlan', lower: 'eth0', ipvlan: { mode: 'l2' } }),
};

for (const [kind, spec] of Object.entries(TUNNELS))
  test(`TCP and UDP through ${kind}`, async () => {
    await withNets(2, async (nets, spaces) => {
      join(at(nets, 0), { net: at(nets, 1), netns: at(spaces, 1) }, { near: 'eth0', far: 'eth0' });
      for (const [i, net] of nets.entries()) {
        net.addAddress(address('eth0', near(i)));
        net.addAddress({ ...address('eth0', near6(i), 64), noDad: true });
        net.createLink({ ...spec(i), up: true });
        net.addAddress(address('t0', `10.0.0.${i + 1}`));
      }
      assert.equal(await assertTalk(at(spaces, 0), at(spaces, 1), '10.0.0.2'), 'you are 10.0.0.1');
    });
  });

test('a VRF keeps the routes of its links to itself', async () => {
  await withNets(1, async ([net]) => {
    assert.ok(net);
    net.createLink({ name: 'vrf0', kind: 'vrf', vrf: { table: 77 }, up: true });
    net.createLink({ name: 'd0', kind: 'dummy', master: 'vrf0', up: true });
    net.addAddress(address('d0', '10.0.0.1'));
    const inTable = (table: number) => net.routes({ table, family: 'ipv4' }).map(({ destination }) => destination);
    assert.deepEqual([inTable(77).includes('10.0.0.0/24' as never), inTable(254)], [true, []]);
    assert.equal(net.link('d0')?.master, 'vrf0');
    assert.ok(net.rules({ family: 'ipv4' }).some((rule) => rule.l3mdev === true));
  });
});
