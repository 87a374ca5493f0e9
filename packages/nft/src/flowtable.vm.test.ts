import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { formatTable } from './format.ts';
import type { Statement, Table } from './model.ts';
import { openNft } from './nft.ts';

/** What the reference kernel lacks: flowtables, queues, answers of bridges, `last`. */
const nft = (netns: Netns, args: string[], input = ''): string =>
  execFileSync('ip', ['netns', 'exec', String(netns.name), 'nft', ...args], { input }).toString();

const bag = (listing: string): string =>
  listing
    .split(/[\s,]+/)
    .sort()
    .join(' ');

const flows = (counter: boolean): Table => ({
  family: 'inet',
  name: 'flows',
  sets: [],
  flowtables: [{ name: 'fast', priority: 0, devices: ['lo'], ...(counter && { counter }) }],
  chains: [
    {
      name: 'forward',
      base: { type: 'filter', hook: 'forward', priority: 0 },
      rules: [{ statements: [{ kind: 'flow-add', flowtable: 'fast' }, { kind: 'counter' }] }],
    },
  ],
});

const one = (family: Table['family'], name: string, statements: readonly Statement[]): Table => ({
  family,
  name,
  sets: [],
  chains: [
    {
      name: 'c',
      base: { type: 'filter', hook: 'input', priority: 0 },
      rules: statements.map((statement) => ({ statements: [statement] })),
    },
  ],
});

const queues = one('ip', 'queues', [
  { kind: 'queue', to: { kind: 'value', value: 1 } },
  { kind: 'queue', to: { kind: 'value', value: { from: 1, to: 3 } }, bypass: true, fanout: true },
  { kind: 'queue', to: { kind: 'numgen', mode: 'inc', modulus: 3 }, bypass: true },
  { kind: 'queue', to: { kind: 'symhash', modulus: 4 } },
]);

const answers = one('bridge', 'answers', [
  { kind: 'reject', with: 'port-unreachable' },
  { kind: 'reject', with: 'net-prohibited', protocol: 'icmp' },
  { kind: 'reject', with: 'no-route', protocol: 'icmpv6' },
]);

for (const table of [flows(false), flows(true), queues, answers])
  test(`text and netlink make the same ruleset: ${table.family} ${table.name}`, () =>
    withNetns(2, (ours, theirs) => {
      const client = openNft(ours as Netns);
      for (const netns of [ours, theirs]) execFileSync('ip', ['-n', String(netns?.name), 'link', 'set', 'lo', 'up']);
      client.apply(table);
      nft(theirs as Netns, ['-f', '-'], formatTable(table));
      assert.equal(bag(nft(ours as Netns, ['list', 'ruleset'])), bag(nft(theirs as Netns, ['list', 'ruleset'])));
      assert.deepEqual(client.drift(table), []);
      client.close();
    }));

test('a flowtable that changes takes the rules that use it along', () =>
  withNetns(1, (netns) => {
    const client = openNft(netns as Netns);
    client.apply(flows(false));
    client.apply(flows(true));
    assert.deepEqual(client.drift(flows(true)), []);
    client.close();
  }));

test('when a rule last matched is kept by the kernel', () =>
  withNetns(1, (netns) => {
    const client = openNft(netns as Netns);
    const table = one('ip', 'lasts', [{ kind: 'last' }]);
    client.apply(table);
    assert.deepEqual(client.drift(table), []);
    client.close();
  }));
