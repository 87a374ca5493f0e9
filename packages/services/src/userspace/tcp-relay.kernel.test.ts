import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type net from 'node:net';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectTcp, isErrno, listenTcp, type Netns } from '@podwire/kernel';
import { endpoint, planOf, until, withRelay } from './relay.fixture.ts';
import type { Relay } from './relay.ts';
import { openTcpRelay } from './tcp-relay.ts';

async function serveTcp(t: TestContext, netns: Netns, last: number, serve: (socket: net.Socket) => void) {
  const server = await listenTcp({ netns, address: `127.0.1.${last}`, port: 8080 });
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => {}));
    serve(socket);
  });
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

async function dial(t: TestContext, netns: Netns, { port }: Relay): Promise<net.Socket> {
  const socket = await connectTcp({ netns, address: '127.0.0.1', port });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  return socket;
}

/** Unlike `once`, also when it closes by an error, or has closed already. */
const closed = (socket: net.Socket): Promise<void> =>
  new Promise((resolve) => (socket.closed ? resolve() : void socket.once('close', () => resolve())));

/** Bytes of buffers that are still in use. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
}

/** Everything up to the end, as a hash. */
async function hashOf(socket: net.Socket): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of socket) hash.update(chunk);
  return hash.digest('hex');
}

test('a client that never reads holds up its own endpoint only, and little memory', async (t) => {
  await withRelay(t, { protocol: 'tcp', endpoints: [endpoint(1)] }, async ({ netns, relay }) => {
    const chunk = Buffer.alloc(1 << 16);
    let written = 0;
    await serveTcp(t, netns, 1, (socket) => {
      const fill = (): void => {
        while (socket.write(chunk)) written += chunk.length;
        written += chunk.length;
      };
      socket.on('drain', fill);
      fill();
    });
    await sleep(100);
    const before = heldBytes();
    const stuck: net.Socket[] = [];
    for (let i = 0; i < 20; i++) stuck.push(await dial(t, netns, relay));
    let last = -1;
    while (last !== written || written < 20 * chunk.length) {
      last = written;
      await sleep(200);
    }
    // what else was written is in the kernel's buffers; V8 gives buffers back in other threads, which may have to wait
    const most = Math.min(20 * (1 << 20), written);
    let held = heldBytes() - before;
    for (let i = 0; i < 300 && held >= most; i++) {
      await sleep(100);
      held = heldBytes() - before;
    }
    const reader = await dial(t, netns, relay);
    let read = 0;
    reader.on('data', (data) => {
      read += data.length;
    });
    await until(() => read > 32 << 20);
    reader.destroy();
    for (const socket of stuck) socket.destroy();
    t.diagnostic(`${Math.round(held / 20 / 1024)} KiB held for each`);
    assert.ok(held < most, `${held} bytes held of ${written}`);
  });
});

test('8 MB each way, byte for byte; each side may end first and still hears the other', async (t) => {
  const [up, down] = [randomBytes(8 << 20), randomBytes(8 << 20)];
  const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  for (const endsFirst of ['client', 'server'] as const) {
    await withRelay(t, { protocol: 'tcp', endpoints: [endpoint(1)] }, async ({ netns, relay, context }) => {
      const heard: Promise<string>[] = [];
      await serveTcp(t, netns, 1, (socket) => {
        socket.allowHalfOpen = true;
        if (endsFirst === 'server') socket.end(down);
        const hash = hashOf(socket);
        heard.push(hash);
        if (endsFirst === 'client') void hash.then(() => socket.end(down));
      });
      const client = await dial(t, netns, relay);
      client.allowHalfOpen = true;
      if (endsFirst === 'client') client.end(up);
      assert.equal(await hashOf(client), sha(down), endsFirst);
      if (endsFirst === 'server') client.end(up);
      assert.equal(await heard[0], sha(up), endsFirst);
      await until(() => context.counters.connections === 0);
    });
  }
});

test('a reset goes through to the other side, in both directions', async (t) => {
  await withRelay(t, { protocol: 'tcp', endpoints: [endpoint(1)] }, async ({ netns, relay, context }) => {
    const sockets = await serveTcp(t, netns, 1, (socket) => socket.write('hello'));
    for (const resets of ['client', 'server'] as const) {
      sockets.clear();
      const client = await dial(t, netns, relay);
      await once(client, 'data');
      const [server] = sockets;
      assert.ok(server);
      const [from, to] = resets === 'client' ? [client, server] : [server, client];
      const failed = once(to, 'error');
      to.resume();
      from.resetAndDestroy();
      const [error] = await failed;
      assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET', resets);
    }
    await until(() => context.counters.connections === 0);
  });
});

test('a flood of connections stops at the limits; there is room again when some end', async (t) => {
  const limits = { connections: 30, listenerConnections: 20 };
  await withRelay(t, { protocol: 'tcp', endpoints: [endpoint(1)], limits }, async ({ netns, relay, context }) => {
    await serveTcp(t, netns, 1, (socket) => socket.write('hello'));
    const second = await openTcpRelay(planOf('tcp', [endpoint(1)]), context);
    t.after(() => second.close());
    const flood = async (to: Relay) => {
      const clients = await Promise.all(Array.from({ length: 50 }, () => dial(t, netns, to)));
      const outcomes = clients.map((client) =>
        Promise.race([once(client, 'data').then(() => 'served'), closed(client).then(() => 'reset')]),
      );
      const results = await Promise.all(outcomes.map((one) => one.catch(() => 'reset')));
      return clients.filter((_, i) => results[i] === 'served');
    };
    const first = await flood(relay);
    assert.equal(first.length, 20);
    assert.equal((await flood(second)).length, 10);
    assert.deepEqual([context.counters.connections, context.counters.overLimit], [30, 70]);
    for (const client of first) client.destroy();
    await until(() => context.counters.connections === 10);
    assert.equal((await flood(relay)).length, 20);
    second.close();
  });
});

test('idle connections end: soon when one side is closed, late when none is', async (t) => {
  const limits = { idle: 2000, halfClosedIdle: 100 };
  await withRelay(t, { protocol: 'tcp', endpoints: [endpoint(1)], limits }, async ({ netns, relay, context }) => {
    await serveTcp(t, netns, 1, (socket) => {
      socket.allowHalfOpen = true;
      socket.resume();
    });
    const half = await dial(t, netns, relay);
    half.end('x');
    await closed(half);
    await until(() => context.counters.connections === 0);

    const outlivesIdle = async (): Promise<boolean> => {
      const [open, busy] = [await dial(t, netns, relay), await dial(t, netns, relay)];
      const traffic = setInterval(() => busy.write('x'), 50);
      await closed(open);
      await until(() => context.counters.connections <= 1);
      clearInterval(traffic);
      const isLeft = context.counters.connections === 1;
      busy.destroy();
      await until(() => context.counters.connections === 0);
      return isLeft;
    };
    // on a machine that stands still for so long the busy one is idle, too, but not each time
    let isLeft = false;
    for (let i = 0; i < 10 && !isLeft; i++) isLeft = await outlivesIdle();
    assert.ok(isLeft, 'the busy one ends as well');
  });
});

test('every endpoint is tried, then the slow ones once more; who has gone is not waited for', async (t) => {
  const endpoints = [endpoint(1, 1), endpoint(2, 1), endpoint(3)];
  await withRelay(t, { protocol: 'tcp', endpoints }, async ({ netns, relay, context }) => {
    const none = await dial(t, netns, relay);
    await closed(none);
    assert.deepEqual([context.counters.retries, context.counters.unanswered], [2, 1]);
    await serveTcp(t, netns, 3, (socket) => socket.write('hello'));
    for (let i = 0; i < 6; i++) {
      const client = await dial(t, netns, relay);
      assert.equal(String((await once(client, 'data'))[0]), 'hello');
      client.destroy();
    }
    assert.equal(context.counters.unanswered, 1);
  });
});

async function untilRefused(netns: Netns, port: number): Promise<void> {
  try {
    for (;;) {
      const socket = await connectTcp({ netns, address: '127.0.0.1', port });
      socket.on('error', () => {}).destroy();
      await sleep(100);
    }
  } catch (error) {
    // reset when it was closed while this one was being made
    assert.ok(isErrno(error, 'ECONNREFUSED') || isErrno(error, 'ECONNRESET'), String(error));
  }
}

/** As garbage collection, or a long pass, does. */
function standStill(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('after stop open connections go on, and so do those being made; a second later it is closed', async (t) => {
  await withRelay(t, { protocol: 'tcp', endpoints: [endpoint(1)] }, async ({ netns, relay }) => {
    await serveTcp(t, netns, 1, (socket) => socket.pipe(socket));
    const client = await dial(t, netns, relay);
    client.write('one');
    assert.equal(String((await once(client, 'data'))[0]), 'one');
    relay.stop();
    const dialled = dial(t, netns, relay);
    standStill(1200);
    const late = await dialled;
    late.write('late');
    assert.equal(String((await once(late, 'data'))[0]), 'late');
    await untilRefused(netns, relay.port);
    client.write('two');
    assert.equal(String((await once(client, 'data'))[0]), 'two');
    assert.ok(relay.connections >= 2);
    relay.close();
    await closed(client);
  });
});
