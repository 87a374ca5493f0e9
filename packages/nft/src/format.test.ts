import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { deltaOf } from './diff.ts';
import { encodeDelta } from './encode-delta.ts';
import { formatTable } from './format.ts';
import type { Statement, Table } from './model.ts';

const table: Table = {
  family: 'ip',
  name: 'podwire-test',
  sets: [
    {
      name: 'backends',
      key: ['ipv4_addr', 'inet_service'],
      data: ['ipv4_addr', 'inet_service'],
      elements: [{ key: ['10.96.0.1', 443], data: ['172.30.0.1', 6443], comment: 'default/kubernetes' }],
    },
  ],
  chains: [
    {
      name: 'prerouting',
      base: { type: 'nat', hook: 'prerouting', priority: -100 },
      rules: [
        {
          statements: [
            {
              kind: 'dnat',
              family: 'ip',
              to: {
                kind: 'map',
                map: 'backends',
                key: {
                  kind: 'concat',
                  parts: [
                    { kind: 'payload', field: 'ip daddr' },
                    { kind: 'payload', field: 'th dport' },
                  ],
                },
              },
            },
          ],
          comment: 'load balance',
        },
      ],
    },
  ],
};

test('a table is printed in the syntax nft lists', () => {
  assert.equal(
    formatTable(table),
    `table ip podwire-test {
\tmap backends {
\t\ttype ipv4_addr . inet_service : ipv4_addr . inet_service
\t\telements = { 10.96.0.1 . 443 comment "default/kubernetes" : 172.30.0.1 . 6443 }
\t}

\tchain prerouting {
\t\ttype nat hook prerouting priority -100; policy accept;
\t\tdnat ip addr . port to ip daddr . th dport map @backends comment "load balance"
\t}
}
`,
  );
});

const withElement = (key: string | number, type: 'ipv4_addr' | 'ifname' | 'inet_service'): Table => ({
  ...table,
  chains: [],
  sets: [{ name: 'x', key: [type], elements: [{ key: [key] }] }],
});

test('text never becomes syntax', () => {
  for (const bad of [
    withElement('10.0.0.1 }; flush ruleset; #', 'ipv4_addr'),
    withElement('eth0"; drop', 'ifname'),
    withElement('010.0.0.1', 'ipv4_addr'),
    withElement(70_000, 'inet_service'),
  ]) {
    assert.throws(
      () => formatTable(bad),
      (error) => hasCode(error, 'NFT_BAD_VALUE'),
    );
  }
  assert.throws(
    () => formatTable({ ...table, name: 'x { }' }),
    (error) => hasCode(error, 'NFT_BAD_NAME'),
  );
  const comment = 'quote " and\nnewline \u{1F600} '.repeat(20);
  const text = formatTable({ ...table, comment });
  const printed = /comment "([^\n]*)"\n/.exec(text)?.[1] ?? '';
  assert.ok(!printed.includes('"') && Buffer.byteLength(printed) <= 127, printed);
});

test('words of nft are no names, whatever they are words of', () => {
  for (const name of ['table', 'offload', 'get'])
    assert.throws(
      () => formatTable({ ...table, chains: [{ name, rules: [] }] }),
      (error) => hasCode(error, 'NFT_BAD_NAME'),
      name,
    );
  const quota = (name: string): Table => ({ ...table, objects: [{ kind: 'quota', name, bytes: 5 }] });
  assert.throws(
    () => formatTable(quota('over')),
    (error) => hasCode(error, 'NFT_BAD_NAME'),
  );
  assert.match(formatTable(quota('state')), /quota state/);
});

test('a range in a set without ranges is refused, a whole prefix is an address', () => {
  const wild = withElement('eth*', 'ifname');
  assert.throws(
    () => formatTable(wild),
    (error) => hasCode(error, 'NFT_BAD_VALUE'),
  );
  const [set] = wild.sets;
  assert.match(formatTable({ ...wild, sets: set ? [{ ...set, interval: true }] : [] }), /elements = \{ "eth\*" \}/);
  assert.match(formatTable(withElement('10.0.0.1/32', 'ipv4_addr')), /elements = \{ 10\.0\.0\.1 \}/);
});

test('numbers that the kernel would cut off are refused', () => {
  const chain = (statement: Statement): Table => ({
    ...table,
    chains: [{ name: 'c', rules: [{ statements: [statement] }] }],
  });
  const flawed: readonly Table[] = [
    chain({ kind: 'log', group: 0x1_0000 }),
    chain({ kind: 'log', group: 1, snaplen: 2 ** 32 }),
    chain({ kind: 'limit', rate: 1, per: 'second', burst: 2 ** 32 }),
    chain({ kind: 'ct-count', count: 2 ** 32 }),
    chain({ kind: 'set-mark', to: { kind: 'numgen', mode: 'inc', modulus: 2 ** 32 } }),
    { ...table, chains: [{ name: 'c', base: { type: 'filter', hook: 'input', priority: 2 ** 31 }, rules: [] }] },
    { ...table, objects: [{ kind: 'synproxy', name: 's', wscale: 256 }] },
    { ...table, objects: [{ kind: 'quota', name: 'q', bytes: 0.5 }] },
    { ...table, sets: [{ name: 's', key: ['mark'], gcInterval: 2 ** 32, elements: [] }], chains: [] },
  ];
  for (const one of flawed)
    for (const print of [() => formatTable(one), () => encodeDelta(deltaOf(undefined, one))])
      assert.throws(print, (error) => hasCode(error, 'NFT_BAD_VALUE'), JSON.stringify(one));
});

test('a rule that names no set of its table is refused', () => {
  assert.throws(
    () => formatTable({ ...table, sets: [] }),
    (error) => hasCode(error, 'NFT_BAD_RULESET'),
  );
});
