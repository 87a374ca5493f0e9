import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generatedName } from './lifecycle.ts';

test('a generated name that is taken gives way to another, a few times', () => {
  const asked: string[] = [];
  const name = generatedName('web-', (one) => asked.push(one) < 3);
  assert.match(name, /^web-[a-z0-9]{5}$/);
  assert.deepEqual([asked.length, asked.at(-1)], [3, name]);
  assert.match(
    generatedName('x'.repeat(100), () => true),
    /^x{58}[a-z0-9]{5}$/,
  );
});
