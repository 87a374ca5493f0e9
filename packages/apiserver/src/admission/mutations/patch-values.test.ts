import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget, BudgetError } from '../../custom/cel/budget.ts';
import { DYN } from '../../custom/cel/value-type.ts';
import { compilePolicy } from '../policy-expressions.ts';
import { configurationOf, operationsOf } from './patch-values.ts';

const object = DYN.convert({
  metadata: { labels: { a: 'b' } },
  spec: { items: [{ name: 'x', on: 1 }, { name: 'y' }] },
});

function evaluate(patchType: string, expression: string): unknown {
  const mutation = { patchType, applyConfiguration: { expression }, jsonPatch: { expression } };
  const { expressions, faults } = compilePolicy({ mutations: [mutation] });
  assert.deepEqual(faults, []);
  const value = expressions.mutations[0]?.run({ object });
  return patchType === 'JSONPatch' ? operationsOf(value) : configurationOf(value);
}

const PATCHES: readonly (readonly [expression: string, operations: readonly object[]])[] = [
  [
    "[JSONPatch{op: 'remove', path: '/b'}] + (has(object.none) ? [JSONPatch{op: 'remove', path: '/c'}] : [])",
    [{ op: 'remove', path: '/b' }],
  ],
  [
    "object.spec.items.filter(i, has(i.on)).map(i, JSONPatch{op: 'add', path: '/' + i.name, value: object.metadata.labels})",
    [{ op: 'add', path: '/x', value: { a: 'b' } }],
  ],
  [
    "[JSONPatch{op: 'copy', from: '/a', path: '/b', value: {'l': [1, 2u, 1.5, null, true, b'a', 'b']}}]",
    [{ op: 'copy', path: '/b', from: '/a', value: { l: [1, 2, 1.5, null, true, 'YQ==', 'b'] } }],
  ],
  [
    "[JSONPatch{op: 'add', path: '', value: Object.x{t: timestamp('2020-01-01T00:00:00Z'), d: duration('1m')}}]",
    [{ op: 'add', path: '', value: { t: '2020-01-01T00:00:00Z', d: '60s' } }],
  ],
  ["has(object.none) ? [JSONPatch{op: 'remove', path: '/a'}] : []", []],
];

test('lists of JSONPatch are operations', () => {
  for (const [expression, operations] of PATCHES)
    assert.deepEqual(evaluate('JSONPatch', expression), operations, expression);
});

test('an Object is a configuration', () => {
  const items = 'object.spec.items.map(i, Object.spec.items{name: i.name, ?on: i.?on})';
  assert.deepEqual(evaluate('ApplyConfiguration', `Object{spec: Object.spec{items: ${items}}}`), {
    spec: { items: [{ name: 'x', on: 1 }, { name: 'y' }] },
  });
  assert.deepEqual(evaluate('ApplyConfiguration', 'has(object.none) ? Object{a: 1} : Object{}'), {});
});

test('what is no data, or not of its place, is an error', () => {
  const wrong = (expression: string) => () => evaluate('ApplyConfiguration', expression);
  assert.throws(wrong('Object{a: [Object.b{}]}'), /unexpected type name "Object.b", expected "Object.a"/);
  assert.throws(wrong("Object{a: {'x': Object{}}}"), /unexpected type name "Object", expected "Object.a"/);
  assert.throws(wrong("Object{a: {?1: optional.of('x')}}"), /keys of maps must be texts/);
  assert.throws(wrong("Object{a: quantity('1')}"), /not known in JSON/);
  assert.throws(wrong('Object{a: Object.a{__proto__: {1: 2}}}'), /no field may be called __proto__/);
  assert.throws(() => configurationOf(new Map()), /gave no Object/);
  for (const value of ['a', ['a']]) assert.throws(() => operationsOf(value), /gave no list of JSONPatch/);
  assert.throws(
    () => evaluate('JSONPatch', "[JSONPatch{op: 'add', path: '', value: Object.a{b: Object.c{}}}]"),
    /Object.c/,
  );
});

test('few steps that make very much data are too many', () => {
  const doubled = `['x']${'.map(i, [i, i])'.repeat(60)}`;
  const [patch, object] = [`[JSONPatch{op: 'add', path: '/a', value: ${doubled}}]`, `Object{a: ${doubled}}`];
  assert.throws(() => new Budget(20_000).run(() => evaluate('JSONPatch', patch)), BudgetError);
  assert.throws(() => new Budget(20_000).run(() => evaluate('ApplyConfiguration', object)), BudgetError);
});
