import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyTable, valueText } from './key-table.ts';
import type { SetElement, Value } from './model.ts';

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.integer({ min: 0, max: 20 }),
  fc.integer({ min: 0, max: 20 }).map(String),
  fc.record({ from: fc.constantFrom(1, 2), to: fc.constantFrom(2, 3) }),
);
const key = fc.array(value, { minLength: 1, maxLength: 2 });
const step = fc.oneof(
  { weight: 3, arbitrary: key.map((of) => ({ op: 'set' as const, of })) },
  { weight: 2, arbitrary: key.map((of) => ({ op: 'delete' as const, of })) },
);
const textOf = (of: readonly Value[]): string => of.map(valueText).join(' ');

test('holds what a map by the text of the key holds', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 40 }), fc.array(step, { maxLength: 200 }), (first, steps) => {
      let serial = 0;
      const elementOf = (of: readonly Value[]): SetElement => ({ key: of, comment: String(serial++) });
      const initial = first.map(elementOf);
      const table = new KeyTable(initial);
      const map = new Map(initial.map((element) => [textOf(element.key), element]));
      for (const { op, of } of steps) {
        const element = elementOf(of);
        if (op === 'set') {
          table.set(element);
          map.set(textOf(of), element);
        } else {
          table.delete(of);
          map.delete(textOf(of));
        }
        assert.equal(table.get(of), map.get(textOf(of)));
      }
      for (const element of map.values()) assert.equal(table.get(element.key), element);
      assert.deepEqual(new Set(table.elements), new Set(map.values()));
    }),
  );
});

test('grows from nothing, and fills the places of what has gone', () => {
  const table = new KeyTable([]);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1000; i++) table.set({ key: ['10.96.0.1', 'tcp', 80, 0xb5d00000 + i] });
    assert.equal(table.elements.length, 1000);
    for (let i = 0; i < 1000; i++) table.delete(['10.96.0.1', 'tcp', 80, 0xb5d00000 + i]);
    assert.equal(table.elements.length, 0);
  }
});
