import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { MATCH_CASES } from './corpus-match.ts';
import { formatTable } from './format.ts';
import type { Table, TableFamily } from './model.ts';
import { openNft } from './nft.ts';

const nft = (netns: Netns, args: string[], input = ''): string =>
  execFileSync('ip', ['netns', 'exec', String(netns.name), 'nft', ...args], { input, maxBuffer: 1 << 26 }).toString();

/** Rules keep their order and each its line; elements of a rule's own set have none. */
const rulesOf = (listing: string): string[] =>
  listing.split('\n').map((line) =>
    line
      .trim()
      .split(/[\s,]+/)
      .sort()
      .join(' '),
  );

for (const [family, cases] of Map.groupBy(MATCH_CASES, (one) => one.family)) {
  test(`text and netlink compare the same, field by field, in family ${family}: ${cases.length} rules`, () =>
    withNetns(3, (ours, theirs, again) => {
      const table: Table = {
        family: family satisfies TableFamily,
        name: 'matches',
        sets: [],
        chains: [{ name: 'everything', rules: cases.map(({ rule }) => rule) }],
      };
      const client = openNft(ours as Netns);
      client.apply(table);
      nft(theirs as Netns, ['-f', '-'], formatTable(table));
      const listing = nft(ours as Netns, ['list', 'ruleset']);
      assert.deepEqual(rulesOf(listing), rulesOf(nft(theirs as Netns, ['list', 'ruleset'])));
      nft(again as Netns, ['-f', '-'], listing);
      assert.deepEqual(rulesOf(nft(again as Netns, ['list', 'ruleset'])), rulesOf(listing));
      client.close();
    }));
}
