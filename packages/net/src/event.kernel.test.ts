import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type NetEvent, type NetTopic, watchNet } from './event.ts';
import { ip, ipText, prefix, withWires } from './namespace.fixture.ts';

const TOPICS: readonly NetTopic[] = ['link', 'address', 'route', 'rule', 'neighbour', 'nextHop'];

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !condition(); i++) await sleep(10);
  assert.ok(condition(), 'it did not come in a minute');
}

test('events tell what was made and deleted, also by others', async () => {
  await withWires(async (net, netns) => {
    const events: NetEvent[] = [];
    const watch = watchNet({ netns, topics: TOPICS, onEvent: (event) => events.push(event), onLost: assert.fail });
    const has = (topic: NetTopic | 'fdb', action: string, part: object) =>
      events.some((event) => {
        if (event.topic !== topic || event.action !== action) return false;
        const object = (event as unknown as Record<string, Record<string, unknown>>)[topic];
        return Object.entries(part).every(([key, value]) => object?.[key] === value);
      });
    try {
      net.createLink({ name: 'pw0', kind: 'vxlan', vxlan: { vni: 1, local: ip('192.0.2.1'), port: 4789 }, up: true });
      net.addAddress({ link: 'pw0', address: ip('10.0.0.1'), prefixLength: 24 });
      net.applyNextHops({ add: [{ id: 7, link: 'v0', via: ip('192.0.2.9') }], remove: [] });
      net.applyRoutes({ add: [{ destination: prefix('10.1.0.0/16'), link: 'pw0', protocol: 112 }], remove: [] });
      net.applyRules({ add: [{ priority: 50, table: 7 }], remove: [] });
      net.replaceNeighbour({ link: 'pw0', address: ip('10.0.0.9'), mac: '02:00:00:00:00:09' });
      net.replaceFdb({ link: 'pw0', mac: '02:00:00:00:00:09', destination: ip('192.0.2.9') });
      ipText(netns, 'link', 'set', 'pw0', 'name', 'pw1');
      ipText(netns, 'link', 'set', 'pw1', 'up');
      net.deleteLink('pw1');
      await until(() => has('link', 'delete', { name: 'pw1' }));
      assert.ok(has('link', 'new', { name: 'pw0', kind: 'vxlan', up: true }));
      assert.ok(has('address', 'new', { link: 'pw0', address: '10.0.0.1', prefixLength: 24 }));
      assert.ok(has('nextHop', 'new', { id: 7, link: 'v0' }));
      assert.ok(has('route', 'new', { destination: '10.1.0.0/16', link: 'pw0', protocol: 112 }));
      assert.ok(has('rule', 'new', { priority: 50, table: 7 }));
      assert.ok(has('neighbour', 'new', { link: 'pw0', address: '10.0.0.9' }));
      assert.ok(has('fdb', 'new', { link: 'pw0', mac: '02:00:00:00:00:09', destination: '192.0.2.9' }));
      assert.ok(has('link', 'new', { name: 'pw1' }), 'the link was renamed');
      assert.ok(has('address', 'delete', { link: 'pw1', address: '10.0.0.1' }));
    } finally {
      watch.stop();
    }
  });
});

test('only the topics asked for are told', async () => {
  await withWires(async (net, netns) => {
    const events: NetEvent[] = [];
    const watch = watchNet({ netns, topics: ['rule'], onEvent: (event) => events.push(event), onLost: assert.fail });
    try {
      net.createLink({ name: 'pw0', kind: 'bridge' });
      net.applyRules({ add: [{ priority: 50, table: 7 }], remove: [] });
      await until(() => events.length > 0);
      assert.deepEqual(
        events.map(({ topic }) => topic),
        ['rule'],
      );
    } finally {
      watch.stop();
    }
  });
});

test('an overflow is told, and events come again afterwards with the right names', async () => {
  await withWires(async (net, netns) => {
    const events: NetEvent[] = [];
    let losses = 0;
    const watch = watchNet({ netns, topics: ['link'], onEvent: (event) => events.push(event), onLost: () => losses++ });
    try {
      // with its buffer of 16 MiB a subscription holds many; the event loop does not turn meanwhile
      for (let i = 0; i < 40_000 && losses === 0; i++) net.setLink('v1', { alias: `${i} ${'x'.repeat(200)}` });
      net.setLink('v1', { rename: 'v9' });
      await until(() => losses > 0);
      await until(() => {
        net.setLink('v9', { alias: 'quiet' });
        return events.at(-1)?.topic === 'link' && (events.at(-1) as { link: { name: string } }).link.name === 'v9';
      });
    } finally {
      watch.stop();
    }
  });
});
