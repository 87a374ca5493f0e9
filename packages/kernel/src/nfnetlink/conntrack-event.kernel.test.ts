import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openNetlink } from '../netlink/netlink.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { withNetns } from '../testing.ts';
import { createConnection, createConnections, flushConnections, listConnections } from './conntrack.ts';
import { type ConnectionEvent, subscribeConnections } from './conntrack-event.ts';
import { withConntrackWorld } from './conntrack-world.fixture.ts';
import { manyConnections } from './many-connections.fixture.ts';

const skip = lacking('conntrack', 'conntrack-events');

test('events tell a TCP connection from its first packet to its end, and a UDP flow', { skip, timeout: 600_000 }, () =>
  withConntrackWorld(async ({ near, netlink, tcp, udp }) => {
    const events: ConnectionEvent[] = [];
    const watch = subscribeConnections({
      netns: near,
      onEvents: (some) => events.push(...some),
      onLost: () => assert.fail('lost'),
    });
    try {
      await tcp('10.9.0.2', 80);
      await udp('10.96.0.1', 53);
      const hasClosed = () => events.some(({ connection }) => connection.tcp?.state === 'fin-wait');
      for (let i = 0; i < 3000 && !hasClosed(); i++) await sleep(10);
      flushConnections(netlink);
      for (let i = 0; i < 3000 && events.filter(({ type }) => type === 'destroy').length < 2; i++) await sleep(10);
    } finally {
      watch.stop();
    }
    const of = (wanted: string) => events.filter(({ connection }) => connection.protocol === wanted);
    const steps = of('tcp').map(({ type, connection }) => `${type} ${connection.tcp?.state}`);
    assert.deepEqual(steps.slice(0, 4), ['new syn-sent', 'update syn-recv', 'update established', 'update fin-wait']);
    assert.match(steps.at(-1) ?? '', /^destroy/);
    assert.deepEqual(
      of('udp').map(({ type }) => type),
      ['new', 'update', 'destroy'],
    );
    const end = of('udp').at(-1)?.connection;
    assert.deepEqual(end?.counters, { original: { packets: 1n, bytes: 33n }, reply: { packets: 1n, bytes: 33n } });
    assert.ok((end?.stop ?? 0n) >= (end?.start ?? 1n));
    assert.ok(events.every(({ connection }) => connection.unknown === undefined));
  }),
);

test('events that nobody took in time are reported as lost, and events come again', { skip, timeout: 600_000 }, () =>
  withNetns(1, async (netns) => {
    using netlink = openNetlink('netfilter', netns);
    const [spec, ...specs] = manyConnections(20_000);
    assert.ok(spec);
    let lost = 0;
    const after: string[] = [];
    const onEvents = (events: readonly ConnectionEvent[]) => {
      if (lost > 0) after.push(...events.map(({ type }) => type));
    };
    const watch = subscribeConnections({ netns, onEvents, onLost: () => lost++ });
    try {
      // nothing is read meanwhile
      for (let round = 0; round < 3; round++) {
        createConnections(netlink, specs);
        flushConnections(netlink);
      }
      for (let i = 0; i < 6000 && lost === 0; i++) await sleep(10);
      assert.deepEqual([lost, listConnections(netlink).length], [1, 0]);
      createConnection(netlink, spec);
      for (let i = 0; i < 6000 && after.length === 0; i++) await sleep(10);
      assert.deepEqual(after, ['new']);
    } finally {
      watch.stop();
    }
  }),
);
