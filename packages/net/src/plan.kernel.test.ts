import assert from 'node:assert/strict';
import test from 'node:test';
import type { LinkSpec } from './link-creation.ts';
import { ip, prefix, withWires } from './namespace.fixture.ts';
import type { Net } from './net.ts';
import { applyNet, failuresOf } from './net-apply.ts';
import { isEmptyPlan, planNet } from './net-plan.ts';
import { type DesiredNet, observeNet } from './net-state.ts';

const OWNER = { protocol: 112, prefix: 'pw' };

/** Plans and applies; the messages of what failed. */
function bringAbout(net: Net, desired: DesiredNet): string[] {
  return failuresOf(applyNet(net, planNet(desired, observeNet(net, OWNER), OWNER))).map(({ message }) => message);
}

function assertThere(net: Net, desired: DesiredNet): void {
  const rest = planNet(desired, observeNet(net, OWNER), OWNER);
  assert.ok(isEmptyPlan(rest), JSON.stringify(rest));
}

test('a link that cannot be made is told, with all that was to be on it; the rest is done', async () => {
  await withWires((net) => {
    const on = (link: string, n: number) => ({ link, address: ip(`10.1.${n}.1`), prefixLength: 24 });
    const failed = bringAbout(net, {
      links: [
        { name: 'pw0', kind: 'quantum' },
        { name: 'pw1', kind: 'bridge', up: true },
      ],
      addresses: [on('pw0', 0), on('pw1', 1)],
      neighbours: [{ link: 'pw0', address: ip('10.1.0.9'), mac: '02:00:00:00:00:09' }],
      routes: [
        { destination: prefix('10.2.0.0/16'), link: 'pw0' },
        { destination: prefix('10.3.0.0/16'), nextHops: [{ link: 'pw0' }, { link: 'v0' }] },
        { destination: prefix('10.4.0.0/16'), link: 'pw1' },
      ],
      rules: [{ priority: 100, table: 7 }],
    });
    assert.match(failed[0] ?? '', /create quantum pw0/);
    assert.deepEqual(
      failed.slice(1),
      Array.from({ length: 4 }, () => 'there is no link pw0 in this network namespace'),
    );
    assert.equal(net.addresses('pw1').filter(({ address }) => address === '10.1.1.1').length, 1);
    assert.deepEqual(
      net.routes({ protocol: 112 }).map(({ destination }) => destination),
      ['10.4.0.0/16'],
    );
    assert.equal(net.rules({ protocol: 112 }).length, 1);
  });
});

test("the entry of a VXLAN link's own group stays, entries of daemons that learn are known again", async () => {
  await withWires((net) => {
    const desired: DesiredNet = {
      links: [{ name: 'pw0', kind: 'vxlan', lower: 'v0', vxlan: { vni: 7, group: ip('239.1.1.9'), port: 8472 } }],
      fdb: [
        { link: 'pw0', mac: '02:00:00:00:00:09', destination: ip('192.0.2.9'), permanent: false, externLearn: true },
      ],
    };
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(bringAbout(net, desired), []);
      assertThere(net, desired);
    }
    assert.deepEqual(
      net.fdb('pw0').map(({ destination }) => destination),
      ['192.0.2.9', '239.1.1.9'],
    );
  });
});

test('one attempt is enough when a lower link or the other end of a pair goes', async () => {
  await withWires((net) => {
    const vxlan = (lower: string): LinkSpec => ({ name: 'pw9', kind: 'vxlan', lower, vxlan: { vni: 9, port: 4789 } });
    const pair = (name: string, peer: string): LinkSpec => ({ name, kind: 'veth', peer: { name: peer } });
    for (const links of [
      [pair('pw0', 'x1'), vxlan('pw0')],
      [vxlan('v0')],
      [pair('pw0', 'pw1')],
      [pair('pw1', 'pw2')],
      [{ name: 'pw1', kind: 'bridge', bridge: { ageingTime: 12_345, booleanOptions: { value: 1, mask: 1 } } }],
    ]) {
      assert.deepEqual(bringAbout(net, { links }), []);
      assertThere(net, { links });
    }
  });
});

test('an address that changes takes the routes and neighbours of its link along, and they come again', async () => {
  await withWires((net) => {
    const state = (label: string): DesiredNet => ({
      links: [{ name: 'pw0', kind: 'bridge', up: true, mac: '02:00:00:00:00:77' }],
      addresses: [
        { link: 'pw0', address: ip('10.1.0.1'), prefixLength: 24, label },
        { link: 'pw0', address: ip('10.1.0.2'), prefixLength: 24 },
      ],
      routes: [{ destination: prefix('10.2.0.0/16'), link: 'pw0', source: ip('10.1.0.2') }],
      neighbours: [{ link: 'pw0', address: ip('10.1.0.9'), mac: '02:00:00:00:00:09' }],
    });
    for (const label of ['pw0:a', 'pw0:b', 'pw0:a']) {
      assert.deepEqual(bringAbout(net, state(label)), []);
      assertThere(net, state(label));
    }
  });
});

test('a link made without IPv6 addresses of its own has none, though it comes up at once', async () => {
  await withWires((net) => {
    net.createLink({ name: 'pw0', kind: 'vxlan', vxlan: { vni: 1, port: 1 }, up: true, addressGeneration: 'none' });
    assert.equal(net.link('pw0')?.addressGeneration, 'none');
    assert.deepEqual(net.addresses('pw0'), []);
  });
});

test('sysctls of links with odd names, that can only be written, or have no value yet', async () => {
  await withWires((net) => {
    net.createLink({ name: 'pw=,1.5', kind: 'bridge' });
    net.setSysctl('net/ipv4/conf/pw=,1.5/rp_filter', '1');
    assert.equal(net.getSysctl('net/ipv4/conf/pw=,1.5/rp_filter'), '1');
    net.setSysctl('net/ipv4/route/flush', '1');
    const secret = 'net/ipv6/conf/default/stable_secret';
    assert.deepEqual(net.sysctls([secret, 'net/ipv4/route/flush']), {});
    net.setSysctl(secret, 'fd00:0000:0000:0000:0000:0000:0000:0001');
    assert.deepEqual(net.sysctls([secret]), { [secret]: 'fd00:0000:0000:0000:0000:0000:0000:0001' });
    for (const path of ['net/ipv4', 'net/ipv4/ip_forward\0', '/net/ipv4/ip_forward', 'net/./ipv4', 'net/ipv4/..'])
      assert.throws(() => net.getSysctl(path), { code: 'NET_BAD_SYSCTL' }, path);
  });
});

test('names of fifteen bytes, other names, and aliases with anything in them', async () => {
  await withWires((net) => {
    const alias = '"quoted\\" \n\'; rm -rf / \u00e9';
    const altNames = ['pw0123456789abd', 'caf\u00e9'];
    const spec: LinkSpec = { name: 'pw0123456789abc', kind: 'bridge', alias, altNames };
    assert.deepEqual(bringAbout(net, { links: [spec] }), []);
    assertThere(net, { links: [spec] });
    for (const name of [spec.name, ...altNames]) assert.equal(net.link(name)?.alias, alias);
    assert.equal(net.link(''), undefined);
    assert.equal(net.deleteLink(''), false);
  });
});
