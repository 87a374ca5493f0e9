import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { kindNamed } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import type { Matcher } from './selectors.ts';
import { Store } from './store.ts';
import { WatchResponse } from './watch-response.ts';

const KiB = 1024;
const configMap = (name: string, bytes = 0, labels: Record<string, string> = {}): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels },
  data: { value: 'x'.repeat(bytes) },
});

interface Line {
  readonly type: string;
  readonly object: ApiObject & { readonly code?: number; readonly reason?: string };
}

function watch(t: TestContext, store: Store, query: Record<string, string>, matcher?: Matcher): Readable {
  const kind = kindNamed('ConfigMap');
  const path = { kind, apiVersion: 'v1', namespace: undefined, name: undefined, subresource: undefined };
  const { signal } = new AbortController();
  const options = { path, matcher, signal, table: undefined, convert: (object: ApiObject) => object };
  const { stream } = new WatchResponse(store, { ...options, query: new URLSearchParams(query) }).start();
  if (!stream) assert.fail('no stream');
  // Its timers are gone when it is closed, and must be before the next test has others.
  t.after(async () => {
    if (!stream.destroy().closed) await once(stream, 'close');
  });
  return stream;
}

/** Reads that many lines. */
async function take(stream: Readable, count: number): Promise<Line[]> {
  let text = '';
  while (text.split('\n').length <= count) {
    const chunk = stream.read() as Buffer | null;
    if (chunk) text += chunk.toString();
    else if (stream.readableEnded || stream.destroyed) break;
    else await setImmediate();
  }
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

const summary = (lines: readonly Line[]) => lines.map(({ type, object }) => `${type} ${object.metadata.name}`);

test('a reader that does not read keeps nothing but a chunk, and is told when its place is forgotten', async (t) => {
  const store = await Store.open({ historyLength: 50 });
  const slow = watch(t, store, { resourceVersion: String(store.revision) });
  const quick = watch(t, store, { resourceVersion: String(store.revision) });
  const seen = take(quick, 120);
  slow.read(0);
  for (let i = 0; i < 120; i++) {
    await store.put('ConfigMap', configMap(`n${i}`, 10 * KiB));
    await setImmediate();
  }
  assert.ok(slow.readableLength < 100 * KiB, `${slow.readableLength} bytes are kept`);
  assert.equal((await seen).length, 120);
  const lines = await take(slow, 200);
  assert.deepEqual([lines.at(-1)?.type, lines.at(-1)?.object.code], ['ERROR', 410]);
  assert.deepEqual(summary(lines.slice(0, -1)), summary((await seen).slice(0, lines.length - 1)));
});

test('a large state is sent as it is taken, and what comes after it follows', async (t) => {
  const store = await Store.open({});
  for (let i = 0; i < 40; i++) await store.put('ConfigMap', configMap(`n${10 + i}`, 100 * KiB));
  const stream = watch(t, store, {});
  await store.put('ConfigMap', configMap('later'));
  assert.ok(stream.readableLength < 300 * KiB, `${stream.readableLength} bytes are kept`);
  const lines = await take(stream, 41);
  assert.equal(lines.length, 41);
  assert.deepEqual(new Set(summary(lines)).size, 41);
});

test('a place that is forgotten is answered with 410', async (t) => {
  const store = await Store.open({ historyLength: 10 });
  const { revision } = store;
  for (let i = 0; i < 40; i++) await store.put('ConfigMap', configMap(`n${i}`));
  for (const asked of [revision, store.revision + 1000]) {
    const [line] = await take(watch(t, store, { resourceVersion: String(asked) }), 1);
    assert.deepEqual([line?.type, line?.object.code, line?.object.reason], ['ERROR', 410, 'Expired']);
  }
});

test('unset and 0 send the state; a revision sends what came after it', async (t) => {
  const store = await Store.open({});
  await store.put('ConfigMap', configMap('a'));
  const { revision } = store;
  await store.put('ConfigMap', configMap('b'));
  assert.deepEqual(summary(await take(watch(t, store, {}), 2)), ['ADDED a', 'ADDED b']);
  assert.deepEqual(summary(await take(watch(t, store, { resourceVersion: '0' }), 2)), ['ADDED a', 'ADDED b']);
  assert.deepEqual(summary(await take(watch(t, store, { resourceVersion: String(revision) }), 1)), ['ADDED b']);
});

test('sendInitialEvents sends the state, then a bookmark that says so, then what happens', async (t) => {
  const store = await Store.open({});
  await store.put('ConfigMap', configMap('a'));
  const asked = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' };
  const stream = watch(t, store, asked);
  const [added, bookmark] = await take(stream, 2);
  assert.equal(added?.type, 'ADDED');
  assert.deepEqual(bookmark, {
    type: 'BOOKMARK',
    object: {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: {
        resourceVersion: String(store.revision),
        creationTimestamp: null,
        annotations: { 'k8s.io/initial-events-end': 'true' },
      },
    },
  });
  await store.put('ConfigMap', configMap('b'));
  assert.deepEqual(summary(await take(stream, 1)), ['ADDED b']);
  const none = watch(t, store, { ...asked, sendInitialEvents: 'false' });
  none.read(0);
  await store.put('ConfigMap', configMap('c'));
  assert.deepEqual(summary(await take(none, 1)), ['ADDED c']);
});

test('what cannot be asked together is refused', async (t) => {
  const store = await Store.open({});
  const wrong: [Record<string, string>, RegExp][] = [
    [{ sendInitialEvents: 'true' }, /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/],
    [{ resourceVersionMatch: 'NotOlderThan' }, /forbidden for watch unless sendInitialEvents is provided/],
    [{ resourceVersionMatch: 'Exact', sendInitialEvents: 'true' }, /Unsupported value: "Exact"/],
    [{ resourceVersion: 'x' }, /resourceVersion: Invalid value: "x"/],
  ];
  for (const [query, message] of wrong) assert.throws(() => watch(t, store, query), { message });
});

test('objects that come to match are added, those that cease to are deleted', async (t) => {
  const store = await Store.open({});
  const isRed: Matcher = ({ metadata }) => metadata.labels?.color === 'red';
  const stream = watch(t, store, { resourceVersion: String(store.revision) }, isRed);
  const put = (color: string) => store.put('ConfigMap', configMap('a', 0, { color }));
  for (const color of ['blue', 'red', 'red', 'blue', 'red']) await put(color);
  const last = await store.remove('ConfigMap', configMap('a', 0, { color: 'red' }));
  const lines = await take(stream, 5);
  assert.deepEqual(summary(lines), ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED a', 'DELETED a']);
  assert.equal(lines.at(-1)?.object.metadata.resourceVersion, last.metadata.resourceVersion);
});

test('an event is made into JSON once for all who watch', async (t) => {
  const store = await Store.open({});
  const { revision } = store;
  const streams = Array.from({ length: 20 }, () => watch(t, store, { resourceVersion: String(revision) }));
  let times = 0;
  const toJSON = () => {
    times++;
    return configMap('a');
  };
  await store.put('ConfigMap', { ...configMap('a'), toJSON });
  for (const stream of streams) assert.deepEqual(summary(await take(stream, 1)), ['ADDED a']);
  assert.equal(times, 1);
});

test('an event that cannot be rendered ends the stream, not the write', async (t) => {
  const store = await Store.open({});
  const broken = () => {
    throw new Error('broken');
  };
  const stream = watch(t, store, { resourceVersion: String(store.revision) }, broken);
  stream.read(0);
  const warned = once(process, 'warning');
  await store.put('ConfigMap', configMap('a'));
  assert.match((await warned)[0].message, /broken/);
  assert.equal(stream.destroyed, true);
});

// After mocked timers real ones can no longer be cleared, so these come last.
test('a reader that takes nothing for a minute is let go', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const store = await Store.open({});
  const stream = watch(t, store, { resourceVersion: String(store.revision) });
  const client = new PassThrough({ highWaterMark: KiB });
  const { promise: closed, resolve: close } = Promise.withResolvers<Error | null | undefined>();
  pipeline(stream, client, close);
  for (let i = 0; i < 4; i++) {
    await store.put('ConfigMap', configMap(`n${i}`, 100 * KiB));
    await setImmediate();
  }
  for (let i = 0; i < 5; i++) t.mock.timers.tick(10_000);
  assert.equal(stream.destroyed, false);
  t.mock.timers.tick(10_000);
  assert.equal(stream.destroyed, true);
  assert.equal(((await closed) as NodeJS.ErrnoException).code, 'ERR_STREAM_PREMATURE_CLOSE');
  assert.equal(client.destroyed, true);
});

test('bookmarks say how far the watch has come, never further', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const store = await Store.open({});
  const stream = watch(t, store, { resourceVersion: String(store.revision), allowWatchBookmarks: 'true' });
  stream.read(0);
  await store.put('Secret', { ...configMap('other'), kind: 'Secret' });
  t.mock.timers.tick(10_000);
  const [bookmark] = await take(stream, 1);
  assert.deepEqual([bookmark?.type, bookmark?.object.metadata.resourceVersion], ['BOOKMARK', String(store.revision)]);
});

test('timeoutSeconds ends the watch in order', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const store = await Store.open({});
  const stream = watch(t, store, { resourceVersion: String(store.revision), timeoutSeconds: '7' });
  stream.read(0);
  await store.put('ConfigMap', configMap('last'));
  t.mock.timers.tick(7000);
  assert.deepEqual(summary(await take(stream, 1)), ['ADDED last']);
  await take(stream, 2);
  assert.equal(stream.readableEnded, true);
});
