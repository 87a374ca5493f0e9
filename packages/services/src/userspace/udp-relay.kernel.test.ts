import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindUdp, type Netns } from '@podwire/kernel';
import { endpoint, planOf, until, withRelay } from './relay.fixture.ts';
import type { Relay } from './relay.ts';
import { openUdpRelay } from './udp-relay.ts';

async function echoUdp(t: TestContext, netns: Netns, last: number) {
  const server = await bindUdp({ netns, address: `127.0.1.${last}`, port: 8080 });
  const ports: number[] = [];
  server.on('message', (data, from) => {
    ports.push(from.port);
    server.send(Buffer.concat([Buffer.from(`${last}:`), data]), from.port, from.address);
  });
  t.after(() => server.close());
  return { server, ports };
}

async function udpClient(t: TestContext, netns: Netns, { port }: Relay) {
  const socket = await bindUdp({ netns, address: '127.0.0.1', port: 0 });
  t.after(() => socket.close());
  return {
    async ask(data: string | Buffer, patience = 30_000): Promise<Buffer | undefined> {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(patience) });
      socket.send(data, port, '127.0.0.1');
      return answer.then(([bytes]) => bytes as Buffer).catch(() => undefined);
    },
  };
}

test('UDP clients have an endpoint each, in turn; datagrams of any size go both ways', async (t) => {
  await withRelay(t, { protocol: 'udp', endpoints: [endpoint(1), endpoint(2)] }, async ({ netns, relay, context }) => {
    await echoUdp(t, netns, 1);
    await echoUdp(t, netns, 2);
    const served: string[] = [];
    for (let i = 0; i < 6; i++) {
      const client = await udpClient(t, netns, relay);
      served.push(String(await client.ask('x')), String(await client.ask('y')));
    }
    assert.deepEqual(served, ['1:x', '1:y', '2:x', '2:y', '1:x', '1:y', '2:x', '2:y', '1:x', '1:y', '2:x', '2:y']);
    assert.equal(context.counters.sessions, 6);
    const client = await udpClient(t, netns, relay);
    for (const size of [0, 1, 1500, 65_000]) {
      const bytes = randomBytes(size);
      assert.deepEqual(await client.ask(bytes), Buffer.concat([Buffer.from('1:'), bytes]));
    }
  });
});

test('UDP: an endpoint that refuses is passed over, with the datagram it refused', async (t) => {
  const endpoints = [endpoint(1), endpoint(2), endpoint(3)];
  await withRelay(t, { protocol: 'udp', endpoints }, async ({ netns, relay, context }) => {
    await echoUdp(t, netns, 3);
    assert.equal(String(await (await udpClient(t, netns, relay)).ask('x')), '3:x');
    assert.deepEqual([context.counters.retries, context.counters.unanswered], [2, 0]);
    relay.update(planOf('udp', [endpoint(1)]));
    const client = await udpClient(t, netns, relay);
    assert.equal(await client.ask('x', 300), undefined);
    await until(() => context.counters.unanswered === 1);
    // the session is over, so that the next datagram begins anew
    await echoUdp(t, netns, 1);
    assert.equal(String(await client.ask('y')), '1:y');
  });
});

test('UDP sessions are bounded, and leave an endpoint that goes', async (t) => {
  const limits = { listenerSessions: 3 };
  const endpoints = [endpoint(1), endpoint(2)];
  await withRelay(t, { protocol: 'udp', endpoints, limits }, async ({ netns, relay, context }) => {
    await echoUdp(t, netns, 1);
    await echoUdp(t, netns, 2);
    const clients = await Promise.all(Array.from({ length: 5 }, () => udpClient(t, netns, relay)));
    for (const client of clients) await client.ask('x');
    assert.deepEqual([context.counters.sessions, context.counters.overLimit], [3, 2]);
    assert.equal(relay.update(planOf('udp', [endpoint(1)])), 1);
    assert.equal(context.counters.sessions, 2);
  });
});

test('UDP sessions end when idle, and not before', async (t) => {
  const on = { protocol: 'udp', endpoints: [endpoint(1)], limits: { sessionIdle: 1000 } } as const;
  await withRelay(t, on, async ({ netns, relay, context }) => {
    const { ports } = await echoUdp(t, netns, 1);
    const busy = await udpClient(t, netns, relay);
    let longest = 0;
    for (let i = 0, last = performance.now(); i < 24; i++) {
      assert.equal(String(await busy.ask('x')), '1:x');
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      await sleep(60);
    }
    // a machine that has much to do may have let it be idle
    if (longest < 900) assert.equal(new Set(ports).size, 1);
    await until(() => context.counters.sessions === 0);
  });
});

test('UDP sessions of all listeners are bounded: one that has none gets none', async (t) => {
  const on = { protocol: 'udp', endpoints: [endpoint(1)], limits: { sessions: 2 } } as const;
  await withRelay(t, on, async ({ netns, relay, context }) => {
    await echoUdp(t, netns, 1);
    const other = await openUdpRelay(planOf('udp', [endpoint(1)]), context);
    for (let i = 0; i < 4; i++) assert.equal(String(await (await udpClient(t, netns, relay)).ask('x')), '1:x');
    const client = await udpClient(t, netns, other);
    assert.equal(await client.ask('x', 300), undefined);
    assert.deepEqual([context.counters.sessions, context.counters.overLimit], [2, 3]);
    relay.close();
    assert.equal(context.counters.sessions, 0);
    assert.equal(String(await client.ask('x')), '1:x');
    other.close();
  });
});
