import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { encodeAttributes, listOf, type Netns, readAttributes } from '@podwire/kernel';
import { fuzzDecoder } from '@podwire/kernel/fuzz';
import { NFT_MSG, nftElement, nftElements } from '@podwire/kernel/nfnetlink';
import { withNetns } from '@podwire/kernel/testing';
import fc from 'fast-check';
import { CORPUS } from './corpus.ts';
import { decodeElements } from './decode-set.ts';
import { diffTables } from './drift.ts';
import { formatTable } from './format.ts';
import type { NamedSet, SetElement, Statement, Table } from './model.ts';
import { openNft } from './nft.ts';
import { RuleReader } from './rule-reader.ts';
import { NftTransport } from './transport.ts';
import { routerTable } from './virtual-ruleset.arbitrary.ts';

const nft = (netns: Netns, args: string[], input = ''): string =>
  execFileSync('ip', ['netns', 'exec', String(netns.name), 'nft', ...args], { input }).toString();

const FOREIGN = fs.readFileSync(new URL('./testdata/foreign.nft', import.meta.url), 'utf8');

/** Elements are listed in the order of a hash, time passes, and nft moves what a TCP reset needs to the rule's beginning. */
const listing = (netns: Netns): string =>
  nft(netns, ['list', 'ruleset'])
    .replace(/meta l4proto tcp (.*reject with tcp reset)/g, '$1')
    .replace(/ expires \S+/g, '')
    .replace(/\{ ([^{}]*) \}/g, (_, elements: string) => `{ ${elements.split(/,\s*/).sort().join(', ')} }`);

function observeAll(netns: Netns): Table[] {
  const client = openNft(netns);
  try {
    return client.tables().flatMap(({ family, name }) => client.observe(family, name) ?? []);
  } finally {
    client.close();
  }
}

function applyAll(netns: Netns, tables: readonly Table[]): void {
  const client = openNft(netns);
  for (const table of tables) client.apply(table);
  client.close();
}

const statementsOf = (tables: readonly Table[]): Statement[] =>
  tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules.flatMap(({ statements }) => statements)));

test('what nft wrote comes back in words, and both printers make the same of them', () =>
  withNetns(3, (original, byText, byBytes) => {
    nft(original as Netns, ['-f', '-'], FOREIGN);
    const tables = observeAll(original as Netns);
    assert.deepEqual(
      statementsOf(tables).filter(({ kind }) => kind === 'unknown'),
      [],
    );
    nft(byText as Netns, ['-f', '-'], tables.map(formatTable).join('\n'));
    assert.equal(listing(byText as Netns), listing(original as Netns));
    applyAll(byBytes as Netns, tables);
    assert.equal(listing(byBytes as Netns), listing(original as Netns));
  }));

for (const table of CORPUS) {
  test(`what was applied comes back in words: ${table.family} ${table.name}`, () =>
    withNetns(3, (original, byText, byBytes) => {
      applyAll(original as Netns, [table]);
      const tables = observeAll(original as Netns);
      assert.deepEqual(
        statementsOf(tables).filter(({ kind }) => kind === 'unknown'),
        [],
      );
      nft(byText as Netns, ['-f', '-'], tables.map(formatTable).join('\n'));
      assert.equal(listing(byText as Netns), listing(original as Netns));
      applyAll(byBytes as Netns, tables);
      const [again] = observeAll(byBytes as Netns);
      assert.deepEqual(withoutHandles(again), withoutHandles(tables[0]));
    }));
}

/** Elements have no order. */
const withoutHandles = (table: Table | undefined): unknown =>
  JSON.parse(
    JSON.stringify(table, (key, value) => {
      if (key === 'handle') return undefined;
      return key === 'elements'
        ? value.map(({ expires: _, ...element }: SetElement) => JSON.stringify(element)).sort()
        : value;
    }),
  );

test('generated rulesets come back in words that mean the same', () =>
  withNetns(2, (original, byText) => {
    const client = openNft(original as Netns);
    const check = (table: Table) => {
      client.apply(table);
      const observed = client.observe(table.family, table.name);
      const drift = client.drift(table).map(({ text }) => text);
      const before = listing(original as Netns);
      client.delete(table.family, table.name);
      assert.ok(observed);
      assert.deepEqual(drift, []);
      assert.deepEqual(
        statementsOf([observed]).filter(({ kind }) => kind === 'unknown'),
        [],
      );
      nft(byText as Netns, ['-f', '-'], `flush ruleset\n${formatTable(observed)}`);
      assert.equal(listing(byText as Netns), before);
    };
    fc.assert(fc.property(fc.oneof(routerTable('ip', 't', 0), routerTable('ip6', 't', 0)), check), { numRuns: 30 });
    client.close();
  }));

test('bytecode without words survives being written again, the words around it stay', () =>
  withNetns(2, (original, copy) => {
    const rule = 'ip saddr 10.0.0.1 ipsec in reqid 7 counter comment "by IPsec"';
    nft(original as Netns, ['-f', '-'], `table ip t {\n chain c { ${rule}; }\n}`);
    const tables = observeAll(original as Netns);
    assert.deepEqual(
      statementsOf(tables).map(({ kind }) => kind),
      ['match', 'unknown', 'counter'],
    );
    applyAll(copy as Netns, tables);
    assert.equal(listing(copy as Netns), listing(original as Netns));
    assert.match(listing(copy as Netns), /ipsec in reqid 7/);
    const client = openNft(copy as Netns);
    assert.deepEqual(client.drift(tables[0] as Table), []);
    client.close();
  }));

test('rules carry the handles that nft lists, and what they have counted', () =>
  withNetns(1, (netns) => {
    nft(netns, ['-f', '-'], 'table ip t {\n chain c { counter packets 5 bytes 600 drop; accept; }\n}');
    const handles = [
      ...nft(netns, ['-a', 'list', 'chain', 'ip', 't', 'c']).matchAll(/(?:drop|accept) # handle (\d+)/g),
    ];
    const client = openNft(netns);
    const rules = client.observe('ip', 't')?.chains[0]?.rules ?? [];
    client.close();
    assert.deepEqual(
      rules.map(({ handle }) => handle),
      handles.map(([, handle]) => Number(handle)),
    );
    assert.deepEqual(rules[0]?.statements[0], { kind: 'counter', packets: 5, bytes: 600 });
  }));

test('damaged bytecode and elements throw nothing but DecodeError', () =>
  withNetns(1, (netns) => {
    nft(netns, ['-f', '-'], FOREIGN);
    const transport = new NftTransport(netns);
    const rules = transport.dump(NFT_MSG.GETRULE, 0);
    const samples = rules.flatMap((rule) =>
      readAttributes(rule, 'rule').flatMap(({ type, payload }) => (type === 4 ? [payload] : [])),
    );
    const set: NamedSet = { name: 'ranges', key: ['ipv4_addr'], data: ['mark'], interval: true, elements: [] };
    const reader = new RuleReader({ family: 'inet', name: 't', sets: [set], chains: [] }, () => undefined);
    fuzzDecoder((bytes) => reader.read(bytes), { samples, runs: 1000 });
    const wanted = encodeAttributes(nftElements, { table: 't', set: 'ranges' });
    const lists = transport.dump(NFT_MSG.GETSETELEM, 1, wanted).map((bytes) => nftElements.read(bytes).elements ?? []);
    transport.close();
    const elements = listOf(1, nftElement);
    fuzzDecoder((bytes) => decodeElements(set, elements.read(bytes)), {
      samples: lists.map((list) => encodeAttributes(nftElements, { elements: list }).subarray(4)),
      runs: 1000,
    });
  }));

test('an observed table differs in nothing from what was written, whatever was counted since', async () => {
  await withNetns(1, (netns) => {
    const nft = openNft(netns);
    const table: Table = {
      family: 'ip',
      name: 'same',
      sets: [{ name: 'ports', key: ['inet_service'], elements: [{ key: [80] }] }],
      chains: [
        {
          name: 'in',
          base: { type: 'filter', hook: 'input', priority: 0 },
          rules: [
            {
              statements: [
                { kind: 'lookup', key: { kind: 'payload', field: 'th dport' }, set: 'ports' },
                { kind: 'counter' },
                { kind: 'verdict', verdict: { kind: 'accept' } },
              ],
            },
          ],
        },
      ],
    };
    try {
      nft.apply(table);
      const observed = nft.observe('ip', 'same');
      assert.deepEqual(diffTables(observed, table), []);
      const [set, ...rest] = table.sets;
      assert.ok(set);
      const more = { ...table, sets: [{ ...set, elements: [...set.elements, { key: [443] }] }, ...rest] };
      assert.deepEqual(
        diffTables(observed, more).map(({ text }) => text),
        ['add element ip same ports { 443 }'],
      );
    } finally {
      nft.close();
    }
  });
});
