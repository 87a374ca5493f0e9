import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store, StoreEvent } from '../core/store.ts';
import type { ApiObject } from '../seam.ts';
import { checkHistory, recordHistory } from './history.fixture.ts';
import { numbered, numberOf } from './numbered-writes.fixture.ts';

export interface StoreWorld {
  /** Of the same state each time; the one before is closed. */
  open(): Promise<Store>;
  /** Removes the state, when its stores are closed. */
  remove(): Promise<void>;
}

const put = (store: Store, name: string, n = 1) => store.put('ConfigMap', numbered(name, n));
const remove = (store: Store, name: string) => store.remove('ConfigMap', numbered(name, 0));
const pod = (namespace: string, name: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, labels: { 'é "\\': '\u0000\n' } },
});

type Open = StoreWorld['open'];

/** What every place that keeps the state of a store has to do. */
const CONTRACT: Readonly<Record<string, (open: Open) => Promise<void>>> = {
  'what was acknowledged is there after a restart, and revisions go on': keepsAcknowledged,
  'more than one commit takes at once': keepsMany,
  'concurrent writers and watchers see one history': keepsOneHistory,
};

export function testStore(name: string, create: () => Promise<StoreWorld>): void {
  for (const [promise, holds] of Object.entries(CONTRACT)) {
    test(`${name}: ${promise}`, async (t) => {
      const world = await create();
      const stores: Store[] = [];
      t.after(async () => {
        for (const store of stores) await store.close();
        await world.remove();
      });
      await holds(async () => {
        const store = await world.open();
        stores.push(store);
        return store;
      });
    });
  }
}

async function keepsAcknowledged(open: Open): Promise<void> {
  const first = await open();
  await Promise.all(['a', 'b', 'c', 'd'].map((one) => put(first, one)));
  // Several writes of one object may share a commit.
  const [, twice] = await Promise.all([put(first, 'b', 2), put(first, 'b', 3)]);
  await Promise.all([remove(first, 'c'), remove(first, 'd'), put(first, 'd', 5)]);
  await first.put('Pod', pod('default', 'x'));
  await first.put('Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } });
  await first.put('widgets.example.com', { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } });
  const { revision } = first;
  const listed = first.list('Pod');
  await first.close();
  const second = await open();
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((one) => numberOf(second, one)),
    [1, 3, undefined, 5],
  );
  assert.deepEqual(second.get('ConfigMap', 'default/b'), twice);
  assert.deepEqual(second.list('Pod'), listed);
  assert.ok(second.get('Namespace', 'n') && second.get('widgets.example.com', 'w'));
  assert.ok(second.revision >= revision);
  assert.ok(Number((await put(second, 'e')).metadata.resourceVersion) > revision);
  assert.equal(
    second.watch('ConfigMap', revision - 1, () => {}),
    undefined,
    'nobody remembers what was before the restart',
  );
}

async function keepsMany(open: Open): Promise<void> {
  const first = await open();
  const events: StoreEvent[] = [];
  first.watch('ConfigMap', first.revision, (event) => void events.push(event));
  await Promise.all(Array.from({ length: 700 }, (_, i) => put(first, `n${i % 650}`, i)));
  assert.equal(events.length, 700);
  await first.close();
  const second = await open();
  assert.equal(second.list('ConfigMap').length, 650);
  assert.deepEqual([numberOf(second, 'n0'), numberOf(second, 'n649')], [650, 649]);
}

async function keepsOneHistory(open: Open): Promise<void> {
  const store = await open();
  const history = await recordHistory(store, { clients: 8, writes: 40, seed: Date.now() });
  checkHistory(history);
  await store.close();
  const reopened = await open();
  assert.deepEqual(reopened.list('ConfigMap'), history.end);
}
