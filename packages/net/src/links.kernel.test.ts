import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '@podwire/base';
import { PROBES, type ProbeName, probe } from '@podwire/kernel/probe';
import { withNetns } from '@podwire/kernel/testing';
import { assertLink, COMMON_LINKS, withBase } from './links.fixture.ts';
import { openNet } from './net.ts';

const isProbe = (name: string): name is ProbeName => PROBES.includes(name as ProbeName);

for (const one of COMMON_LINKS) {
  // a macvtap is a macvlan with a device file
  const feature = one.spec.kind.replace('macvtap', 'macvlan');
  const absent = isProbe(feature) && probe(feature).outcome !== 'yes';
  test(`${one.spec.kind}: ip link add ${one.by}`, { skip: absent && `probe ${feature}` }, async () => {
    await withBase((net, netns) => assertLink(net, netns, one));
  });
}

test('an observed link is plain data, and makes the same link elsewhere', async () => {
  await withNetns(2, (here, there) => {
    const [net, other] = [openNet(here), openNet(there)];
    try {
      net.createBridge({ name: 'br0' });
      net.createVxlan({ name: 'vx0', vni: 5, local: '127.0.0.1' as IpAddress, port: 4789, learning: false });
      for (const name of ['br0', 'vx0']) {
        const link = net.link(name);
        assert.ok(link);
        const { index: _, protocolDown: __, ...copy } = JSON.parse(JSON.stringify(link));
        // a kernel without CONFIG_BRIDGE_VLAN_FILTERING tells them and takes no value for them
        if (copy.bridge) for (const key of ['vlanFiltering', 'booleanOptions']) delete copy.bridge[key];
        other.createLink(copy);
        const made = other.link(name);
        assert.equal(made?.kind, link.kind);
        assert.equal(made?.mac, link.mac);
        assert.equal(made?.bridge?.multicastQueryInterval, link.bridge?.multicastQueryInterval);
        assert.equal(made?.vxlan?.vni, link.vxlan?.vni);
      }
    } finally {
      net.close();
      other.close();
    }
  });
});
