import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remember } from './remember.ts';

test('what was put longest ago is forgotten; put again, it is new', () => {
  const map = new Map<string, number>();
  for (const [value, key] of ['a', 'b', 'a', 'c'].entries()) remember(map, key, value, 2);
  assert.deepEqual(
    [...map],
    [
      ['a', 2],
      ['c', 3],
    ],
  );
});
