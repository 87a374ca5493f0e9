import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindNamed, statusOf } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { listPage } from './list-page.ts';
import { Store } from './store.ts';

const KIND = kindNamed('ConfigMap');
const configMap = (name: string, namespace = 'default', labels: Record<string, string> = {}): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels },
});

async function filled(historyLength = 100): Promise<Store> {
  const store = await Store.open({ historyLength });
  for (const name of ['c', 'a', 'b', 'd']) await store.put('ConfigMap', configMap(name));
  await store.put('ConfigMap', configMap('z', 'another'));
  return store;
}

function page(store: Store, query: Record<string, string>, namespace?: string) {
  const { items, listMeta } = listPage(store, KIND, {
    matcher: undefined,
    query: new URLSearchParams(query),
    namespace,
  });
  return { names: items.map(({ metadata }) => metadata.name).join(''), ...listMeta };
}

function refusal(ask: () => unknown) {
  try {
    ask();
  } catch (error) {
    return statusOf(error);
  }
  return assert.fail('was not refused');
}

test('pages show one revision, in order, and say how many objects remain', async () => {
  const store = await filled();
  const { revision } = store;
  const first = page(store, { limit: '2' }, 'default');
  assert.deepEqual([first.names, first.remainingItemCount], ['ab', 2]);
  await store.put('ConfigMap', configMap('bb'));
  await store.remove('ConfigMap', configMap('c'));
  const second = page(store, { limit: '2', continue: first.continue ?? '' }, 'default');
  assert.deepEqual(second, { names: 'cd', resourceVersion: String(revision) });
  assert.equal(page(store, {}).names, 'zabbbd');
});

test('a page of what is no longer known is 410, with a token to go on with what there is', async () => {
  const store = await filled(2);
  const { continue: token = '' } = page(store, { limit: '2' }, 'default');
  for (let i = 0; i < 9; i++) await store.put('ConfigMap', configMap('e'));
  const status = refusal(() => page(store, { limit: '1', continue: token }, 'default'));
  assert.deepEqual([status?.code, status?.reason], [410, 'Expired']);
  const next = page(store, { limit: '1', continue: status?.metadata?.continue ?? '' }, 'default');
  assert.deepEqual([next.names, next.resourceVersion], ['c', String(store.revision)]);
  assert.equal(page(store, { limit: '5', continue: next.continue ?? '' }, 'default').names, 'de');
});

test('revisions: any, the newest, exactly one, one that is not there yet', async () => {
  const store = await filled();
  const asked = String(store.revision);
  await store.put('ConfigMap', configMap('new'));
  assert.equal(page(store, { resourceVersion: '0' }, 'default').names, 'abcdnew');
  assert.equal(page(store, { resourceVersion: asked, resourceVersionMatch: 'NotOlderThan' }).names, 'zabcdnew');
  assert.deepEqual(page(store, { resourceVersion: asked, resourceVersionMatch: 'Exact' }), {
    names: 'zabcd',
    resourceVersion: asked,
  });
  assert.equal(page(store, { resourceVersion: asked, limit: '9' }).names, 'zabcd');
  const early = refusal(() => page(store, { resourceVersion: String(store.revision + 1) }));
  assert.deepEqual([early?.code, early?.reason, early?.details?.retryAfterSeconds], [504, 'Timeout', 1]);
});

test('what cannot be asked together is refused with the field', async () => {
  const store = await filled();
  const refused: [Record<string, string>, RegExp][] = [
    [{ resourceVersionMatch: 'Exact' }, /resourceVersionMatch is forbidden unless resourceVersion is provided/],
    [{ resourceVersionMatch: 'Exact', resourceVersion: '0' }, /is forbidden for resourceVersion "0"/],
    [{ resourceVersionMatch: 'Some', resourceVersion: '1' }, /Unsupported value: "Some"/],
    [{ sendInitialEvents: 'true' }, /sendInitialEvents is forbidden for list/],
    [{ resourceVersion: '1x' }, /Invalid value: "1x"/],
    [{ continue: 'x' }, /continue key is not valid/],
    [{ limit: '-1' }, /limit: Invalid value/],
  ];
  for (const [query, message] of refused) assert.match(refusal(() => page(store, query))?.message ?? '', message);
});
