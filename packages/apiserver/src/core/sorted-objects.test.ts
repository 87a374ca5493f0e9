import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ApiObject } from '../seam.ts';
import { firstFrom, inNamespace, keyOf, SortedObjects } from './sorted-objects.ts';

const object = (key: string, version = 0): ApiObject => {
  const [namespace = '', name = ''] = key.split('/');
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, resourceVersion: String(version) } };
};
const keys = fc
  .tuple(fc.constantFrom('a', 'a-b', 'a0', 'b'), fc.constantFrom('x', 'x-1', 'y', 'z'))
  .map((k) => k.join('/'));

test('is what sorting everything anew would give, and lists given out stay as they are', () => {
  const step = fc.record({ key: keys, isRemoval: fc.boolean(), looks: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const sorted = new SortedObjects();
      const plain = new Map<string, ApiObject>();
      const seen: [readonly ApiObject[], ApiObject[]][] = [];
      steps.forEach(({ key, isRemoval, looks }, i) => {
        const next = isRemoval ? undefined : object(key, i);
        sorted.set(key, next);
        if (next) plain.set(key, next);
        else plain.delete(key);
        if (looks) seen.push([sorted.list(), [...sorted.list()]]);
      });
      const expected = [...plain].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
      assert.deepEqual(sorted.list(), expected);
      for (const [list, copy] of seen) assert.deepEqual(list, copy);
      for (const namespace of ['a', 'a-b', 'a0', 'b', 'c']) {
        assert.deepEqual(
          inNamespace(expected, namespace),
          expected.filter(({ metadata }) => metadata.namespace === namespace),
        );
      }
    }),
  );
});

test('finds the place of a key that is not there', () => {
  const list = ['a/x', 'a/z', 'b/x'].map((key) => object(key));
  assert.deepEqual(
    ['a/w', 'a/x', 'a/y', 'b/x', 'c/x'].map((key) => firstFrom(list, key)),
    [0, 0, 1, 2, 3],
  );
  assert.equal(keyOf({ ...object('a/x'), metadata: { name: 'x' } }), 'x');
});

test('objects that come and go while nobody looks', () => {
  const sorted = new SortedObjects();
  const old = sorted.list();
  for (let i = 0; i < 20_000; i++) {
    sorted.set(`n/${i}`, object(`n/${i}`, i));
    sorted.set(`n/${i}`, object(`n/${i}`, i + 1));
    if (i >= 10) sorted.set(`n/${i - 10}`, undefined);
  }
  assert.equal(sorted.size, 10);
  assert.deepEqual(
    sorted.list().map(keyOf),
    Array.from({ length: 10 }, (_, i) => `n/${19_990 + i}`),
  );
  assert.equal(sorted.get('n/19999')?.metadata.resourceVersion, '20000');
  assert.deepEqual(old, []);
});
