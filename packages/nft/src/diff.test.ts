import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffTables } from './drift.ts';
import type { Chain, NamedSet, Table } from './model.ts';

const drop: Chain['rules'] = [{ statements: [{ kind: 'verdict', verdict: { kind: 'drop' } }] }];
const dispatch: Chain = {
  name: 'forward',
  base: { type: 'filter', hook: 'forward', priority: 0 },
  rules: [{ statements: [{ kind: 'vmap', key: { kind: 'payload', field: 'ip daddr' }, map: 'pods' }] }],
};
const pods = (...addresses: string[]): NamedSet => ({
  name: 'pods',
  key: ['ipv4_addr'],
  data: 'verdict',
  elements: addresses.map((a) => ({ key: [a], data: { kind: 'goto', chain: `pod-${a}` } })),
});
const tableOf = (...addresses: string[]): Table => ({
  family: 'ip',
  name: 't',
  sets: [pods(...addresses)],
  chains: [dispatch, ...addresses.map((a) => ({ name: `pod-${a}`, rules: drop }))],
});
const texts = (from: Table | undefined, to: Table) => diffTables(from, to).map((change) => change.text);

test('a new pod costs its chain, its rule and one element, in an order the kernel takes', () => {
  assert.deepEqual(texts(tableOf('10.0.0.1'), tableOf('10.0.0.1', '10.0.0.2')), [
    'add chain ip t pod-10.0.0.2',
    'add element ip t pods { 10.0.0.2 : goto pod-10.0.0.2 }',
    'add rule ip t pod-10.0.0.2 drop',
  ]);
});

test('a pod that goes leaves the map before its chain is deleted', () => {
  assert.deepEqual(texts(tableOf('10.0.0.1', '10.0.0.2'), tableOf('10.0.0.1')), [
    'flush chain ip t pod-10.0.0.2',
    'delete element ip t pods { 10.0.0.2 : goto pod-10.0.0.2 }',
    'delete chain ip t pod-10.0.0.2',
  ]);
});

test('the same table costs nothing, a new element in a table of thousands costs one command', () => {
  const many = Array.from({ length: 3000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const set = (addresses: string[]): Table => ({
    ...tableOf(),
    sets: [pods(), { name: 'big', key: ['ipv4_addr'], elements: addresses.map((a) => ({ key: [a] })) }],
  });
  assert.deepEqual(texts(set(many), set(many)), []);
  assert.deepEqual(texts(set(many), set([...many, '10.9.9.9'])), ['add element ip t big { 10.9.9.9 }']);
});

test('changed data is taken out before it is put in', () => {
  const to = (n: number): Table => ({
    ...tableOf(),
    sets: [pods(), { name: 'm', key: ['mark'], data: ['mark'], elements: [{ key: [1], data: [n] }] }],
  });
  assert.deepEqual(texts(to(1), to(2)), [
    'delete element ip t m { 0x00000001 : 0x00000001 }',
    'add element ip t m { 0x00000001 : 0x00000002 }',
  ]);
});

test('a set of another type is made anew, together with the rules that use it', () => {
  const to: Table = { ...tableOf('10.0.0.1'), sets: [{ ...pods('10.0.0.1'), size: 10 }] };
  assert.deepEqual(texts(tableOf('10.0.0.1'), to), [
    'flush chain ip t forward',
    'delete map ip t pods',
    'add map ip t pods { type ipv4_addr : verdict size 10 }',
    'add element ip t pods { 10.0.0.1 : goto pod-10.0.0.1 }',
    'add rule ip t forward ip daddr vmap @pods',
  ]);
});

test('elements are told apart whatever their values are made of, and an empty comment is none', () => {
  const names = (key: readonly string[], comment?: string): Table => ({
    ...tableOf(),
    sets: [
      pods(),
      { name: 'n', key: ['ifname', 'ifname'], elements: [{ key, ...(comment !== undefined && { comment }) }] },
    ],
  });
  assert.deepEqual(texts(names(['a|b', 'c']), names(['a', 'b|c'])), [
    'delete element ip t n { "a|b" . "c" }',
    'add element ip t n { "a" . "b|c" }',
  ]);
  assert.deepEqual(texts(names(['a', 'b']), names(['a', 'b'], '')), []);
});

test('a table gets an owner by being made anew, which the kernel has to refuse first', () => {
  assert.deepEqual(texts(tableOf(), { ...tableOf(), owner: true }), ['add table ip t { flags owner; }']);
});

test('a policy changes in place, another hook means another chain', () => {
  const withBase = (base: NonNullable<Chain['base']>): Table => ({ ...tableOf(), chains: [{ ...dispatch, base }] });
  const accept = withBase({ type: 'filter', hook: 'forward', priority: 0 });
  assert.deepEqual(texts(accept, withBase({ type: 'filter', hook: 'forward', priority: 0, policy: 'drop' })), [
    'chain ip t forward { policy drop; }',
  ]);
  assert.deepEqual(texts(accept, withBase({ type: 'filter', hook: 'input', priority: 0 })), [
    'flush chain ip t forward',
    'delete chain ip t forward',
    'add chain ip t forward { type filter hook input priority 0; policy accept; }',
    'add rule ip t forward ip daddr vmap @pods',
  ]);
});
