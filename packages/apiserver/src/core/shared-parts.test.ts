import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freezeJson } from '@podwire/kube';
import fc from 'fast-check';
import { sharing } from './shared-parts.ts';

test('what agrees is the old, what differs the new', () => {
  const old = freezeJson({ spec: { a: [{ x: 1 }, { y: 2 }] }, status: { phase: 'Pending' }, gone: {} });
  const next = sharing({ status: { phase: 'Running' }, spec: { a: [{ x: 1 }, { y: 2 }] } }, old) as typeof old;
  assert.deepEqual(next, { status: { phase: 'Running' }, spec: { a: [{ x: 1 }, { y: 2 }] } });
  assert.equal(next.spec, old.spec);
  const longer = sharing({ ...old, spec: { a: [{ x: 1 }, { y: 3 }, { z: 4 }] } }, old);
  assert.equal(longer.spec.a[0], old.spec.a[0]);
  assert.deepEqual(longer.spec.a, [{ x: 1 }, { y: 3 }, { z: 4 }]);
});

test('an undefined member is not one the old has under another name', () => {
  const old = { a: 1, c: 2 };
  assert.deepEqual(sharing({ a: 1, b: undefined }, old), { a: 1, b: undefined });
});

/** Bodies that have members of this name are refused before. */
const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'));

test('the data stay the same, whatever they are compared with', () => {
  fc.assert(
    fc.property(json, json, (next, old) => {
      assert.deepEqual(sharing(next, old), next);
      assert.equal(sharing(structuredClone(old), old), old);
    }),
  );
});
