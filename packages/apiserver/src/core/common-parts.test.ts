import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cloneJson } from '@podwire/kube';
import fc from 'fast-check';
import { CommonParts } from './common-parts.ts';

const pod = (name: string, image = 'web:1') => ({
  metadata: { name, labels: { app: 'web' } },
  spec: { nodeName: name, containers: [{ name: 'web', image, ports: [{ containerPort: 80 }] }] },
});

test('what objects have in common is there once, from the second time on', () => {
  const parts = new CommonParts();
  const [, second, third] = ['a', 'b', 'c'].map((name) => parts.freeze(pod(name)));
  assert.equal(second?.spec.containers, third?.spec.containers);
  assert.equal(second?.metadata.labels, third?.metadata.labels);
  assert.notEqual(second?.spec, third?.spec);
  const other = parts.freeze(pod('d', 'web:2'));
  assert.equal(other.spec.containers[0]?.ports, third?.spec.containers[0]?.ports);
  assert.deepEqual(other, pod('d', 'web:2'));
});

test('parts that are frozen stay what they are', () => {
  const parts = new CommonParts();
  const old = parts.freeze(pod('a'));
  for (const name of ['b', 'c']) parts.freeze(pod(name));
  assert.equal(parts.freeze({ ...old }).spec.containers, old.spec.containers);
});

test('what takes the place of another part is not looked for, what is new is', () => {
  const parts = new CommonParts();
  const [first, , common] = ['a', 'b', 'c'].map((name) => parts.freeze(pod(name)));
  const spec = { ...pod('a').spec, initContainers: pod('a').spec.containers };
  const next = parts.freeze({ ...pod('a'), spec }, first);
  assert.notEqual(next.spec.containers, common?.spec.containers);
  assert.equal(next.spec.initContainers, common?.spec.containers);
  assert.deepEqual(next, { ...pod('a'), spec });
});

test('what comes often is known for as long as it comes, among any number of others', () => {
  const parts = new CommonParts();
  const common = [0, 1].map(() => parts.freeze(pod('a')))[1]?.spec.containers;
  for (let i = 0; i < 10_000; i++) {
    for (const _ of [0, 1]) parts.freeze({ spec: { other: { i } } });
    if (i % 1000 === 0) assert.equal(parts.freeze(pod('a')).spec.containers, common);
  }
});

/** Bodies that have members of the name __proto__ are refused before. */
test('any data is frozen in depth and is what it was', () => {
  const parts = new CommonParts();
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
  const json = fc.jsonValue({ maxDepth: 9 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c'), json);
  fc.assert(
    fc.property(data, data, (value, previous) => {
      const copies = [0, 1, 2].map((i) => parts.freeze(cloneJson(value), i === 2 ? previous : undefined));
      assert.ok(copies.every(isFrozen));
      for (const copy of copies) assert.equal(JSON.stringify(copy), JSON.stringify(value));
    }),
  );
});
