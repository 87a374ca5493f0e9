import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import fc from 'fast-check';
import { CORPUS } from './corpus.ts';
import { formatTable } from './format.ts';
import type { NamedSet, SetElement, Table } from './model.ts';
import { openNft } from './nft.ts';

const nft = (netns: Netns, args: string[], input = ''): string =>
  execFileSync('ip', ['netns', 'exec', String(netns.name), 'nft', ...args], { input }).toString();

/** Order inside a map is free, expiry moves on, and the kernel may have counted packets. */
const bag = (listing: string): string =>
  listing
    .replace(/expires \S+/g, '')
    .split(/[\s,]+/)
    .sort()
    .join(' ');

for (const table of CORPUS) {
  test(`text and netlink make the same ruleset: ${table.family} ${table.name}`, () =>
    withNetns(3, (ours, theirs, again) => {
      const client = openNft(ours as Netns);
      client.apply(table);
      nft(theirs as Netns, ['-f', '-'], formatTable(table));
      const listing = nft(ours as Netns, ['list', 'ruleset']);
      assert.equal(bag(listing), bag(nft(theirs as Netns, ['list', 'ruleset'])));
      nft(again as Netns, ['-f', '-'], listing);
      assert.equal(bag(nft(again as Netns, ['list', 'ruleset'])), bag(listing));
      client.close();
    }));

  test(`what was applied is in step, also for a restarted process: ${table.family} ${table.name}`, () =>
    withNetns(1, (netns) => {
      const first = openNft(netns as Netns);
      assert.ok(first.apply(table).commands > 0);
      assert.deepEqual(
        first.drift(table).map((c) => c.text),
        [],
      );
      assert.equal(first.apply(table).commands, 0);
      const second = openNft(netns as Netns);
      assert.equal(second.apply(table).commands, 0);
      assert.deepEqual(second.tables(), [{ family: table.family, name: table.name }]);
      assert.equal(second.delete(table.family, table.name), true);
      assert.equal(second.delete(table.family, table.name), false);
      assert.equal(nft(netns as Netns, ['list', 'ruleset']), '');
      first.close();
      second.close();
    }));
}

test('drift is found and mended, element by element', () =>
  withNetns(1, (netns) => {
    const table = CORPUS[0] as Table;
    const client = openNft(netns as Netns);
    client.apply(table);
    nft(netns as Netns, ['delete', 'element', 'ip', table.name, 'pods', '{ 10.0.0.2 }']);
    nft(netns as Netns, ['add', 'element', 'ip', table.name, 'cidrs', '{ 10.200.0.0/16 }']);
    nft(netns as Netns, ['add', 'rule', 'ip', table.name, 'sub', 'drop']);
    assert.deepEqual(
      client.drift(table).map((c) => c.text),
      [
        'flush chain ip filter-v4 sub',
        'delete element ip filter-v4 cidrs { 10.200.0.0/16 }',
        'add rule ip filter-v4 sub counter return',
        'add element ip filter-v4 pods { 10.0.0.2 }',
      ],
    );
    client.forget('ip', table.name);
    assert.equal(client.apply(table).commands, 4);
    assert.deepEqual(client.drift(table), []);
    client.close();
  }));

test('a table of another shape under the name is replaced', () =>
  withNetns(1, (netns) => {
    nft(
      netns as Netns,
      ['-f', '-'],
      'table ip nat-v4 { map svc { type ipv4_addr : verdict; }\n chain n1 { type filter hook input priority 0; }\n chain old { ip saddr vmap @svc; }\n }',
    );
    const client = openNft(netns as Netns);
    const table = CORPUS[1] as Table;
    client.apply(table);
    assert.deepEqual(client.drift(table), []);
    client.close();
  }));

test('a refused transaction changes nothing and names the command', () =>
  withNetns(1, (netns) => {
    const client = openNft(netns as Netns);
    const good: Table = {
      family: 'ip',
      name: 't',
      sets: [{ name: 's', key: ['ipv4_addr'], elements: [{ key: ['10.0.0.1'] }] }],
      chains: [],
    };
    client.apply(good);
    const bad: Table = {
      ...good,
      sets: [{ name: 's', key: ['ipv4_addr'], elements: [] }],
      chains: [
        { name: 'c', rules: [{ statements: [{ kind: 'verdict', verdict: { kind: 'jump', chain: 'nowhere' } }] }] },
      ],
    };
    assert.throws(
      () => client.apply(bad),
      (error) => hasCode(error, 'NFT_REFUSED') && /add rule ip t c jump nowhere: .*ENOENT/.test(String(error)),
    );
    assert.deepEqual(client.drift(good), []);
    assert.equal(client.apply(good).commands, 0);
    client.close();
  }));

test("a rule's own set may be longer than an attribute, a rule may not", () =>
  withNetns(1, (netns) => {
    const client = openNft(netns as Netns);
    const saddr = { kind: 'payload', field: 'ip saddr' } as const;
    const addresses = Array.from({ length: 10_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    const tableOf = (statements: Table['chains'][number]['rules'][number]['statements']): Table => ({
      family: 'ip',
      name: 'long',
      sets: [],
      chains: [{ name: 'c', rules: [{ statements }] }],
    });
    const list = tableOf([{ kind: 'match', left: saddr, op: '==', right: addresses }]);
    client.apply(list);
    assert.deepEqual(client.drift(list), []);
    assert.equal(nft(netns as Netns, ['list', 'ruleset']).match(/10\.0\.\d+\.\d+/g)?.length, addresses.length);
    const single = addresses.map((right) => ({ kind: 'match', left: saddr, op: '!=', right }) as const);
    assert.throws(
      () => client.apply(tableOf(single)),
      (error) => hasCode(error, 'NFT_BAD_RULESET') && /chain c has 10000 statements/.test(String(error)),
    );
    assert.deepEqual(client.drift(list), []);
    client.close();
  }));

const octet = fc.integer({ min: 0, max: 40 });
/** Disjoint ranges, some touching each other and the ends of the address space. */
const ranges = fc.uniqueArray(octet, { maxLength: 12 }).map((marks): SetElement[] =>
  marks
    .toSorted((a, b) => a - b)
    .map((n, i, all) => {
      const next = all[i + 1] ?? 256;
      const last = n % 2 ? n : Math.min(next - 1, n + 3);
      const end = n === 40 ? '255.255.255.255' : `${last}.255.255.255`;
      return { key: [{ from: `${n}.0.0.0`, to: end }] };
    }),
);
const pairs = ranges.map((elements): SetElement[] =>
  elements.map(({ key: [range = 0] }) => ({ key: [range, { from: 80, to: 90 }] })),
);
const hosts = fc
  .dictionary(
    octet.map((n) => `10.0.0.${n}`),
    fc.integer({ min: 1, max: 3 }),
    { maxKeys: 12 },
  )
  .map((data): SetElement[] =>
    Object.entries(data).map(([address, mark]) => ({
      key: [address],
      data: [mark],
      ...(mark === 3 && { comment: 'three' }),
    })),
  );
const chainCount = fc.integer({ min: 0, max: 4 });
const anyTable = fc
  .tuple(ranges, pairs, hosts, chainCount, fc.boolean())
  .map(([one, two, three, chains, policy]): Table => {
    const names = Array.from({ length: chains }, (_, i) => `c${i}`);
    const sets: NamedSet[] = [
      { name: 'ranges', key: ['ipv4_addr'], interval: true, elements: one },
      { name: 'pairs', key: ['ipv4_addr', 'inet_service'], interval: true, elements: two },
      { name: 'hosts', key: ['ipv4_addr'], data: ['mark'], elements: three },
      {
        name: 'verdicts',
        key: ['mark'],
        data: 'verdict',
        elements: names.map((chain, i) => ({ key: [i], data: { kind: 'goto', chain } })),
      },
    ];
    return {
      family: 'ip',
      name: 'sequence',
      sets,
      chains: [
        ...names.map((name) => ({ name, rules: [{ statements: [{ kind: 'counter' as const }] }] })),
        {
          name: 'forward',
          base: { type: 'filter', hook: 'forward', priority: 0, policy: policy ? 'drop' : 'accept' },
          rules: [{ statements: [{ kind: 'vmap', key: { kind: 'meta', key: 'mark' }, map: 'verdicts' }] }],
        },
      ],
    };
  });

test('any sequence of tables ends in step, by deltas alone', () =>
  withNetns(1, (netns) => {
    const client = openNft(netns as Netns);
    fc.assert(
      fc.property(fc.array(anyTable, { minLength: 2, maxLength: 5 }), (tables) => {
        for (const table of tables) {
          client.apply(table);
          assert.deepEqual(
            client.drift(table).map((c) => c.text),
            [],
          );
        }
      }),
      { numRuns: 40 },
    );
    client.close();
  }));

test('one change in ten thousand elements is one message and well under the cost of a reload', () =>
  withNetns(1, (netns) => {
    const client = openNft(netns as Netns);
    const elements = Array.from(
      { length: 10_000 },
      (_, i): SetElement => ({ key: [`10.${i >> 12}.${(i >> 4) & 255}.${i & 15}`, 'tcp', 80], data: [i] }),
    );
    const table = (list: readonly SetElement[]): Table => ({
      family: 'ip',
      name: 'big',
      chains: [],
      sets: [{ name: 'm', key: ['ipv4_addr', 'inet_proto', 'inet_service'], data: ['mark'], elements: list }],
    });
    assert.equal(client.apply(table(elements)).commands, 10_002);
    assert.equal(client.apply(table(elements.slice(1))).commands, 1);
    assert.equal(client.observe('ip', 'big')?.sets[0]?.elements.length, 9_999);
    client.close();
  }));
