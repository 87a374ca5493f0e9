import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternOf, wordsOf } from './pattern.ts';

test('columns may be wider, values are checked, everything else is literal', () => {
  const table = patternOf('NAME  AGE\na.b   {age}');
  assert.match('NAME         AGE   \na.b          3m10s\n', table);
  assert.doesNotMatch('NAME AGE\na.b  3s', table);
  assert.doesNotMatch('NAME  AGE\naxb  3s', table);
  assert.doesNotMatch('NAME  AGE\na.b  3s\nb  4s', table);
  assert.match('{"a":"1"}', patternOf('{"a":"1"}'));
  assert.match('a\nb\nc\n', patternOf('a\n{lines}c'));
  assert.doesNotMatch('x', patternOf(''));
});

test('words are split as a shell does', () => {
  assert.deepEqual(wordsOf("patch cm a -p '{\"a\": 1}' -o jsonpath='{.x y}'"), [
    'patch',
    'cm',
    'a',
    '-p',
    '{"a": 1}',
    '-o',
    'jsonpath={.x y}',
  ]);
});
