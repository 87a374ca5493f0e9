import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CheckRow, World } from './check/world.ts';
import { Control, type ControlledLab } from './control.ts';
import type { NodeThread } from './node-thread.ts';

const row: CheckRow = { name: 'one', ok: true, detail: '', ms: 1 };
const ROOMS = ['fabric', 'pods'];

function node(nodeName: string, failure?: string): NodeThread {
  const answer = async <T>(value: T): Promise<T> => {
    if (failure) throw new Error(failure);
    return value;
  };
  return {
    nodeName,
    rooms: ROOMS,
    status: () => answer(ROOMS.map((room) => ({ room, ready: true, errors: [], facts: {} }))),
    plan: (room) =>
      answer(ROOMS.filter((r) => room === undefined || r === room).map((r) => ({ room: r, entries: [] }))),
    diff: () => answer([]),
    idle: () => answer(undefined),
    setProxyMode: () => answer(undefined),
    stop: () => answer(undefined),
  };
}

async function control(t: TestContext, checks: () => AsyncIterable<CheckRow>) {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-control-'));
  const socketPath = path.join(directory, 'c.sock');
  const served = new Control(checks);
  await served.listen(socketPath);
  t.after(() => {
    served.close();
    rmSync(directory, { recursive: true });
  });
  const lab: ControlledLab = {
    config: { name: 'x' },
    world: {} as World,
    nodes: [node('node-1'), node('node-2', 'the agent of node-2 ended')],
    takeDown: async () => {},
    bringUp: (name) => Promise.reject(new Error(`node ${name} is not down`)),
  };
  served.ready(lab, 1);
  return (url: string, method = 'GET'): Promise<{ status: number | undefined; text: string }> =>
    new Promise((resolve, reject) => {
      http
        .request({ socketPath, path: url, method }, async (response) => {
          let text = '';
          for await (const chunk of response.setEncoding('utf8')) text += chunk;
          resolve({ status: response.statusCode, text });
        })
        .on('error', reject)
        .end();
    });
}

async function* none(): AsyncGenerator<CheckRow> {}

test('a node whose agent is dead is shown with its rooms not ready, beside the others', async (t) => {
  const ask = await control(t, none);
  const { nodes } = JSON.parse((await ask('/status')).text);
  assert.ok(nodes[0].rooms.every((room: { ready: boolean }) => room.ready));
  assert.deepEqual(
    nodes[1].rooms.map((room: { room: string; ready: boolean }) => [room.room, room.ready]),
    ROOMS.map((room) => [room, false]),
  );
  assert.deepEqual(nodes[1].rooms[0].errors, ['the agent of node-2 ended']);
});

test('an unknown node or room is not found, and the known ones are named', async (t) => {
  const ask = await control(t, none);
  assert.deepEqual(await ask('/plan?node=node-9'), {
    status: 404,
    text: '{"error":"there is no node \\"node-9\\"; the nodes are: node-1, node-2"}\n',
  });
  const room = await ask('/diff?room=attic&node=node-1');
  assert.deepEqual([room.status, /the rooms are: fabric, pods/.test(room.text)], [404, true]);
  assert.equal((await ask('/plan?room=fabric&node=node-1')).status, 200);
  assert.equal((await ask('/nothing')).status, 404);
});

test('a second check at once is refused; a third after the first is not', async (t) => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const ask = await control(t, async function* () {
    begun.resolve();
    await gate.promise;
    yield row;
  });
  const first = ask('/check', 'POST');
  await begun.promise;
  const second = await ask('/check', 'POST');
  assert.deepEqual([second.status, /a check is running already/.test(second.text)], [409, true]);
  gate.resolve();
  assert.deepEqual(await first, { status: 200, text: `${JSON.stringify(row)}\n` });
  assert.equal((await ask('/check', 'POST')).status, 200);
});

test('a check that fails before its first row is a 500, one that fails later ends with an error line', async (t) => {
  let rows: readonly CheckRow[] = [];
  const ask = await control(t, async function* () {
    yield* rows;
    throw new Error('no fixture');
  });
  assert.deepEqual(await ask('/check', 'POST'), { status: 500, text: '{"error":"no fixture"}\n' });
  rows = [row];
  assert.deepEqual(await ask('/check', 'POST'), {
    status: 200,
    text: `${JSON.stringify(row)}\n{"error":"no fixture"}\n`,
  });
});

test('a proxy mode is ordered from each node, and each says what became of it', async (t) => {
  const ask = await control(t, none);
  const { status, text } = await ask('/proxy-mode?mode=iptables', 'POST');
  assert.deepEqual(
    [status, JSON.parse(text)],
    [200, [{ node: 'node-1' }, { node: 'node-2', error: 'the agent of node-2 ended' }]],
  );
  assert.deepEqual(JSON.parse((await ask('/proxy-mode?mode=iptables&node=node-1', 'POST')).text), [{ node: 'node-1' }]);
  const wrong = await ask('/proxy-mode?mode=magic', 'POST');
  assert.deepEqual([wrong.status, /proxyMode.*nftables/.test(wrong.text)], [500, true]);
  assert.equal((await ask('/proxy-mode?mode=iptables&node=node-9', 'POST')).status, 404);
  assert.equal((await ask('/frob', 'POST')).status, 404);
});

test('a node loses power and comes back, or the answer says why not', async (t) => {
  const ask = await control(t, none);
  assert.equal((await ask('/node?node=node-1&state=down', 'POST')).status, 200);
  assert.deepEqual(await ask('/node?node=node-1&state=up', 'POST'), {
    status: 500,
    text: '{"error":"node node-1 is not down"}\n',
  });
  assert.equal((await ask('/node?node=node-9&state=up', 'POST')).status, 404);
  assert.equal((await ask('/node?node=node-1&state=sideways', 'POST')).status, 404);
});
