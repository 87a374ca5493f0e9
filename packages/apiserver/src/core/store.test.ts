import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type FileHandle, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
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

type Write = (bytes: Buffer, offset: number, length: number, at: number | null) => Promise<{ bytesWritten: number }>;

/** Replaces a method of all FileHandles. */
async function replaceMethod<K extends 'write' | 'datasync'>(t: TestContext, name: K, method: FileHandle[K]) {
  const probe = await open('/dev/null');
  const prototype: FileHandle = Object.getPrototypeOf(probe);
  await probe.close();
  return t.mock.method(prototype, name, method as never).mock;
}

/** `limit` says how many of the bytes are written. */
async function limitWrites(t: TestContext, limit: (length: number, at: number | null) => number) {
  const probe = await open('/dev/null');
  const { write } = Object.getPrototypeOf(probe) as { write: Write };
  await probe.close();
  const limited: Write = function (this: unknown, bytes, offset, length, at) {
    return write.call(this, bytes, offset, limit(length, at), at);
  };
  return replaceMethod(t, 'write', limited as FileHandle['write']);
}

test('short writes are completed, in the log and in the snapshot', async (t) => {
  const directory = await scratch(t);
  const mock = await limitWrites(t, (length) => Math.min(length, 61));
  const store = await Store.open({ directory, rotateBytes: 500 });
  for (let i = 0; i < 30; i++) await store.put('ConfigMap', configMap(`n${i % 3}`, String(i)));
  const expected = contents(store);
  await store.close();
  mock.restore();
  assert.ok((await readdir(directory)).some((name) => name.startsWith('snapshot.')));
  const reopened = await Store.open({ directory });
  assert.deepEqual(contents(reopened), expected);
  assert.equal(reopened.recovered?.tornBytes, 0);
  await reopened.close();
});

test('what a full disk refuses changes nothing, and writes are taken again when it has room', async (t) => {
  const directory = await scratch(t);
  const store = await Store.open({ directory });
  await store.put('ConfigMap', configMap('a', '1'));
  let left = 50;
  const mock = await limitWrites(t, (length) => {
    const now = Math.min(length, left);
    left -= now;
    return now;
  });
  const seen: unknown[] = [];
  store.watch('ConfigMap', store.revision, (event) => void seen.push(event));
  let refusals = 0;
  store.onRefusal(() => refusals++);
  const refused = { code: 'KUBE_UNAVAILABLE', message: /takes no more of the state \(only 50 of \d+ bytes.*make room/ };
  const [first, second] = [store.put('ConfigMap', configMap('a', '2')), store.remove('ConfigMap', configMap('a'))];
  await Promise.all([assert.rejects(first, refused), assert.rejects(second, refused)]);
  mock.restore();
  assert.deepEqual([contents(store), seen, refusals], [[['a', '1']], [], 1]);
  assert.equal(store.latest('ConfigMap', 'default/a'), store.get('ConfigMap', 'default/a'));
  const { revision } = store;
  const b = await store.put('ConfigMap', configMap('b', '1'));
  assert.ok(Number(b.metadata.resourceVersion) > revision);
  await store.close();
  const reopened = await Store.open({ directory });
  assert.deepEqual(contents(reopened), [
    ['a', '1'],
    ['b', '1'],
  ]);
  assert.equal(reopened.recovered?.tornBytes, 0);
  await reopened.close();
});

test('when the disk does not confirm a write, nothing is written after it until a restart', async (t) => {
  const directory = await scratch(t);
  const store = await Store.open({ directory });
  await store.put('ConfigMap', configMap('a', '1'));
  const mock = await replaceMethod(t, 'datasync', () => Promise.reject(new Error('EIO: i/o error, fdatasync')));
  const refused = { code: 'KUBE_API', message: /could not be written \(EIO: .*refused until a restart/ };
  await assert.rejects(store.put('ConfigMap', configMap('a', '2')), refused);
  mock.restore();
  await assert.rejects(store.put('ConfigMap', configMap('b', '1')), refused);
  assert.deepEqual(contents(store), [['a', '1']]);
  await store.close();
  const reopened = await Store.open({ directory });
  assert.deepEqual(contents(reopened), [['a', '1']]);
  await reopened.close();
});

test('a snapshot that cannot be written whole does not appear, and the logs stay', async (t) => {
  const directory = await scratch(t);
  const mock = await limitWrites(t, (length, at) => (at === null ? 0 : length));
  const warned = once(process, 'warning');
  const store = await Store.open({ directory, rotateBytes: 500 });
  for (let i = 0; i < 20; i++) await store.put('ConfigMap', configMap(`n${i}`, String(i)));
  assert.match((await warned)[0].message, /snapshot .* was not written: only 0 of/);
  const expected = contents(store);
  await store.close();
  mock.restore();
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.startsWith('snapshot.')),
    [],
  );
  const reopened = await Store.open({ directory });
  assert.deepEqual(contents(reopened), expected);
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

test('a listener that throws loses its watch; the write and the other listeners go on', async () => {
  const store = await Store.open({});
  const [bad, good]: number[][] = [[], []];
  const warned = once(process, 'warning');
  store.watch('ConfigMap', store.revision, ({ revision }) => {
    bad?.push(revision);
    throw new Error('broken listener');
  });
  store.watch('ConfigMap', store.revision, ({ revision }) => void good?.push(revision));
  await store.put('ConfigMap', configMap('a'));
  await store.put('ConfigMap', configMap('b'));
  assert.deepEqual([bad?.length, good?.length], [1, 2]);
  assert.match((await warned)[0].message, /a watch of ConfigMap was ended: broken listener/);
});

test('writers in memory that go on and on let others have their turn', async () => {
  const store = await Store.open({});
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  for (let i = 0; turns < 3; i++) {
    if (i === 1_000_000) assert.fail('nobody else had a turn');
    await store.put('ConfigMap', configMap(`n${i % 10}`));
  }
  clearInterval(timer);
  const { revision } = store;
  await Promise.all(Array.from({ length: 1000 }, (_, i) => store.put('ConfigMap', configMap(`m${i}`))));
  assert.equal(store.revision, revision + 1000);
});
