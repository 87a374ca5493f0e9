import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maglevTable } from './maglev.ts';

const SIZE = 2003;
const names = fc.uniqueArray(
  fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((rest) => `10.${rest.join('.')}:8080`),
  { minLength: 2, maxLength: 40 },
);
const members = (list: readonly string[]) => list.map((name) => ({ name }));
const owners = (list: readonly string[]) => [...maglevTable(members(list), SIZE)].map((member) => list[member]);

test('every member has its share of the table, to within one place', () => {
  fc.assert(
    fc.property(names, (list) => {
      const counts = Map.groupBy(owners(list), (name) => name);
      for (const name of list) {
        const share = counts.get(name)?.length ?? 0;
        assert.ok(Math.abs(share - SIZE / list.length) <= 1, `${name}: ${share} of ${SIZE} for ${list.length}`);
      }
    }),
  );
});

test('when a member goes, few places change hands beside its own', () => {
  fc.assert(
    fc.property(names, (list) => {
      const [gone, ...rest] = list;
      const [before, after] = [owners(list), owners(rest)];
      const moved = before.filter((name, i) => name !== gone && name !== after[i]).length;
      assert.ok(moved <= SIZE * 0.25, `${moved} of ${SIZE} moved needlessly`);
      assert.ok(!after.includes(gone));
    }),
  );
});

test('shares follow weights', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 2, max: 10 }), (list, weight) => {
      const table = maglevTable([...members(list.slice(1)), { name: list[0] ?? '', weight }], SIZE);
      const share = table.filter((member) => member === list.length - 1).length;
      const expected = (SIZE * weight) / (list.length - 1 + weight);
      assert.ok(Math.abs(share - expected) <= weight, `${share} instead of ${expected}`);
    }),
  );
});

test('the same members make the same table, and none makes an empty one', () => {
  fc.assert(fc.property(names, (list) => assert.deepEqual(owners(list), owners([...list]))));
  assert.equal(maglevTable([], SIZE).length, 0);
  assert.deepEqual(new Set(maglevTable([{ name: 'only' }], SIZE)), new Set([0]));
});
