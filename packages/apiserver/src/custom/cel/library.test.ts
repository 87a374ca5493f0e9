import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget, BudgetError } from './budget.ts';
import { newEnvironment } from './environment.ts';
import { compile } from './rule.ts';

const environment = newEnvironment();

function evaluate(text: string): unknown {
  const compiled = compile(environment, text, 'any');
  if ('why' in compiled) throw new Error(compiled.why);
  return new Budget().run(() => compiled.run({}));
}

/** By libraries of Kubernetes' documentation: what holds. */
const TRUE: Readonly<Record<string, readonly string[]>> = {
  regex: [
    "'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''",
    "'123 abc 456'.findAll('[0-9]+') == ['123', '456'] && '1 2 3'.findAll('[0-9]', 2) == ['1', '2']",
    "'1 2'.findAll('[0-9]', 0) == [] && '1 2'.findAll('[0-9]', -1).size() == 2",
    "'aXbXc'.find('.*X') == 'aXbX' && 'aXbXc'.find('.*?X') == 'aX' && 'ab'.find('a|ab') == 'a'",
    "'baac'.findAll('a*') == ['', 'aa', ''] && 'aaa'.find('a{2}?') == 'aa' && 'a\\nb'.find('(?m)^b$') == 'b'",
    "'foobar'.find('o+?b|o') == 'oob' && 'éa'.find('\\\\pL+') == 'éa' && 'x'.findAll('y') == []",
  ],
  math: [
    'math.least(1, 2, -3) == -3 && math.least([4.5, 2.5]) == 2.5 && math.least(7u) == 7u && math.least(1, 0.5) == 0.5',
    'math.greatest(1, 2u, 1.5) == 2u && math.greatest([1, 3, 2]) == 3 && math.greatest(-1.0) == -1.0',
    'math.ceil(1.2) == 2.0 && math.floor(-1.2) == -2.0 && math.trunc(-1.7) == -1.0',
    'math.round(1.5) == 2.0 && math.round(-1.5) == -2.0 && math.round(1.4) == 1.0',
    'math.abs(-5) == 5 && math.abs(-1.5) == 1.5 && math.abs(1u) == 1u && math.sqrt(81) == 9.0',
    'math.sign(-42) == -1 && math.sign(0u) == 0u && math.sign(0.3) == 1.0',
    "math.isNaN(double('NaN')) && math.isInf(double('-inf')) && !math.isFinite(double('inf')) && math.isFinite(1.0)",
    'math.bitAnd(3, 5) == 1 && math.bitOr(1u, 2u) == 3u && math.bitXor(3, 5) == 6 && math.bitNot(1) == -2',
    'math.bitNot(0u) == 18446744073709551615u && math.bitShiftLeft(1, 63) == -9223372036854775808',
    'math.bitShiftRight(-1, 63) == 1 && math.bitShiftLeft(1, 64) == 0 && math.bitShiftRight(1024u, 2) == 256u',
  ],
  semver: [
    "isSemver('1.0.0') && !isSemver('v1.0') && isSemver('v1.0', true) && !isSemver('01.0.0') && !isSemver('1.0.0-01')",
    "semver('v01.2', true) == semver('1.2.0') && !isSemver('1.2-rc', true) && isSemver('1.0.0-a.1+b')",
    "semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3",
    "semver('1.2.3').compareTo(semver('1.2.3+x')) == 0 && semver('1.10.0').isGreaterThan(semver('1.9.9'))",
    "semver('1.0.0-alpha.1').isLessThan(semver('1.0.0-alpha.beta')) && semver('1.0.0-rc').isLessThan(semver('1.0.0'))",
    "semver('1.0.0-a').isLessThan(semver('1.0.0-a.0')) && semver('1.0.0-2').isLessThan(semver('1.0.0-11'))",
    "isSemver('18446744073709551615.0.0') && !isSemver('18446744073709551616.0.0') && !isSemver('1.0.0-100000000000000000000')",
  ],
  format: [
    "!format.dns1123Label().validate('my-label').hasValue() && format.dns1123Label().validate('My').hasValue()",
    "format.dns1123Label().validate('A').value()[0].startsWith('a lowercase RFC 1123 label must consist of')",
    "!format.named('dns1123Subdomain').value().validate('a.b').hasValue() && !format.named('nope').hasValue()",
    "!format.dns1123LabelPrefix().validate('a-').hasValue() && format.dns1123Label().validate('a-').hasValue()",
    "!format.dns1035LabelPrefix().validate('a-').hasValue() && format.dns1035Label().validate('1a').hasValue()",
    "!format.dns1123SubdomainPrefix().validate('a.b-').hasValue() && format.qualifiedName().validate('/x').hasValue()",
    "!format.uri().validate('http://a/b').hasValue() && format.uri().validate('a b').hasValue()",
    "!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue() && format.uuid().validate('x').hasValue()",
    "!format.byte().validate('aGVsbG8=').hasValue() && format.byte().validate('?').value() == ['invalid base64']",
    "!format.date().validate('2021-01-01').hasValue() && format.datetime().validate('x').orValue([]).size() == 1",
    "format.labelValue().validate('a b').hasValue()",
  ],
  'two-variable comprehensions': [
    "[1, 2, 3].all(i, v, i < v) && !{'a': 'b', 'c': 'c'}.all(k, v, k != v) && [].all(i, v, false)",
    "{'a': 1}.exists(k, v, k == 'a' && v == 1) && ![1, 2].exists(i, v, v == 3)",
    '[0, 2].exists(i, v, 1 / v == 0) && ![0, 2].all(i, v, 1 / v == 1)',
    '[1, 1, 2].existsOne(i, v, v == 2) && ![1, 1].exists_one(i, v, v == 1)',
    '[1, 2, 3].transformList(i, v, i * v + v) == [1, 4, 9] && [1, 2, 3].transformList(i, v, i % 2 == 0, v) == [1, 3]',
    "{'a': 'b'}.transformList(k, v, k + v) == ['ab']",
    "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2} && [5, 6].transformMap(i, v, i > 0, v)[1] == 6",
    "{'a': 'b'}.transformMapEntry(k, v, {v: k}) == {'b': 'a'} && ['x'].transformMapEntry(i, v, {v: i})['x'] == 0",
    "{'h': ['hello', 'hi']}.all(k, vs, vs.all(v, v.startsWith(k)))",
    '[[1], [2]].all(i, x, x.all(j, y, y == i + 1 && j == 0))',
  ],
  lists: [
    '[1, 2, 3].slice(1, 3) == [2, 3] && [1, 2].reverse() == [2, 1] && [3, 1, 2].sort() == [1, 2, 3]',
    '[[1], [2, 3]].flatten() == [1, 2, 3] && [1, [2, [3]]].flatten(2) == [1, 2, 3] && lists.range(3) == [0, 1, 2]',
    "[1, 2, 2, 1].distinct() == [1, 2] && ['bb', 'a'].sortBy(x, size(x)) == ['a', 'bb']",
    "['b', 'a'].sort() == ['a', 'b'] && [duration('2s'), duration('1s')].sort()[0] == duration('1s')",
    '[1, 2].existsOne(x, x == 2) && [1, 2].sum() == 3 && [1, 2].isSorted() && [1, 2].max() == 2',
    '[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2',
  ],
  'optional types': [
    'optional.of(1).optMap(x, x + 1).value() == 2 && !optional.none().optMap(x, x).hasValue()',
    'optional.of(1).optFlatMap(x, optional.of(x * 3)).orValue(0) == 3 && optional.of([1]) == optional.of([1])',
    "!optional.ofNonZeroValue('').hasValue() && optional.ofNonZeroValue([0]).hasValue() && optional.none().or(optional.of(1)).hasValue()",
    '[1, 2].first().value() == 1 && [1, 2].last().value() == 2 && ![].first().hasValue()',
    '[optional.of(1), optional.none()].unwrapOpt() == [1] && optional.unwrap([optional.none(), optional.of(2)]) == [2]',
    "{'a': 1}[?'b'].orValue(2) == 2 && {'a': 1}.?a.value() == 1",
    '[?optional.of(1), 2, ?optional.none()] == [1, 2] && [?[1][?3], ?[1][?0]] == [1] && size([?optional.none()]) == 0',
    "{?'a': {'x': 1}.?x, ?'b': {'x': 1}.?y, 'c': 3} == {'a': 1, 'c': 3} && {?1: optional.of('x')}[1] == 'x'",
    "[?true ? optional.of(1) : optional.none()] == [1] && {?(false ? 'a' : 'b'): optional.of(1)} == {'b': 1}",
    "[?{'a': [?optional.of('?')]}.?a] == [['?']] && {'a': 1, ?'b': optional.none()}.all(k, v, k == 'a' && v == 1)",
    "[[1][?0].orValue(2), 3][1] == 3 && ['{?a', \"[?\", r'\\[?'].size() == 3",
    "[ // [? {\n ?optional.of('''it's [? ''')][0] == \"it's [? \" && [1, 2].map(x, [?optional.of(x)]) == [[1], [2]]",
    "{'a': {'b': 1}}.?a.?b.optMap(x, x + 1).orValue(0) == 2 && {'a': {'b': [7]}}.?a.b[0].value() == 7",
    "{'a': 1}.?b.or({'a': 1}.?a).optFlatMap(x, [?optional.of(x)][?0]) == optional.of(1)",
  ],
  strings: [
    "strings.quote('a\"b\\n') == '\"a\\\\\"b\\\\n\"' && jsonpatch.escapeKey('a/b~c') == 'a~1b~0c'",
    "'tacocat'.substring(4) == 'cat' && 'abc'.reverse() == 'cba' && ' a '.trim() == 'a' && 'abcb'.lastIndexOf('b', 2) == 1",
    "['a', 'b'].join('-') == 'a-b' && 'a,b'.split(',', 1) == ['a,b'] && 'aA'.upperAscii() == 'AA'",
  ],
  quantity: [
    "quantity('9223372036854775807').asInteger() == 9223372036854775807 && !quantity('9223372036854775808').isInteger()",
    "quantity('0.1').add(quantity('0.2')) == quantity('300m') && quantity('1Ki').sub(24).asInteger() == 1000",
    "quantity('1.5').asApproximateFloat() == 1.5 && quantity('-1e3').sign() == -1 && quantity('1n').sign() == 1",
    "quantity('1Ei').isGreaterThan(quantity('1E')) && quantity('0.1n') == quantity('1n') && !isQuantity('200Three')",
    "quantity('1k').compareTo(quantity('1000')) == 0 && quantity('.5').isLessThan(quantity('1')) && !isQuantity('1e9999')",
  ],
  conversions: [
    "int(timestamp('1970-01-01T00:01:00Z')) == 60 && string(timestamp('2026-01-02T03:04:05.120Z')) == '2026-01-02T03:04:05.12Z'",
    "string(duration('1m1.5s')) == '61.5s' && string(duration('-2s')) == '-2s'",
  ],
};

for (const [library, expressions] of Object.entries(TRUE)) {
  test(`the library of ${library}`, () => {
    for (const text of expressions) assert.equal(evaluate(text), true, text);
  });
}

test('what has no sense is told when it is compiled', () => {
  const cases: readonly (readonly [text: string, why: RegExp])[] = [
    ["'a'.find(1)", /no matching overload for 'string.find\(int\)'/],
    ["math.least('a')", /no matching overload for 'math.least\(string\)'/],
    ["math.greatest([1], 'a')", /no matching overload/],
    ['math.ceil(1)', /no matching overload/],
    ['math.bitAnd(1, 1u)', /no matching overload/],
    ["semver('1.0.0') == '1.0.0'", /no such overload/],
    ['semver(1)', /no matching overload/],
    ['format.nope()', /no matching overload/],
    ['format.dns1123Label().validate(1)', /no matching overload/],
    ["'a'.all(i, v, true)", /Expression of type 'string' cannot be range of a comprehension/],
    ['[1].all(i, v, v)', /all\(...\) predicate must return bool, got 'int'/],
    ['[1].all(i + 1, v, true)', /argument must be a simple name/],
    ["[1].transformList(i, v, v + 'a')", /no such overload: int \+ string/],
    ["{'a': 1}.transformMap(k, v, k, v)", /predicate must return bool, got 'string'/],
    ['[1].all(i, v, w > 0)', /Unknown variable: w/],
    ['[?1]', /expected type 'optional_type' but found 'int'/],
    ["{?'a': 1}", /expected type 'optional_type' but found 'int'/],
    ["[?optional.of(1)] == ['a']", /no such overload: list<int> == list<string>/],
    ['Foo.bar{a: 1}', /undeclared reference to 'Foo.bar'/],
    ['size(?[1])', /Unexpected token: QUESTION/],
    ['1.optMap(x, x)', /Unexpected|range of a comprehension/],
    ["'a'.greatest(1)", /no matching overload/],
  ];
  for (const [text, why] of cases) assert.throws(() => evaluate(text), why, text);
});

test('what goes wrong is told when it is evaluated', () => {
  const cases: readonly (readonly [text: string, why: RegExp])[] = [
    ["'a'.find('(')", /missing closing/],
    ['[?dyn(1)]', /an entry with \? must have an optional value/],
    ["semver('x').major() == 1", /semver parse error/],
    ['math.abs(-9223372036854775807 - 1)', /integer overflow/],
    ['math.bitShiftLeft(1, -1)', /negative offset/],
    ["quantity('1.5').asInteger()", /cannot convert value to integer/],
    ['math.least([])', /must not be empty/],
    ["math.least(dyn('a'))", /no such overload: math.least/],
    ["{'a': 'x', 'b': 'x'}.transformMapEntry(k, v, {v: k})", /insert failed: key 'x' already exists/],
    ['[1, 2].slice(1, 3)', /list is length 2/],
    ["[dyn(1), dyn('a')].sort()", /must have the same type/],
    ['[0].all(i, v, 1 / v == 1)', /division by zero/],
  ];
  for (const [text, why] of cases) assert.throws(() => evaluate(text), why, text);
});

test('lists that have themselves twice, many times over, are not looked at to the end', () => {
  const doubled = `['x']${'.map(i, [i, i])'.repeat(60)}`;
  for (const text of [
    `${doubled} == ${doubled}`,
    `${doubled} in [${doubled}]`,
    `optional.of(${doubled}) != optional.of(${doubled})`,
    `{'a': dyn(${doubled})} == {'a': dyn(${doubled})}`,
    `'%s'.format([${doubled}]) == ''`,
  ]) {
    const compiled = compile(environment, text, 'any');
    assert.ok('run' in compiled, text);
    assert.throws(() => new Budget(20_000).run(() => compiled.run({})), BudgetError, text);
  }
  assert.throws(() => evaluate(`'%d'.format([['a']])`), /a list cannot be formatted by "d"/);
});

test('what takes too long is cut off', () => {
  const big = 'lists.range(20000)';
  for (const text of [
    'lists.range(2000000000).size() > 0',
    `${big}.all(i, v, ${big}.all(j, w, i + w >= 0))`,
    `${big}.map(x, 'aaaaaaaaaa').join().findAll('(a*b|a)').size() > 0`,
  ])
    assert.throws(() => evaluate(text), BudgetError, text);
});
