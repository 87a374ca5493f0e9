import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { kindNamed } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { indexedValue } from './field-index.ts';
import { listPage } from './list-page.ts';
import { Store } from './store.ts';
import { WatchResponse } from './watch-response.ts';

const POD = kindNamed('Pod');
const pod = (name: string, nodeName?: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: name.startsWith('a') ? 'a' : 'b' },
  spec: nodeName === undefined ? {} : { nodeName },
});
const names = (objects: readonly ApiObject[]) => objects.map(({ metadata }) => metadata.name);

test('the value a selector asks for', () => {
  const asked = (text: string | null) => indexedValue('Pod', text);
  assert.equal(asked('status.phase!=Failed,spec.nodeName=n1'), 'n1');
  assert.equal(asked('spec.nodeName=='), '');
  for (const text of ['spec.nodeName!=n1', 'metadata.name=n1', '', null]) assert.equal(asked(text), undefined);
  assert.equal(indexedValue('Node', 'spec.unschedulable=true'), undefined);
  assert.throws(() => asked('spec.nodeName'), { message: /invalid selector/ });
});

test('an event is told to the watches of its node alone, whatever their number', async () => {
  const store = await Store.open({});
  let told = 0;
  const stops = Array.from({ length: 5000 }, (_, i) => {
    return store.watch('Pod', store.revision, () => void told++, `node-${i}`);
  });
  for (let i = 0; i < 100; i++) await store.put('Pod', pod(`p${i}`, `node-${i}`));
  assert.equal(told, 100);
  await store.put('Pod', pod('p0', 'node-7'));
  assert.equal(told, 102, 'a pod that moves concerns both nodes');
  await store.remove('Pod', pod('p0', 'node-7'));
  assert.equal(told, 103);
  for (const stop of stops) stop?.();
  await store.put('Pod', pod('p1', 'node-2'));
  assert.equal(told, 103);
});

test('a list of the pods of a node looks at no others', async () => {
  const store = await Store.open({});
  for (const name of ['b1', 'a2', 'a1', 'b2']) await store.put('Pod', pod(name, 'n1'));
  for (let i = 0; i < 50; i++) await store.put('Pod', pod(`p${i}`, `n${2 + i}`));
  await store.put('Pod', pod('b2', 'n2'));
  await store.remove('Pod', pod('a2', 'n1'));
  let looks = 0;
  const matcher = () => {
    looks++;
    return true;
  };
  const list = (indexed: string, namespace?: string) =>
    names(listPage(store, POD, { matcher, indexed, namespace, query: new URLSearchParams() }).items);
  assert.deepEqual([list('n1'), list('n1', 'b'), list('n99'), looks], [['a1', 'b1'], ['b1'], [], 3]);
});

test('a watch of a node looks at no events of others, and does not lose its place while they go on', async (t) => {
  const store = await Store.open({ historyLength: 10 });
  let looks = 0;
  const matcher = ({ spec }: ApiObject) => {
    looks++;
    return (spec as { nodeName?: string }).nodeName === 'n1';
  };
  const path = { kind: POD, apiVersion: 'v1', namespace: undefined, name: undefined, subresource: undefined };
  const query = new URLSearchParams({ resourceVersion: String(store.revision) });
  const convert = (object: ApiObject) => object;
  const { signal } = new AbortController();
  const options = { path, matcher, indexed: 'n1', query, signal, table: undefined, convert };
  const { stream } = new WatchResponse(store, options).start();
  if (!stream) assert.fail('no stream');
  t.after(() => stream.destroy());
  const lines: string[] = [];
  stream.on('data', (chunk: Buffer) => lines.push(...chunk.toString().trim().split('\n')));
  for (let i = 0; i < 500; i++) {
    await store.put('Pod', pod(`p${i}`, 'n2'));
    if (i % 100 === 0) await setImmediate();
  }
  assert.equal(looks, 0);
  await store.put('Pod', pod('p1', 'n1'));
  await once(stream, 'data');
  await store.put('Pod', pod('p1', 'n2'));
  await once(stream, 'data');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { type: string }).type),
    ['ADDED', 'DELETED'],
  );
  assert.equal(looks, 4);
});
