import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress, Prefix } from '@podwire/base';
import { connectTcp } from '@podwire/kernel';
import { watchNet } from './event.ts';
import type { Net } from './net.ts';
import { address, assertTalk, at, join, withNets } from './talk.fixture.ts';

test('TCP and UDP over a veth pair', async () => {
  await withNets(2, async (nets, spaces) => {
    join(at(nets, 0), { net: at(nets, 1), netns: at(spaces, 1) }, { near: 'eth0', far: 'eth0' });
    at(nets, 0).addAddress(address('eth0', '192.0.2.1'));
    at(nets, 1).addAddress(address('eth0', '192.0.2.2'));
    assert.equal(await assertTalk(at(spaces, 0), at(spaces, 1), '192.0.2.2'), 'you are 192.0.2.1');
  });
});

test('three namespaces on a bridge; isolated ports do not reach each other', async () => {
  await withNets(3, async (nets, spaces) => {
    const [hub] = nets as [Net];
    hub.createBridge({ name: 'br0' });
    hub.setLink('br0', { up: true });
    for (const i of [1, 2]) {
      join(hub, { net: at(nets, i), netns: at(spaces, i) }, { near: `port${i}`, far: 'eth0' });
      hub.setLink(`port${i}`, { master: 'br0' });
      at(nets, i).addAddress(address('eth0', `192.0.2.${i}`));
    }
    assert.equal(await assertTalk(at(spaces, 1), at(spaces, 2), '192.0.2.2'), 'you are 192.0.2.1');
    for (const i of [1, 2]) hub.setLink(`port${i}`, { isolated: true });
    const blocked = connectTcp({ netns: at(spaces, 1), address: '192.0.2.2', port: 80, timeout: 200 });
    await assert.rejects(blocked, { code: 'KERNEL_CONNECT', errnoName: 'ETIMEDOUT' });
  });
});

test('TCP and UDP through a VXLAN tunnel made of permanent entries only', async () => {
  await withNets(2, async (nets, spaces) => {
    join(at(nets, 0), { net: at(nets, 1), netns: at(spaces, 1) }, { near: 'eth0', far: 'eth0' });
    const node = (i: number) => ({
      outer: `192.0.2.${i}` as IpAddress,
      inner: `10.244.${i}.0` as IpAddress,
      mac: `02:00:00:00:00:0${i}`,
    });
    for (const [i, net] of nets.entries()) {
      const [own, peer] = [node(i), node(1 - i)];
      net.addAddress(address('eth0', own.outer));
      net.createVxlan({ name: 'pwf0', vni: 1, local: own.outer, port: 8472, mac: own.mac, mtu: 1450, learning: false });
      net.setLink('pwf0', { up: true });
      net.addAddress(address('pwf0', own.inner, 32));
      net.replaceNeighbour({ link: 'pwf0', address: peer.inner, mac: peer.mac, state: 'permanent' });
      net.replaceFdb({ link: 'pwf0', mac: peer.mac, destination: peer.outer });
      const destination = `10.244.${1 - i}.0/24` as Prefix;
      const [result] = net.applyRoutes({
        add: [{ destination, via: peer.inner, link: 'pwf0', onlink: true, protocol: 113 }],
        remove: [],
      });
      assert.equal(result?.error, undefined);
    }
    assert.equal(await assertTalk(at(spaces, 0), at(spaces, 1), '10.244.1.0'), 'you are 10.244.0.0');
  });
});

test('watchNet tells of changes by anybody, also after an overflow', async () => {
  await withNets(1, async ([net], [netns]) => {
    assert.ok(net && netns);
    let changes = 0;
    let heard = () => {};
    const watch = watchNet({
      netns,
      topics: ['link'],
      onChange: () => {
        changes++;
        heard();
      },
    });
    const change = (fn: () => void) =>
      new Promise<void>((resolve) => {
        heard = resolve;
        fn();
      });
    try {
      await change(() => net.createBridge({ name: 'br0' }));
      await change(() => {
        // Far more messages than the default receive buffer holds, in one turn of the event loop
        for (let i = 0; i < 2000; i++) net.setLink('br0', { up: i % 2 === 0 });
      });
      let before = -1;
      for (let quiet = 0; quiet < 5; quiet++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (changes !== before) quiet = 0;
        before = changes;
      }
      await change(() => net.setLink('br0', { up: true }));
      assert.equal(changes, before + 1);
    } finally {
      watch.stop();
      watch.stop();
    }
  });
});
