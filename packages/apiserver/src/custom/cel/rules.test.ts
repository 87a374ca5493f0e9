import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonSchema } from '../json-schema.ts';
import { ruleCauses } from './rule-validation.ts';
import { rulesOf } from './schema-rules.ts';

const FIELDS: Readonly<Record<string, JsonSchema>> = {
  n: { type: 'integer' },
  f: { type: 'number' },
  s: { type: 'string' },
  when: { type: 'string', format: 'date-time' },
  wait: { type: 'string', format: 'duration' },
  port: { 'x-kubernetes-int-or-string': true },
  list: { type: 'array', items: { type: 'integer' } },
  words: { type: 'array', items: { type: 'string' } },
  map: { type: 'object', additionalProperties: { type: 'string' } },
  namespace: { type: 'string' },
  'a-b': { type: 'string' },
  open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  items: {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: { type: 'object', properties: { name: { type: 'string' }, n: { type: 'integer' } } },
  },
};

function schemaWith(rule: object | string): JsonSchema {
  const rules = [typeof rule === 'string' ? { rule } : (rule as { rule: string })];
  return {
    type: 'object',
    properties: { spec: { type: 'object', properties: FIELDS, 'x-kubernetes-validations': rules } },
  };
}

/** What a rule of spec says. */
function verdict(rule: object | string, spec: object, old?: object): string[] {
  const schema = schemaWith(rule);
  assert.deepEqual(rulesOf(schema).faults, []);
  const object = { metadata: { name: 'a' }, spec };
  return ruleCauses(schema, object, old && { metadata: { name: 'a' }, spec: old }).map(
    ({ field, message }) => `${field}: ${message}`,
  );
}

test('rules hold of values of all types', () => {
  const spec = {
    n: 3,
    f: 2,
    s: 'abc',
    when: '2026-01-02T03:04:05Z',
    wait: '1m30s',
    port: 80,
    list: [3, 1, 2],
    words: ['b', 'a'],
    map: { k: 'v', 'x/y': 'z' },
    namespace: 'ns',
    'a-b': 'dash',
    open: { deep: { n: 1 } },
    items: [{ name: 'a', n: 1 }],
  };
  const rules = [
    'self.n > 2 && self.n < 2 + 2',
    'self.f == 2.0 && self.f * 2.0 > 3.9',
    "self.s.startsWith('a') && self.s.matches('^[a-c]+$') && size(self.s) == 3",
    "self.when > timestamp('2025-01-01T00:00:00Z') && self.when.getFullYear() == 2026",
    "self.wait == duration('90s') && self.wait > duration('1m')",
    'type(self.port) == int ? self.port > 0 : self.port == "http"',
    'self.list.all(x, x > 0) && self.list.exists_one(x, x == 3) && self.list.sum() == 6',
    'self.list.max() == 3 && self.list.min() == 1 && !self.list.isSorted() && self.list.indexOf(2) == 2',
    "self.words == ['b', 'a'] && 'a' in self.words && sets.contains(self.words, ['a'])",
    "self.words.map(w, w + '!').join(',') == 'b!,a!'",
    "self.map.all(k, size(k) > 0) && 'k' in self.map && self.map['x/y'] == 'z'",
    "self.__namespace__ == 'ns' && self.a__dash__b == 'dash'",
    'self.open.deep.n == 1 && has(self.open.deep) && !has(self.open.other)',
    "self.items.filter(i, i.n > 0).size() == 1 && self.items[0].name == 'a' && has(self.items[0].n)",
    'self.items.exists(i, i == self.items[0])',
    "self.?s.orValue('') == 'abc' && optional.of(1).hasValue()",
    "isIP('10.0.0.1') && !isIP('10.0.0') && ip('::1').isLoopback() && ip('10.0.0.1').family() == 4",
    "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !isCIDR('x')",
    "url('https://h:81/p?q=1').getPort() == '81' && url('https://h/p').getHost() == 'h' && !isURL('x')",
    "quantity('1500m').isGreaterThan(quantity('1')) && isQuantity('5Gi') && quantity('1k').asInteger() == 1000",
    "'%s-%d'.format(['a', 5]) == 'a-5' && 'a-b-c'.replace('-', '') == 'abc' && 'abc'.charAt(1) == 'b'",
    "self.s.split('b') == ['a', 'c'] && 'ABC'.lowerAscii() == 'abc' && self.s.indexOf('c') == 2",
    'cel.bind(x, self.n * 2, x == 6)',
    "self.list.all(i, x, x > i - 3) && self.map.exists(k, v, k == v || v == 'z') && self.s.find('[bc]+') == 'bc'",
    "self.items.transformMap(i, item, item.name)[0] == 'a' && math.least(self.n, self.f) == 2.0",
  ];
  for (const rule of rules) assert.deepEqual(verdict(rule, spec), [], rule);
  for (const rule of rules) assert.deepEqual(verdict(`!(${rule})`, spec).length, 1, rule);
});

test('refusals have the message, place and reason of the rule', () => {
  const cases: readonly (readonly [rule: object | string, refusal: string])[] = [
    ['self.n > 1', 'spec: Invalid value: "object": failed rule: self.n > 1'],
    [{ rule: 'self.n > 1', message: 'too small' }, 'spec: Invalid value: "object": too small'],
    [{ rule: 'self.n > 1', messageExpression: '"n is " + string(self.n)' }, 'spec: Invalid value: "object": n is 1'],
    [{ rule: 'self.n > 1', message: 'm', messageExpression: 'self.s' }, 'spec: Invalid value: "object": m'],
    [{ rule: 'self.n > 1', message: 'no', reason: 'FieldValueForbidden', fieldPath: '.n' }, 'spec.n: Forbidden: no'],
    [
      { rule: 'self.n > 1', message: 'm', reason: 'FieldValueRequired', fieldPath: "['a-b']" },
      'spec.a-b: Required value: m',
    ],
    ['self.s == "x"', 'spec: Invalid value: "object": no such key: s evaluating rule: self.s == "x"'],
  ];
  for (const [rule, refusal] of cases) assert.deepEqual(verdict(rule, { n: 1 }), [refusal]);
});

test('rules about the change see what was', () => {
  assert.deepEqual(verdict('self.n >= oldSelf.n', { n: 1 }), []);
  assert.deepEqual(verdict('self.n >= oldSelf.n', { n: 2 }, { n: 1 }), []);
  assert.equal(verdict('self.n >= oldSelf.n', { n: 1 }, { n: 2 }).length, 1);
  assert.equal(
    verdict('self == oldSelf', { n: 1, items: [{ name: 'a' }] }, { n: 1, items: [{ name: 'b' }] }).length,
    1,
  );
  const optional = { rule: 'oldSelf.hasValue() || self.n == 0', optionalOldSelf: true };
  assert.equal(verdict(optional, { n: 1 }).length, 1);
  assert.deepEqual(verdict(optional, { n: 1 }, { n: 0 }), []);
  // A rule is not asked again of what is as it was.
  assert.deepEqual(verdict('self.n > 1', { n: 1 }, { n: 1 }), []);
});

test('items of a map are compared with the item of the same key', () => {
  const item: JsonSchema = {
    type: 'object',
    properties: {
      name: { type: 'string' },
      n: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self >= oldSelf' }] },
    },
  };
  const list: JsonSchema = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: item,
  };
  const schema: JsonSchema = { type: 'object', properties: { list } };
  const old = {
    list: [
      { name: 'a', n: 5 },
      { name: 'b', n: 1 },
    ],
  };
  const next = {
    list: [
      { name: 'b', n: 2 },
      { name: 'c', n: 0 },
      { name: 'a', n: 4 },
    ],
  };
  assert.deepEqual(
    ruleCauses(schema, next, old).map(({ field }) => field),
    ['list[2].n'],
  );
});

test('rules that would run for ever are cut off', () => {
  const list = Array.from({ length: 3000 }, (_, i) => i);
  for (const rule of [
    'self.open.list.all(a, self.open.list.all(b, self.open.list.all(c, a + b + c >= 0)))',
    'self.open.list.exists(a, self.open.list.exists(b, a + b < 0))',
    'self.open.list.map(a, self.open.list.map(b, self.open.list)).size() > 0',
    "self.open.list.all(a, self.s.matches('^(a+)+$'))",
    "self.s.replace('', self.s) == ''",
    "self.s.replace('', self.s, 50000) == ''",
  ]) {
    const [cause = ''] = verdict(rule, { open: { list }, s: 'a'.repeat(100_000) });
    assert.match(cause, /call cost exceeds limit for rule|running out of cost budget/, rule);
  }
});

test('loops of two variables count for the cost of a rule, and see the types of the schema', () => {
  const faults = (rule: string) => rulesOf(schemaWith(rule)).faults.map(({ why }) => why);
  assert.match(String(faults('self.list.all(i, a, self.list.all(j, b, a + i > b))')), /exceeds budget by factor of/);
  assert.deepEqual(faults('self.items.all(i, item, item.n > i)'), []);
  assert.match(String(faults("self.items.all(i, item, item.nope == 'a')")), /No such key: nope/i);
  assert.match(String(faults('self.items.all(i, item, item.n + "a" == "")')), /no such overload: int \+ string/);
});
