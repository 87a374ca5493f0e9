import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { PodwireError } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import fc from 'fast-check';
import { formatTable } from './format.ts';
import type { Table } from './model.ts';
import { openNft } from './nft.ts';
import { arbitraryPair, arbitraryTable, hostileText } from './ruleset.arbitrary.ts';

function nft(netns: Netns, args: string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', String(netns.name), 'nft', ...args], {
    input,
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${stderr}\n${input}`);
  return stdout;
}

const bag = (listing: string): string =>
  listing
    .split(/[\s,]+/)
    .sort()
    .join(' ');

test('any table is the same by text and by netlink', () =>
  withNetns(2, (ours, theirs) => {
    const client = openNft(ours as Netns);
    fc.assert(
      fc.property(arbitraryTable, (table) => {
        for (const { family, name } of client.tables()) client.delete(family, name);
        nft(theirs as Netns, ['flush', 'ruleset']);
        client.apply(table);
        nft(theirs as Netns, ['-f', '-'], formatTable(table));
        assert.equal(bag(nft(ours as Netns, ['list', 'ruleset'])), bag(nft(theirs as Netns, ['list', 'ruleset'])));
      }),
      { numRuns: 60 },
    );
    client.close();
  }));

/** A table with the text wherever a caller's text may stand. */
const PLACES: readonly ((text: string) => Table)[] = [
  (text) => ({ family: 'ip', name: text, sets: [], chains: [] }),
  (text) => ({ family: 'ip', name: 't', comment: text, sets: [], chains: [{ name: 'c', comment: text, rules: [] }] }),
  (text) => ({ family: 'ip', name: 't', sets: [], chains: [{ name: text, rules: [] }] }),
  (text) => ({ family: 'ip', name: 't', sets: [{ name: text, key: ['mark'], elements: [] }], chains: [] }),
  (text) => ({
    family: 'ip',
    name: 't',
    sets: [{ name: 's', key: ['ifname'], elements: [{ key: [text] }] }],
    chains: [],
  }),
  (text) => ({
    family: 'ip',
    name: 't',
    sets: [{ name: 's', key: ['ipv4_addr'], elements: [{ key: [text], comment: text }] }],
    chains: [],
  }),
  (text) => ({
    family: 'ip',
    name: 't',
    sets: [{ name: 's', key: ['mark'], elements: [{ key: [1], comment: text }], comment: text }],
    chains: [],
  }),
  (text) => rulesOf([{ kind: 'log', prefix: text }], text),
  (text) => rulesOf([{ kind: 'match', left: { kind: 'meta', key: 'iifname' }, op: '==', right: text }]),
  (text) => rulesOf([{ kind: 'match', left: { kind: 'osf' }, op: '==', right: text }]),
  (text) => rulesOf([{ kind: 'match', left: { kind: 'ct', key: 'helper' }, op: '==', right: text }]),
  (text) => rulesOf([{ kind: 'verdict', verdict: { kind: 'goto', chain: text } }]),
  (text) => rulesOf([{ kind: 'objref', type: 'counter', name: text }]),
  (text) => ({
    family: 'ip',
    name: 't',
    sets: [],
    chains: [],
    objects: [{ kind: 'counter', name: text, comment: text }],
  }),
  (text) => ({
    family: 'ip',
    name: 't',
    sets: [],
    chains: [],
    objects: [{ kind: 'ct helper', name: 'h', helper: text, protocol: 'tcp' }],
  }),
];

function rulesOf(statements: Table['chains'][number]['rules'][number]['statements'], comment?: string): Table {
  return {
    family: 'ip',
    name: 't',
    sets: [],
    chains: [{ name: 'c', rules: [{ statements, ...(comment !== undefined && { comment }) }] }],
  };
}

test('of two rules put together, both printers refuse the same, and what they take nft takes too', () =>
  withNetns(2, (ours, theirs) => {
    const client = openNft(ours as Netns);
    let taken = 0;
    fc.assert(
      fc.property(arbitraryPair, (table) => {
        for (const { family, name } of client.tables()) client.delete(family, name);
        nft(theirs as Netns, ['flush', 'ruleset']);
        const printed = attempt(() => formatTable(table));
        const applied = attempt(() => client.apply(table));
        // what the kernel does not have in that family, it refuses whoever asks
        if (applied instanceof PodwireError && applied.code === 'NFT_REFUSED') return;
        if (printed instanceof PodwireError || applied instanceof PodwireError) {
          assert.equal((applied as PodwireError).message, (printed as PodwireError).message);
          return;
        }
        nft(theirs as Netns, ['-f', '-'], printed);
        taken++;
        // behind the link's header nft asks it for the protocol, and what extension headers need it asks first of all
        if (/ether|vlan|option|exthdr|hbh|frag|dst|rt|mh|reject/.test(printed)) return;
        assert.equal(bag(nft(ours as Netns, ['list', 'ruleset'])), bag(nft(theirs as Netns, ['list', 'ruleset'])));
      }),
      { numRuns: 120 },
    );
    assert.ok(taken > 0, 'none was taken');
    client.close();
  }));

test('text never becomes syntax: both printers refuse it, or both take it as text', () =>
  withNetns(2, (ours, theirs) => {
    const client = openNft(ours as Netns);
    fc.assert(
      fc.property(hostileText, fc.nat(PLACES.length - 1), (text, place) => {
        for (const { family, name } of client.tables()) client.delete(family, name);
        nft(theirs as Netns, ['flush', 'ruleset']);
        const table = (PLACES[place] as (text: string) => Table)(text);
        const printed = attempt(() => formatTable(table));
        const applied = attempt(() => client.apply(table));
        if (applied instanceof PodwireError && applied.code === 'NFT_REFUSED') return;
        if (printed instanceof PodwireError || applied instanceof PodwireError) {
          assert.equal((applied as PodwireError).code, (printed as PodwireError).code);
          return;
        }
        nft(theirs as Netns, ['-f', '-'], String(printed));
        assert.equal(bag(nft(ours as Netns, ['list', 'ruleset'])), bag(nft(theirs as Netns, ['list', 'ruleset'])));
      }),
      { numRuns: 150 },
    );
    client.close();
  }));

function attempt<T>(fn: () => T): T | PodwireError {
  try {
    return fn();
  } catch (error) {
    if (error instanceof PodwireError) return error;
    throw error;
  }
}
