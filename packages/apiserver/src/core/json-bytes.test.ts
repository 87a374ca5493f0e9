import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freezeJson } from '@podwire/kube';
import fc from 'fast-check';
import type { ApiObject } from '../seam.ts';
import { jsonBytes } from './json-bytes.ts';
import { JsonSlabs } from './json-slabs.ts';

const named = (name: string, data: unknown) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
const text = (object: ApiObject): string => jsonBytes(object).toString();
const KiB = 1024;

test('objects are the same JSON however often and in whatever order they are asked for', () => {
  // More than both halves have room for, so that all of them are forgotten, moved and made anew.
  const objects = Array.from({ length: 100 }, (_, i) => freezeJson(named(`ä€x${i}`, 'x'.repeat(340 * KiB))));
  const texts = objects.map((object) => Buffer.from(JSON.stringify(object)));
  for (const step of [1, 7]) {
    for (let i = 0; i < objects.length; i++) {
      const at = (i * step) % objects.length;
      assert.ok(texts[at]?.equals(jsonBytes(objects[at] as ApiObject)), objects[at]?.metadata.name);
    }
  }
});

test('what was given out in this turn stays as it is while 16 MiB of others are asked for', () => {
  const first = freezeJson(named('first', 'x'));
  const bytes = jsonBytes(first);
  for (let i = 0; i < 16; i++) jsonBytes(freezeJson(named(`other${i}`, 'y'.repeat(340 * KiB))));
  assert.equal(bytes.toString(), JSON.stringify(first));
});

test('an object that is not frozen is read again, one that is larger than a slab is not kept', () => {
  const open = named('open', 1);
  text(open);
  open.data = 2;
  assert.equal(text(open), JSON.stringify(open));
  const large = freezeJson(named('large', 'ä'.repeat(KiB * KiB)));
  assert.ok(text(large) === JSON.stringify(large));
});

test('slabs give texts back as they were, until there is no room', () => {
  const character = fc.constantFrom('x', 'ä', '€', '😀');
  const one = fc.tuple(character, fc.nat(150 * KiB)).map(([a, length]) => a.repeat(length));
  fc.assert(
    fc.property(fc.array(one, { maxLength: 20 }), (texts) => {
      const slabs = new JsonSlabs(2);
      const objects = texts.map((_, i) => named(String(i), undefined));
      const kept = objects.map((object, i) => slabs.add(object, texts[i] ?? '') !== undefined);
      for (const [i, object] of objects.entries())
        assert.ok(slabs.get(object)?.toString() === (kept[i] ? texts[i] : undefined));
      slabs.clear();
      for (const object of objects) assert.equal(slabs.get(object), undefined);
    }),
    { numRuns: 10 },
  );
});
