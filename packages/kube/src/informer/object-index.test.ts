import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '../kinds.ts';
import { FakeInformers } from '../testing.ts';
import { ObjectIndex } from './object-index.ts';

const configMap = (name: string, labels: Record<string, string>): ConfigMap => ({
  metadata: { name, namespace: 'n', labels },
});

test('objects stand under the names they have now, and under none when they are gone', () => {
  const informers = new FakeInformers();
  informers.put('ConfigMap', configMap('early', { app: 'a' }));
  const index = new ObjectIndex(informers.of('ConfigMap'), ({ metadata }) => Object.values(metadata?.labels ?? {}));
  const names = (label: string) => index.get(label).map(({ metadata }) => metadata?.name);
  informers.put('ConfigMap', configMap('late', { app: 'a', tier: 'b' }));
  assert.deepEqual([names('a'), names('b'), names('c')], [['early', 'late'], ['late'], []]);
  assert.equal(index.shortest(['a', 'b']).length, 1);
  informers.put('ConfigMap', configMap('early', { app: 'c' }));
  assert.deepEqual([names('a'), names('c')], [['late'], ['early']]);
  // What ceases to match a selector is told as deleted with the labels it has by then.
  informers.remove('ConfigMap', configMap('late', { app: 'other' }));
  assert.deepEqual([names('a'), names('b')], [[], []]);
  index.stop();
  informers.put('ConfigMap', configMap('later', { app: 'c' }));
  assert.deepEqual(names('c'), ['early']);
});
