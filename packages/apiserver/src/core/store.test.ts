import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { ApiObject } from '../seam.ts';
import { Store, type StoreEvent } from './store.ts';

const configMap = (name: string, value = ''): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { value },
});

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-store-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Each starts a process; a dozen keep the suite fast, more find rarer interleavings. */
const ROUNDS = Number(process.env.PODWIRE_CRASH_ROUNDS ?? 12);

const contents = (store: Store) =>
  store.list('ConfigMap').map(({ metadata, data }) => [metadata.name, (data as { value: string }).value]);

test('what was written is there after a restart, and the revision goes on', async (t) => {
  const directory = await scratch(t);
  const first = await Store.open({ directory });
  await Promise.all(['a', 'b', 'c'].map((name) => first.put('ConfigMap', configMap(name, '1'))));
  const b = await first.put('ConfigMap', configMap('b', '2'));
  await first.remove('ConfigMap', configMap('c'));
  const { revision } = first;
  await first.close();
  const second = await Store.open({ directory });
  assert.deepEqual(contents(second), [
    ['a', '1'],
    ['b', '2'],
  ]);
  assert.equal(second.revision, revision);
  assert.deepEqual(second.get('ConfigMap', 'default/b'), b);
  assert.ok(Object.isFrozen(second.get('ConfigMap', 'default/a')?.data));
  assert.equal(
    second.watch('ConfigMap', revision - 1, () => {}),
    undefined,
  );
  await second.close();
});

test('a log cut anywhere in its last record loses that record only', async (t) => {
  const directory = await scratch(t);
  const store = await Store.open({ directory });
  for (const name of ['a', 'b']) await store.put('ConfigMap', configMap(name, 'é'));
  const log = path.join(directory, (await readdir(directory)).find((name) => name.startsWith('log.')) ?? '');
  const before = (await readFile(log)).length;
  await store.put('ConfigMap', configMap('c', 'é'));
  const whole = await readFile(log);
  await store.close();
  for (let length = before; length <= whole.length; length++) {
    const copy = await scratch(t);
    await cp(directory, copy, { recursive: true });
    await truncate(path.join(copy, path.basename(log)), length);
    const reopened = await Store.open({ directory: copy });
    const isWhole = length === whole.length;
    assert.deepEqual(
      contents(reopened).map(([name]) => name),
      isWhole ? ['a', 'b', 'c'] : ['a', 'b'],
      `cut at ${length}`,
    );
    assert.equal(reopened.recovered?.tornBytes, isWhole ? 0 : length - before);
    await reopened.put('ConfigMap', configMap('d'));
    await reopened.close();
  }
});

test('a damaged snapshot is reported, not passed over', async (t) => {
  const directory = await scratch(t);
  const store = await Store.open({ directory, rotateBytes: 500 });
  for (let i = 0; i < 20; i++) await store.put('ConfigMap', configMap(`n${i % 3}`, String(i)));
  await store.close();
  const snapshot =
    (await readdir(directory)).find((name) => name.startsWith('snapshot.')) ?? assert.fail('no snapshot was written');
  const bytes = await readFile(path.join(directory, snapshot));
  bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
  await writeFile(path.join(directory, snapshot), bytes);
  await assert.rejects(Store.open({ directory }), { code: 'APISERVER_STATE_DAMAGED' });
});

test('snapshots replace old logs and hold the same', async (t) => {
  const directory = await scratch(t);
  const store = await Store.open({ directory, rotateBytes: 2000 });
  const expected = new Map<string, string>();
  for (let i = 0; i < 300; i++) {
    const name = `n${i % 17}`;
    if (i % 5 === 4 && expected.has(name)) {
      expected.delete(name);
      await store.remove('ConfigMap', configMap(name));
    } else {
      expected.set(name, String(i));
      await store.put('ConfigMap', configMap(name, String(i)));
    }
  }
  const { revision } = store;
  await store.close();
  assert.ok((await readdir(directory)).length <= 4, 'old generations were not removed');
  const reopened = await Store.open({ directory });
  assert.deepEqual(
    contents(reopened),
    [...expected].sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  assert.equal(reopened.revision, revision);
  await reopened.close();
});

test('two servers do not share a directory', async (t) => {
  const directory = await scratch(t);
  const store = await Store.open({ directory });
  await assert.rejects(Store.open({ directory }), { code: 'APISERVER_DIRECTORY_IN_USE' });
  await store.close();
  await writeFile(path.join(directory, 'lock'), '999999999 1');
  await (await Store.open({ directory })).close();
});

test('kill -9 at any instant loses no acknowledged write', { timeout: 120_000 }, async (t) => {
  const directory = await scratch(t);
  const acknowledged = new Map<string, string>();
  for (let round = 0; round < ROUNDS; round++) {
    const writer = spawn(process.execPath, [
      path.join(import.meta.dirname, 'store-writer.fixture.ts'),
      directory,
      String(round),
    ]);
    let output = '';
    writer.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await once(writer.stdout, 'data');
    setTimeout(() => writer.kill('SIGKILL'), Math.random() * 60);
    await once(writer, 'close');
    // The last line may be half written; what it says was not heard.
    for (const line of output.split('\n').slice(0, -1)) {
      const [name = '', value = ''] = line.split(' ');
      if (name) acknowledged.set(name, value);
    }
    const store = await Store.open({ directory });
    for (const [name, value] of acknowledged) {
      const found =
        (store.get('ConfigMap', `default/${name}`)?.data as { value?: string } | undefined)?.value ?? 'nothing';
      assert.ok(
        Number(found) >= Number(value),
        `${name} was acknowledged with ${value}, found ${found} in round ${round}`,
      );
    }
    await store.close();
  }
  assert.ok(acknowledged.size > 0);
});

test('every watcher sees every change once, in order, from any revision on', async () => {
  const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), remove: fc.boolean(), pause: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const store = await Store.open({});
      const start = store.revision;
      const all: StoreEvent[] = [];
      store.watch('ConfigMap', start, (event) => void all.push(event));
      const lateSeen: { since: number; seen: StoreEvent[] }[] = [];
      const writes: Promise<unknown>[] = [];
      for (const { name, remove, pause } of steps) {
        if (!remove) writes.push(store.put('ConfigMap', configMap(name)));
        else if (store.latest('ConfigMap', `default/${name}`)) writes.push(store.remove('ConfigMap', configMap(name)));
        if (!pause) continue;
        await Promise.all(writes);
        const late = { since: store.revision, seen: [] as StoreEvent[] };
        store.watch('ConfigMap', late.since, (event) => void late.seen.push(event));
        lateSeen.push(late);
      }
      await Promise.all(writes);
      assert.equal(all.length, writes.length);
      assert.ok(all.every((event, i) => event.revision > (all[i - 1]?.revision ?? start)));
      // Replaying the events gives the state; every earlier state can be had, too.
      const state = new Map<string, ApiObject>();
      for (const event of all) {
        assert.equal(event.type === 'ADDED', !state.has(event.object.metadata.name ?? ''));
        if (event.type === 'DELETED') state.delete(event.object.metadata.name ?? '');
        else state.set(event.object.metadata.name ?? '', event.object);
        assert.deepEqual(new Set(store.listAt('ConfigMap', event.revision)), new Set(state.values()));
      }
      assert.deepEqual(new Set(store.list('ConfigMap')), new Set(state.values()));
      for (const { since, seen } of lateSeen)
        assert.deepEqual(
          seen,
          all.filter(({ revision }) => revision > since),
        );
    }),
    { numRuns: 100 },
  );
});

test('history is bounded: a watch from before it is told to list', async () => {
  const store = await Store.open({ historyLength: 10 });
  const start = store.revision;
  for (let i = 0; i < 50; i++) await store.put('ConfigMap', configMap('a', String(i)));
  assert.equal(
    store.watch('ConfigMap', start, () => {}),
    undefined,
  );
  assert.equal(store.listAt('ConfigMap', start), undefined);
  assert.ok(store.watch('ConfigMap', store.oldestRevision('ConfigMap'), () => {}));
  assert.equal(
    store.watch('ConfigMap', store.revision + 1, () => {}),
    undefined,
  );
});
