import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startApiServer } from './server.ts';

const STALLED = 8;
const EVENTS = 2000;
const KIB = 20;
const MIB = 1024 * 1024;
const WATCH = '/api/v1/configmaps?watch=true&resourceVersion=';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await holds())) {
    if (Date.now() > deadline) assert.fail(`waited in vain: ${what}`);
    await sleep(20);
  }
}

/** HTTP/1.1 that reads the head of the answer and no more. */
async function stalledSocket(socketPath: string, revision: string): Promise<Duplex> {
  const socket = net.connect(socketPath);
  socket.write(`GET ${WATCH}${revision} HTTP/1.1\r\nHost: server\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  assert.match(head.toString(), /^HTTP\/1\.1 200 /);
  return socket.pause();
}

async function watchStream(session: http2.ClientHttp2Session, revision: string): Promise<http2.ClientHttp2Stream> {
  const stream = session.request({ ':path': WATCH + revision });
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  assert.equal(headers[':status'], 200);
  return stream;
}

async function setUp(t: TestContext) {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-stalled-'));
  const socketPath = path.join(directory, 'api');
  const server = await startApiServer();
  await server.listenUnix(socketPath);
  const session = http2.connect('http://server', { createConnection: () => net.connect(socketPath) });
  t.after(async () => {
    session.destroy();
    await server.close();
    rmSync(directory, { recursive: true });
  });
  const { resourceVersion } = await server.client().list('ConfigMap');
  return { client: server.client(), session, socketPath, revision: resourceVersion };
}

async function openWatches(session: http2.ClientHttp2Session): Promise<number> {
  const stream = session.request({ ':path': '/metrics' });
  let text = '';
  for await (const chunk of stream) text += chunk;
  return Number(/^apiserver_longrunning_requests\{verb="WATCH".* (\d+)$/m.exec(text)?.[1] ?? 0);
}

test('watches that are not read hold up no other, take no memory, and are cut off', async (t) => {
  // Only the ticks of watches and sessions: a minute of theirs is not to be waited for.
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { client, session, socketPath, revision } = await setUp(t);
  const quick = await watchStream(session, revision);
  const names: string[] = [];
  let rest = '';
  quick.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) names.push(/"name":"(n\d+)"/.exec(line)?.[1] ?? line);
  });
  const stalled: Duplex[] = [];
  for (let i = 0; i < STALLED; i++) {
    stalled.push(await stalledSocket(socketPath, revision));
    stalled.push((await watchStream(session, revision)).pause());
  }
  for (const stream of stalled) stream.on('error', () => {});
  await until('all watches to be open', async () => (await openWatches(session)) === 2 * STALLED + 1);
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const expected = Array.from({ length: EVENTS }, (_, i) => `n${i}`);
  for (const name of expected) {
    await client.create('ConfigMap', { metadata: { name, namespace: 'default' }, data: { x: 'x'.repeat(KIB * 1024) } });
  }
  await until('every event at the watch that is read', () => names.length >= EVENTS);
  assert.deepEqual(names, expected);
  collectGarbage();
  const held = (process.memoryUsage().arrayBuffers - before) / MIB;
  // Unread events alone would be 640 MiB; what has been made into JSON for all is kept up to 64.
  assert.ok(held < 160, `${held} MiB are held`);
  // What is taken in between by a kernel buffer makes a watch one that is read, so that more ticks are needed.
  await until('the end of all watches that were not read', async () => {
    t.mock.timers.tick(10_000);
    return (await openWatches(session)) === 1;
  });
  for (const stream of stalled) stream.resume();
  await until('the end at their clients', () => stalled.every(({ closed }) => closed));
  await client.create('ConfigMap', { metadata: { name: 'n9999', namespace: 'default' } });
  await until('an event after that', () => names.at(-1) === 'n9999');
});
