import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { kindNamed } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { Store } from './store.ts';
import { WatchResponse } from './watch-response.ts';

const MiB = 1024 * 1024;
const configMap = (name: string, bytes = 0): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { value: 'x'.repeat(bytes) },
});

function watch(store: Store, query: Record<string, string>, matcher?: () => boolean) {
  const kind = kindNamed('ConfigMap');
  const path = { kind, apiVersion: 'v1', namespace: undefined, name: undefined, subresource: undefined };
  const { signal } = new AbortController();
  const options = { path, matcher, signal, table: undefined, convert: (object: ApiObject) => object };
  const { stream } = new WatchResponse(store, { ...options, query: new URLSearchParams(query) }).start();
  return stream ?? assert.fail('no stream');
}

test('a reader that does not read is cut off, and nothing more is kept for it', async () => {
  const store = await Store.open({});
  const stream = watch(store, { resourceVersion: String(store.revision) });
  for (let i = 0; i < 31; i++) await store.put('ConfigMap', configMap(`n${i}`, MiB));
  assert.equal(stream.destroyed, false);
  for (let i = 31; i < 34; i++) await store.put('ConfigMap', configMap(`n${i}`, MiB));
  assert.equal(stream.destroyed, true);
  const kept = stream.readableLength;
  await store.put('ConfigMap', configMap('later', MiB));
  assert.equal(stream.readableLength, kept);
});

test('a large state is sent whole: only what comes after it counts as backlog', async () => {
  const store = await Store.open({});
  for (let i = 0; i < 33; i++) await store.put('ConfigMap', configMap(`n${i}`, MiB));
  const stream = watch(store, {});
  await store.put('ConfigMap', configMap('later'));
  assert.equal(stream.destroyed, false);
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (chunk.includes('"name":"later"')) break;
  }
  assert.ok(bytes > 33 * MiB);
});

test('a backlog in the history alone ends the watch for good', async () => {
  const store = await Store.open({});
  const { revision } = store;
  for (let i = 0; i < 40; i++) await store.put('ConfigMap', configMap(`n${i}`, MiB));
  const stream = watch(store, { resourceVersion: String(revision) });
  assert.equal(stream.destroyed, true);
  const kept = stream.readableLength;
  await store.put('ConfigMap', configMap('later', MiB));
  assert.equal(stream.readableLength, kept);
});

test('an event that cannot be rendered ends the stream, not the write', async () => {
  const store = await Store.open({});
  const stream = watch(store, { resourceVersion: String(store.revision) }, () => {
    throw new Error('broken');
  });
  const warned = once(process, 'warning');
  await store.put('ConfigMap', configMap('a'));
  assert.equal(stream.destroyed, true);
  assert.match((await warned)[0].message, /broken/);
});
