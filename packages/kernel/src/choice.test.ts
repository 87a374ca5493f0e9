import assert from 'node:assert/strict';
import test from 'node:test';
import { choose } from './choice.ts';

const refused = (table: Record<string, number>, word: unknown, message: string) =>
  assert.throws(() => choose(table, word as string, 'a thing'), { code: 'KERNEL_ENCODE', message });

test('a word is what the table says, and what is no word of it is told with the words there are', () => {
  assert.equal(choose({ one: 1, none: 0 }, 'none', 'a thing'), 0);
  refused({ one: 1, two: 2 }, 'three', 'cannot encode "three" as a thing; write one, two');
  refused({ one: 1 }, undefined, 'cannot encode undefined as a thing; write one');
  refused({ one: 1 }, 'toString', 'cannot encode "toString" as a thing; write one');
  refused({ one: 1 }, ['one'], "cannot encode [ 'one' ] as a thing; write one");
});

test('of a long list the words that begin alike are told', () => {
  const long = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`${i < 2 ? 'wire' : 'name'}${i}`, i]));
  refused(long, 'wirre', 'cannot encode "wirre" as a thing; write wire0, wire1 (and 58 others)');
});
