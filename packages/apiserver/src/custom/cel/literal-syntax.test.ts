import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainLiterals } from './literal-syntax.ts';

const SAME = [
  "a ? b : {'c': 1}",
  'a[?0].?b',
  "'[?x]' + \"{?y\" + '''{?''' + r'\\'",
  'x in {1: 2}',
  '[a ? b : c, d]',
  '{a ? b : c: d}',
  "[// {?\n'x']",
  '[',
  '{',
  ']}',
  '"""',
];

const CHANGED: readonly (readonly [text: string, plain: string])[] = [
  ['[?a, b, ?c[?d]]', '[optional_entry__(a), b, optional_entry__(c[?d])]'],
  ['{?a ? b : c: d ? e : f, g: h}', '{optional_entry__(a ? b : c): d ? e : f, g: h}'],
  ['Object{}', "struct__('Object', {})"],
  ['x + Object . spec{ a: 1, ?b: c }.d', "x + struct__('Object.spec', { 'a': 1, optional_entry__('b'): c }).d"],
  [
    '[A{b: [?c]}, {?d: A.b{}}]',
    "[struct__('A', {'b': [optional_entry__(c)]}), {optional_entry__(d): struct__('A.b', {})}]",
  ],
  ['[?[?a]]', '[optional_entry__([optional_entry__(a)])]'],
  ['a[{?b: c}]', 'a[{optional_entry__(b): c}]'],
];

test('literals the library cannot read become calls, the rest stays as it is', () => {
  for (const text of SAME) assert.equal(plainLiterals(text), text);
  for (const [text, plain] of CHANGED) assert.equal(plainLiterals(text), plain);
});

test('long texts take no long time', () => {
  for (const part of ['[?', '{?a:', '"""\\', '//', 'a {', '[ ', "'\\"]) {
    const text = part.repeat(1_000);
    assert.ok(plainLiterals(text).length >= text.length, part);
  }
});
