import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Store } from '../core/store.ts';
import { EtcdProcess } from '../testing/etcd.ts';
import { EtcdState } from './etcd-state.ts';
import { checkHistory, recordHistory } from './history.fixture.ts';
import { killRounds } from './kill-rounds.fixture.ts';
import { numbered, numberOf } from './numbered-writes.fixture.ts';
import { testStore } from './store-contract.fixture.ts';

let etcd: EtcdProcess;
let count = 0;
before(async () => {
  etcd = await EtcdProcess.start();
});
after(() => etcd.stop());

const open = async (prefix: string) => Store.open({ backend: await EtcdState.open({ servers: [etcd.url], prefix }) });

testStore('etcd', async () => {
  const prefix = `/contract-${count++}`;
  return { open: () => open(prefix), remove: async () => {} };
});

const b64 = (text: string) => Buffer.from(text).toString('base64');

/** Polls for at most a minute. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let round = 0; round < 6000 && !condition(); round++) await sleep(10);
  assert.ok(condition(), what);
}

interface Watched {
  readonly store: Store;
  /** `ADDED a 1`: type, name and number of each event. */
  readonly seen: string[];
  readonly prefix: string;
}

async function watched(t: TestContext): Promise<Watched> {
  const prefix = `/test-${count++}`;
  const store = await open(prefix);
  t.after(() => store.close());
  const seen: string[] = [];
  let last = store.revision;
  store.watch('ConfigMap', store.revision, ({ type, object, revision }) => {
    assert.ok(revision > last, 'an event does not follow the one before');
    last = revision;
    seen.push(`${type} ${object.metadata.name} ${(object.data as { n: string }).n}`);
  });
  return { store, seen, prefix };
}

const put = (store: Store, name: string, n: number) => store.put('ConfigMap', numbered(name, n));

/** What an operator does with etcdctl. */
const putOutside = (prefix: string, name: string, n: number) =>
  etcd.call('kv/put', {
    key: b64(`${prefix}/configmaps/default/${name}`),
    value: b64(JSON.stringify(numbered(name, n))),
  });
const removeOutside = (prefix: string, name: string) =>
  etcd.call('kv/deleterange', { key: b64(`${prefix}/configmaps/default/${name}`) });

test('objects have the names of Kubernetes in etcd, and their JSON', async (t) => {
  const { store, prefix } = await watched(t);
  await put(store, 'a', 1);
  const apiVersion = 'apps/v1';
  await store.put('Deployment', { apiVersion, kind: 'Deployment', metadata: { name: 'd', namespace: 'x' } });
  const { kvs } = await etcd.call<{ kvs: { key: string; value: string }[] }>('kv/range', {
    key: b64(`${prefix}/`),
    range_end: b64(`${prefix}0`),
  });
  const entries = new Map(kvs.map(({ key, value }) => [atob(key).slice(prefix.length), atob(value)]));
  assert.deepEqual(
    [...entries.keys()],
    ['/configmaps/default/a', '/deployments.apps/x/d', '/podwire.io/owner', '/podwire.io/revision'],
  );
  assert.deepEqual(JSON.parse(entries.get('/configmaps/default/a') ?? ''), store.get('ConfigMap', 'default/a'));
  assert.equal(entries.get('/podwire.io/revision'), String(store.revision));
});

test('what others write is seen by watchers, gets a revision of ours, and is there after a restart', async (t) => {
  const { store, seen, prefix } = await watched(t);
  await put(store, 'a', 1);
  await putOutside(prefix, 'a', 2);
  await until(() => seen.length === 2, 'the change was not seen');
  await putOutside(prefix, 'b', 3);
  await until(() => seen.length === 3, 'the new object was not seen');
  await removeOutside(prefix, 'a');
  await until(() => seen.length === 4, 'the removal was not seen');
  assert.deepEqual(seen, ['ADDED a 1', 'MODIFIED a 2', 'ADDED b 3', 'DELETED a 2']);
  assert.equal(store.get('ConfigMap', 'default/b')?.metadata.resourceVersion, String(store.revision - 1));
  await store.close();
  const again = await open(prefix);
  t.after(() => again.close());
  assert.deepEqual([numberOf(again, 'a'), numberOf(again, 'b')], [undefined, 3]);
});

test('etcd is killed with -9 and comes back: nothing acknowledged is lost, no event comes twice or not', async (t) => {
  const { store, seen, prefix } = await watched(t);
  const wanted: string[] = [];
  for (let round = 0; round < 3; round++) {
    const writes = Array.from({ length: 20 }, (_, i) => put(store, `n${i}`, round));
    wanted.push(...writes.map((_, i) => `${round ? 'MODIFIED' : 'ADDED'} n${i} ${round}`));
    // At different moments of the transaction.
    await sleep(round);
    await etcd.down();
    await etcd.up();
    await Promise.all(writes);
    await putOutside(prefix, 'outside', round);
    wanted.push(`${round ? 'MODIFIED' : 'ADDED'} outside ${round}`);
    await until(() => seen.length === wanted.length, `seen: ${seen.slice(-5).join(', ')}`);
  }
  assert.deepEqual(seen, wanted);
  await store.close();
  const again = await open(prefix);
  t.after(() => again.close());
  for (let i = 0; i < 20; i++) assert.equal(numberOf(again, `n${i}`), 2);
});

test('etcd is killed again and again under concurrent writers and watchers: there is still one history', async (t) => {
  const { store } = await watched(t);
  let isDone = false;
  const recording = recordHistory(store, { clients: 6, writes: 150, seed: Date.now() }).finally(() => {
    isDone = true;
  });
  for (let kills = 0; kills < 3 && !isDone; kills++) {
    await sleep(30);
    await etcd.down();
    await etcd.up();
  }
  const history = await recording;
  checkHistory(history);
});

test('kill -9 of the API server: no acknowledged write is lost, and the next one takes over', async () => {
  const place = { servers: [etcd.url], prefix: `/kill-${count++}` };
  const { acknowledged } = await killRounds({ place, rounds: 4, random: Math.random });
  assert.ok(acknowledged > 0);
});

test('what others wrote while the connection was lost is seen, also when etcd has forgotten how it came', async (t) => {
  const { store, seen, prefix } = await watched(t);
  for (const name of ['a', 'b']) await put(store, name, 1);
  // Between two starts of etcd the store is deaf: a second member of the test writes and compacts at once.
  const quiet = store.revision;
  await etcd.down();
  await etcd.up();
  await putOutside(prefix, 'a', 2);
  await putOutside(prefix, 'c', 2);
  const { header } = (await removeOutside(prefix, 'b')) as { header: { revision: string } };
  await etcd.call('kv/compaction', { revision: header.revision, physical: true });
  await until(() => numberOf(store, 'a') === 2 && numberOf(store, 'c') === 2, 'changes were not seen');
  await until(() => numberOf(store, 'b') === undefined, 'the removal was not seen');
  assert.ok(store.revision > quiet);
  assert.deepEqual(seen.slice(0, 2), ['ADDED a 1', 'ADDED b 1']);
  assert.deepEqual(new Set(seen.slice(2)), new Set(['MODIFIED a 2', 'ADDED c 2', 'DELETED b 1']));
  assert.equal(seen.length, 5);
});

test('the API server that started last writes; the one before refuses to, and says why', async (t) => {
  const { store: first, prefix } = await watched(t);
  await put(first, 'a', 1);
  const second = await open(prefix);
  t.after(() => second.close());
  await put(second, 'a', 2);
  await assert.rejects(put(first, 'a', 3), { code: 'KUBE_API', message: /another API server uses this etcd now/ });
  assert.equal(numberOf(second, 'a'), 2);
  await put(second, 'a', 5);
  assert.ok(second.revision > first.revision);
});

test('what is too large for etcd is refused, and the next write is taken', async (t) => {
  const { store, seen } = await watched(t);
  const large = { ...numbered('large', 1), data: { n: '1', text: 'x'.repeat(2_000_000) } };
  await assert.rejects(store.put('ConfigMap', large), { code: 'KUBE_UNAVAILABLE', message: /too large/ });
  await put(store, 'small', 1);
  assert.deepEqual(seen, ['ADDED small 1']);
});

test('values that are no objects are left out', async (t) => {
  const { store, seen, prefix } = await watched(t);
  const warnings: string[] = [];
  const hear = ({ message }: Error) => void warnings.push(message);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  await etcd.call('kv/put', { key: b64(`${prefix}/configmaps/default/bad`), value: b64('{') });
  await until(
    () => warnings.some((text) => text.includes('/configmaps/default/bad in etcd is left out')),
    'no warning',
  );
  await putOutside(prefix, 'good', 1);
  await until(() => seen.length === 1, 'the good one was not seen');
  assert.equal(store.get('ConfigMap', 'default/bad'), undefined);
});

test('addresses that are none are refused at once', async () => {
  for (const server of ['127.0.0.1:2379', 'ftp://x', ''])
    await assert.rejects(EtcdState.open({ servers: [server] }), {
      code: 'APISERVER_ETCD',
      message: /is no etcd server/,
    });
});
