import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpret } from './interpret.ts';
import type { Expression, Statement, Table } from './model.ts';

const saddr: Expression = { kind: 'payload', field: 'ip saddr' };
const daddr: Expression = { kind: 'payload', field: 'ip daddr' };
const dport: Expression = { kind: 'payload', field: 'th dport' };
const l4proto: Expression = { kind: 'meta', key: 'l4proto' };
const mark: Expression = { kind: 'meta', key: 'mark' };
const concat = (...parts: Expression[]): Expression => ({ kind: 'concat', parts });
const verdict = (kind: 'accept' | 'drop' | 'return' | 'continue'): Statement => ({
  kind: 'verdict',
  verdict: { kind },
});

const services: Table = {
  family: 'ip',
  name: 'services',
  sets: [
    {
      name: 'svc',
      key: ['ipv4_addr', 'inet_proto', 'inet_service'],
      data: ['mark'],
      elements: [{ key: ['10.96.0.1', 'tcp', 80], data: [2] }],
    },
    { name: 'cnt', key: ['mark'], data: 'verdict', elements: [{ key: [2], data: { kind: 'goto', chain: 'n2' } }] },
    {
      name: 'ep',
      key: ['ipv4_addr', 'inet_proto', 'inet_service', 'mark'],
      data: ['ipv4_addr', 'inet_service'],
      elements: [
        { key: ['10.96.0.1', 'tcp', 80, 0], data: ['10.0.0.1', 8080] },
        { key: ['10.96.0.1', 'tcp', 80, 1], data: ['10.0.0.2', 8080] },
      ],
    },
  ],
  chains: [
    {
      name: 'n2',
      rules: [
        { statements: [{ kind: 'set-mark', to: { kind: 'numgen', mode: 'random', modulus: 2 } }] },
        {
          statements: [
            { kind: 'dnat', family: 'ip', to: { kind: 'map', key: concat(daddr, l4proto, dport, mark), map: 'ep' } },
          ],
          comment: 'endpoint',
        },
      ],
    },
    {
      name: 'prerouting',
      base: { type: 'nat', hook: 'prerouting', priority: -100 },
      rules: [
        {
          statements: [
            { kind: 'set-mark', to: { kind: 'map', key: concat(daddr, l4proto, dport), map: 'svc' } },
            { kind: 'vmap', key: mark, map: 'cnt' },
          ],
        },
      ],
    },
  ],
};
const packet = { saddr: '10.0.0.9', daddr: '10.96.0.1', protocol: 'tcp', sport: 4000, dport: 80 };

test('a service packet is translated to the endpoint that is drawn', () => {
  for (const [slot, address] of [
    [0, '10.0.0.1'],
    [1, '10.0.0.2'],
  ] as const) {
    const result = interpret([services], packet, { hook: 'prerouting', choose: () => slot });
    assert.equal(result.verdict, 'accept');
    assert.equal(result.translation, 'dnat');
    assert.deepEqual([result.packet.daddr, result.packet.dport], [address, 8080]);
    assert.deepEqual(result.matched.at(-1)?.comment, 'endpoint');
  }
});

test('other packets and other packets of the connection pass as they are', () => {
  assert.equal(interpret([services], { ...packet, dport: 81 }, { hook: 'prerouting' }).translation, undefined);
  assert.equal(
    interpret([services], { ...packet, ct: { state: 'established' } }, { hook: 'prerouting' }).packet.daddr,
    '10.96.0.1',
  );
  assert.deepEqual(interpret([services], packet, { hook: 'forward' }).matched, []);
});

const filter = (policy: 'accept' | 'drop', ...rules: Statement[][]): Table => ({
  family: 'ip',
  name: 'filter',
  sets: [
    {
      name: 'blocks',
      key: ['ipv4_addr', 'inet_service'],
      interval: true,
      elements: [{ key: ['10.0.0.0/8', { from: 80, to: 90 }] }],
    },
    { name: 'hosts', key: ['ipv4_addr'], dynamic: true, hasTimeouts: true, elements: [] },
  ],
  chains: [
    {
      name: 'sub',
      rules: [
        { statements: [{ kind: 'match', left: dport, op: '==', right: 22 }, verdict('return')] },
        { statements: [verdict('drop')] },
      ],
    },
    {
      name: 'forward',
      base: { type: 'filter', hook: 'forward', priority: 0, policy },
      rules: rules.map((statements) => ({ statements })),
    },
  ],
});
const forward = (table: Table, change: object = {}) =>
  interpret([table], { ...packet, ...change }, { hook: 'forward' });
const jump: Statement = { kind: 'verdict', verdict: { kind: 'jump', chain: 'sub' } };
const goto: Statement = { kind: 'verdict', verdict: { kind: 'goto', chain: 'sub' } };

test('jump comes back after return, goto does not', () => {
  assert.equal(forward(filter('drop', [jump], [verdict('accept')]), { dport: 22 }).verdict, 'accept');
  const gone = forward(filter('drop', [goto], [verdict('accept')]), { dport: 22 });
  assert.deepEqual([gone.verdict, gone.decidedBy], ['drop', { policyOf: 'ip filter forward' }]);
  assert.equal(forward(filter('accept', [jump], [verdict('accept')])).verdict, 'drop');
});

test('ranges, prefixes, lists, negation and flags', () => {
  const cases: [Statement, object, boolean][] = [
    [{ kind: 'lookup', key: concat(daddr, dport), set: 'blocks' }, { dport: 85 }, true],
    [{ kind: 'lookup', key: concat(daddr, dport), set: 'blocks' }, { dport: 91 }, false],
    [{ kind: 'lookup', key: concat(daddr, dport), set: 'blocks', invert: true }, { dport: 91 }, true],
    [
      { kind: 'lookup', key: concat(daddr, dport), set: 'blocks', invert: true },
      { protocol: 'icmp', dport: undefined },
      false,
    ],
    [{ kind: 'match', left: saddr, op: '==', right: '10.0.0.8/29' }, {}, true],
    [{ kind: 'match', left: saddr, op: '!=', right: '10.0.0.8/29' }, {}, false],
    [{ kind: 'match', left: saddr, op: '==', right: ['10.0.0.1', { from: '10.0.0.8', to: '10.0.0.10' }] }, {}, true],
    [{ kind: 'match', left: dport, op: '>', right: 79 }, {}, true],
    [{ kind: 'match', left: mark, op: '<', right: 256 }, { mark: 0x10000 }, false],
    [
      { kind: 'match', left: { kind: 'bitwise', of: mark, mask: 0x10000, xor: 0 }, op: '==', right: 0x10000 },
      { mark: 0x10007 },
      true,
    ],
    [{ kind: 'match', left: { kind: 'ct', key: 'state' }, op: '==', right: ['established', 'related'] }, {}, false],
    [
      { kind: 'match', left: { kind: 'ct', key: 'state' }, op: '==', right: ['established', 'related'] },
      { ct: { state: 'related' } },
      true,
    ],
    [
      { kind: 'match', left: { kind: 'ct', key: 'status' }, op: '!=', right: 'dnat' },
      { ct: { status: ['dnat'] } },
      false,
    ],
    [{ kind: 'match', left: { kind: 'meta', key: 'iifname' }, op: '==', right: 'pwp*' }, { iifname: 'pwp01' }, true],
    [{ kind: 'match', left: { kind: 'meta', key: 'iifname' }, op: '==', right: 'pwp0' }, { iifname: 'pwp01' }, false],
    [{ kind: 'match', left: { kind: 'payload', field: 'ip6 saddr' }, op: '!=', right: 'fd00::1' }, {}, false],
  ];
  for (const [statement, change, holds] of cases) {
    const result = forward(filter('drop', [statement, verdict('accept')]), change);
    assert.equal(result.verdict, holds ? 'accept' : 'drop', JSON.stringify([statement, change]));
  }
});

test('chains run by priority, accept in one does not spare the next', () => {
  const late: Table = {
    ...filter('drop'),
    name: 'late',
    chains: [{ name: 'x', base: { type: 'filter', hook: 'forward', priority: 10, policy: 'drop' }, rules: [] }],
  };
  const result = interpret([late, filter('accept', [verdict('accept')])], packet, { hook: 'forward' });
  assert.deepEqual([result.verdict, result.decidedBy], ['drop', { policyOf: 'ip late x' }]);
});

test('updates are reported, and seen again when the caller remembers them', () => {
  const table = filter(
    'drop',
    [{ kind: 'lookup', key: saddr, set: 'hosts' }, verdict('accept')],
    [{ kind: 'update', op: 'update', set: 'hosts', key: saddr, timeout: 30 }],
  );
  const first = forward(table);
  assert.equal(first.verdict, 'drop');
  assert.deepEqual(first.updates, [
    { table: 'filter', set: 'hosts', op: 'update', element: { key: ['10.0.0.9'], timeout: 30 } },
  ]);
  const second = interpret([table], packet, {
    hook: 'forward',
    dynamicElements: () => first.updates.map((u) => u.element),
  });
  assert.equal(second.verdict, 'accept');
});

test('copies are reported with where they go; without an address there is none', () => {
  const table: Table = {
    ...filter('accept', [{ kind: 'dup', to: { kind: 'map', key: saddr, map: 'ways' } }, verdict('drop')]),
    sets: [
      { name: 'ways', key: ['ipv4_addr'], data: ['ipv4_addr'], elements: [{ key: ['10.0.0.9'], data: ['10.9.9.9'] }] },
    ],
  };
  const { verdict: ending, copies } = forward(table);
  assert.deepEqual([ending, copies], ['drop', [{ packet, to: '10.9.9.9' }]]);
  const other = interpret([table], { ...packet, saddr: '10.0.0.1' }, { hook: 'forward' });
  assert.deepEqual([other.verdict, other.copies], ['accept', undefined]);
});

test('reject and fib', () => {
  const table = filter('accept', [
    { kind: 'match', left: { kind: 'fib', flags: ['daddr'], result: 'type' }, op: '==', right: 'local' },
    { kind: 'reject', with: 'port-unreachable' },
  ]);
  assert.equal(forward(table).verdict, 'accept');
  assert.equal(interpret([table], packet, { hook: 'forward', fib: () => 'local' }).verdict, 'reject');
});
