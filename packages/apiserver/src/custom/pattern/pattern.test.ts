import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Pattern, PatternError } from './index.ts';

const matches = (source: string, text: string) => new Pattern(source).test(text);

test('expressions of RE2 match what they match in Go', () => {
  const cases: readonly (readonly [source: string, yes: string[], no: string[]])[] = [
    ['^a{2,3}$', ['aa', 'aaa'], ['a', 'aaaa']],
    ['b', ['abc'], ['ac']],
    ['^$|^x', ['', 'xy'], ['y']],
    ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', ['a-b', 'a'], ['-a', 'a-', 'A']],
    ['^[[:alpha:]_]+\\z', ['a_B'], ['a1']],
    ['(?i)^abc$', ['ABC', 'aBc'], ['abd']],
    ['(?i:a)b', ['Ab'], ['AB']],
    ['\\bcat\\b', ['a cat.'], ['concat']],
    ['^\\p{Lu}\\x41\\Q.*\\E$', ['ÄA.*'], ['äA.*', 'ÄAxx']],
    ['(?m)^b$', ['a\nb\nc'], ['a\nbb']],
    ['^.$', ['é', '😀'], ['\n', 'ab']],
    ['(?P<x>a|(?<y>b))c', ['ac', 'bc'], ['c']],
    ['^[^]a]$', ['b'], [']', 'a']],
    ['a{,2}', ['a{,2}'], ['aa']],
    ['^[+-]?[0-9]+(\\.[0-9]*)?$', ['-1.', '+22.5'], ['.5']],
  ];
  for (const [source, yes, no] of cases) {
    for (const text of yes) assert.ok(matches(source, text), `${source} on ${text}`);
    for (const text of no) assert.ok(!matches(source, text), `${source} on ${text}`);
  }
});

test('what RE2 refuses is refused', () => {
  for (const source of [
    '(',
    'a)',
    '[a',
    '*',
    'a**',
    '(?=a)',
    '(?<!a)b',
    '\\1',
    'a{1001}',
    '((a{500}){500})',
    '[b-a]',
    '\\pX',
  ])
    assert.throws(() => new Pattern(source), PatternError, source);
});

test('expressions that make backtracking engines hang take no time', () => {
  const text = `${'a'.repeat(50_000)}!`;
  for (const source of ['^(a+)+$', '^(a|aa)+$', '^(a|a?)+$', '(x+x+)+y', '^(.*)*(.*)*(.*)*b$'])
    assert.equal(matches(source, text), false, source);
});

test('agrees with the engine of JavaScript', () => {
  const atom = fc.constantFrom('a', 'b', '[ab]', '[^a]', '.', '(a|b)', '(ab)', '\\w', '^', '$', '\\b');
  const piece = fc
    .tuple(atom, fc.constantFrom('', '*', '+', '?', '{1,2}', '*?', '+?', '??', '{1,2}?'))
    .map(([part, count]) => {
      return /^(\^|\$|\\b)$/.test(part) ? part : part + count;
    });
  const source = fc.array(fc.array(piece, { maxLength: 5 }), { minLength: 1, maxLength: 3 }).map((all) => {
    return all.map((pieces) => pieces.join('')).join('|');
  });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '-', 'c'), maxLength: 8 });
  fc.assert(
    fc.property(source, text, (one, on) => {
      const found = new RegExp(one).exec(on)?.[0];
      assert.equal(matches(one, on), found !== undefined);
      assert.equal(new Pattern(one).find(on, 1, () => {})[0], found);
    }),
    { numRuns: 500 },
  );
});
