import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabelSelector } from './label-selector.ts';

test('label selectors as text', () => {
  const cases: [string, Record<string, string>, boolean][] = [
    ['app=a', { app: 'a' }, true],
    ['app == a', { app: 'b' }, false],
    ['app!=a', {}, true],
    ['app', { app: '' }, true],
    ['!app', { app: '' }, false],
    ['tier in (x, y),app', { tier: 'y', app: '1' }, true],
    ['tier notin (x,y)', { tier: 'x' }, false],
    ['tier notin (x,y)', {}, true],
    ['a.b/c-d=e_f', { 'a.b/c-d': 'e_f' }, true],
    ['n>3', { n: '4' }, true],
    ['n<3', { n: 'x' }, false],
    ['app=', { app: '' }, true],
    ['app=,tier', { app: '', tier: 'x' }, true],
    ['in in (in,)', { in: '' }, true],
  ];
  for (const [text, labels, expected] of cases) assert.equal(parseLabelSelector(text)?.(labels), expected, text);
  assert.equal(parseLabelSelector(''), undefined);
});

test('what cannot be read is told in the words of Kubernetes', () => {
  const requirement = 'unable to parse requirement: ';
  const operators = 'in, notin, =, ==, !=, gt, lt';
  const cases: Record<string, string> = {
    'a=b=c': "found '=', expected: ',' or 'end of string'",
    'a in x': `${requirement}found 'x' expected: '('`,
    ',': "found ',', expected: !, identifier, or 'end of string'",
    'a,': "found '', expected: identifier after ','",
    'a in (x': `${requirement}found '', expected: ',' or ')'`,
    'a in (': `${requirement}found '', expected: ',', ')' or identifier`,
    'a in (x,': `${requirement}found '', expected: ',', or identifier`,
    '=x': "found '=', expected: !, identifier, or 'end of string'",
    'a b': `${requirement}found 'b', expected: ${operators}`,
    'a=(': `${requirement}found '(', expected: identifier`,
    'n>x': `${requirement}values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
  };
  for (const [text, message] of Object.entries(cases))
    assert.throws(() => parseLabelSelector(text), { code: 'KUBE_API', message }, text);
  assert.throws(() => parseLabelSelector('_a=b'), /requirement: <nil>: Invalid value: "_a": name part must consist/);
  assert.throws(() => parseLabelSelector('a=b$'), /requirement: values\[0\]\[a\]: Invalid value: "b\$": a valid label/);
});
