import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import fc from 'fast-check';
import type { NamedSet, SetElement, Table } from './model.ts';
import { type Nft, openNft } from './nft.ts';

const nft = (netns: Netns, ...args: string[]): string =>
  execFileSync('ip', ['netns', 'exec', String(netns.name), 'nft', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString();

const endpoint = (n: number, mark: number): SetElement => ({ key: [`10.0.${n >> 8}.${n & 255}`], data: [mark] });
const map = (name: string, elements: readonly SetElement[]): NamedSet => ({
  name,
  key: ['ipv4_addr'],
  data: ['mark'],
  elements,
});
const table = (elements: readonly SetElement[], other: readonly SetElement[] = []): Table => ({
  family: 'ip',
  name: 't',
  sets: [map('endpoints', elements), map('others', other)],
  chains: [
    {
      name: 'c',
      rules: [
        {
          statements: [
            { kind: 'set-mark', to: { kind: 'map', key: { kind: 'payload', field: 'ip saddr' }, map: 'endpoints' } },
          ],
        },
      ],
    },
  ],
});
const three = [endpoint(1, 1), endpoint(2, 2), endpoint(3, 3)];

const inKernel = (client: Nft, set = 'endpoints'): string[] =>
  (client.observe('ip', 't')?.sets.find(({ name }) => name === set)?.elements ?? [])
    .map(({ key, data }) => `${key} ${data}`)
    .sort();

function opened<T>(run: (client: Nft, netns: Netns) => T): Promise<T> {
  return withNetns(1, (netns) => {
    const client = openNft(netns as Netns);
    try {
      return run(client, netns as Netns);
    } finally {
      client.close();
    }
  });
}

test('elements of several sets change in one transaction, and the next apply counts from there', () =>
  opened((client) => {
    client.apply(table(three));
    const { commands } = client.change({ family: 'ip', name: 't' }, [
      { set: 'endpoints', remove: [{ key: ['10.0.0.1'] }], add: [endpoint(4, 4)] },
      { set: 'others', add: [endpoint(9, 9)] },
    ]);
    assert.equal(commands, 3);
    assert.deepEqual(inKernel(client), ['10.0.0.2 2', '10.0.0.3 3', '10.0.0.4 4']);
    const now = table([endpoint(2, 2), endpoint(3, 3), endpoint(4, 4)], [endpoint(9, 9)]);
    assert.equal(client.apply(now).commands, 0);
    assert.deepEqual(client.drift(now), []);
    assert.equal(client.apply(table(three)).commands, 3);
    assert.deepEqual(inKernel(client), ['10.0.0.1 1', '10.0.0.2 2', '10.0.0.3 3']);
  }));

test('what is wished twice or is not there costs nothing, other data replace the element', () =>
  opened((client) => {
    client.apply(table(three));
    const change = (wish: { add?: SetElement[]; remove?: SetElement[] }) =>
      client.change({ family: 'ip', name: 't' }, [{ set: 'endpoints', ...wish }]).commands;
    assert.equal(change({ add: [endpoint(1, 1)], remove: [endpoint(77, 1)] }), 0);
    assert.equal(change({ add: [endpoint(1, 1)], remove: [endpoint(1, 1)] }), 0);
    assert.equal(change({ add: [endpoint(1, 8)] }), 2);
    assert.equal(change({ add: [endpoint(2, 8)], remove: [endpoint(2, 2)] }), 2);
    assert.equal(change({ remove: [endpoint(3, 12345)] }), 1);
    assert.deepEqual(inKernel(client), ['10.0.0.1 8', '10.0.0.2 8']);
  }));

test('a table that was not applied cannot be changed, a set it does not have neither', () =>
  opened((client) => {
    const id = { family: 'ip', name: 't' } as const;
    assert.throws(
      () => client.change(id, [{ set: 'endpoints', add: three }]),
      (error) => hasCode(error, 'NFT_NOT_APPLIED'),
    );
    client.apply(table(three));
    assert.throws(
      () => client.change(id, [{ set: 'absent', add: three }]),
      (error) => hasCode(error, 'NFT_BAD_RULESET'),
    );
    client.forget('ip', 't');
    assert.throws(
      () => client.change(id, []),
      (error) => hasCode(error, 'NFT_NOT_APPLIED'),
    );
  }));

test('a table that somebody flushed or deleted is whole again after the next change', () =>
  opened((client, netns) => {
    const id = { family: 'ip', name: 't' } as const;
    client.apply(table(three));
    nft(netns, 'flush', 'map', 'ip', 't', 'endpoints');
    client.change(id, [{ set: 'endpoints', remove: [endpoint(1, 1)], add: [endpoint(4, 4)] }]);
    assert.deepEqual(inKernel(client), ['10.0.0.2 2', '10.0.0.3 3', '10.0.0.4 4']);
    nft(netns, 'flush', 'ruleset');
    client.change(id, [{ set: 'endpoints', add: [endpoint(5, 5)] }]);
    assert.deepEqual(client.drift(table([2, 3, 4, 5].map((n) => endpoint(n, n)))), []);
    nft(netns, 'delete', 'table', 'ip', 't');
    client.apply(table(three));
    assert.deepEqual(client.drift(table(three)), []);
  }));

test('great wishes in several parts are one change', () =>
  opened((client) => {
    client.apply(table(three));
    const many = Array.from(
      { length: 150_000 },
      (_, i): SetElement => ({ key: [`11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`], data: [i] }),
    );
    const { commands } = client.change({ family: 'ip', name: 't' }, [
      { set: 'endpoints', remove: three.slice(1) },
      { set: 'endpoints', add: many },
    ]);
    assert.equal(commands, 150_002);
    assert.equal(client.apply(table([...three.slice(0, 1), ...many])).commands, 0);
  }));

test('two writers: each mends what the other undid, and neither loses its own', () =>
  opened((one, netns) => {
    const two = openNft(netns);
    const id = { family: 'ip', name: 't' } as const;
    one.apply(table(three));
    two.apply(table(three));
    one.change(id, [{ set: 'endpoints', add: [endpoint(1, 100)] }]);
    two.change(id, [{ set: 'endpoints', add: [endpoint(2, 200)] }]);
    two.change(id, [{ set: 'endpoints', remove: [endpoint(1, 1)] }]);
    one.change(id, [{ set: 'endpoints', remove: [endpoint(1, 1)] }]);
    one.change(id, [{ set: 'endpoints', add: [endpoint(3, 300)] }]);
    const wanted = table([endpoint(2, 2), endpoint(3, 300)]);
    one.forget('ip', 't');
    one.apply(wanted);
    assert.deepEqual(one.drift(wanted), []);
    two.close();
  }));

test('a refused change leaves the kernel and what is known of it as they were', () =>
  opened((client) => {
    const ranges = (...keys: SetElement['key'][]): Table => ({
      family: 'ip',
      name: 't',
      chains: [],
      sets: [{ name: 'ranges', key: ['ipv4_addr'], interval: true, elements: keys.map((key) => ({ key })) }],
    });
    client.apply(ranges(['10.0.0.0/8']));
    const id = { family: 'ip', name: 't' } as const;
    assert.throws(
      () => client.change(id, [{ set: 'ranges', add: [{ key: ['192.0.2.0/24'] }, { key: ['10.1.0.0/16'] }] }]),
      (error) => hasCode(error, 'NFT_REFUSED') && /add element ip t ranges \{ 1/.test(String(error)),
    );
    assert.deepEqual(client.drift(ranges(['10.0.0.0/8'])), []);
    assert.equal(client.change(id, [{ set: 'ranges', add: [{ key: ['192.0.2.0/24'] }] }]).commands, 1);
    assert.equal(client.apply(ranges(['10.0.0.0/8'], ['192.0.2.0/24'])).commands, 0);
  }));

test('any sequence of changes and applies ends as a plain map would', () =>
  opened((client) => {
    const step = fc.oneof(
      fc.record({
        add: fc.array(fc.tuple(fc.nat(9), fc.nat(3)), { maxLength: 5 }),
        remove: fc.array(fc.nat(9), { maxLength: 5 }),
      }),
      fc.array(fc.tuple(fc.nat(9), fc.nat(3)), { maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const model = new Map<number, number>();
        const all = () => [...model].map(([n, mark]) => endpoint(n, mark));
        client.apply(table([]));
        for (const one of steps) {
          if (Array.isArray(one)) {
            model.clear();
            for (const [n, mark] of one) model.set(n, mark);
            client.apply(table(all()));
            continue;
          }
          client.change({ family: 'ip', name: 't' }, [
            {
              set: 'endpoints',
              remove: one.remove.map((n) => endpoint(n, 0)),
              add: one.add.map(([n, mark]) => endpoint(n, mark)),
            },
          ]);
          for (const n of one.remove) model.delete(n);
          for (const [n, mark] of one.add) model.set(n, mark);
        }
        assert.deepEqual(
          client.drift(table(all())).map(({ text }) => text),
          [],
        );
        assert.equal(client.apply(table(all())).commands, 0);
      }),
      { numRuns: 60 },
    );
  }));

test('the generation counts the transactions of everyone', () =>
  withNetns(1, (netns) => {
    const client = openNft(netns);
    try {
      const table = { family: 'ip', name: 't' } as const;
      const before = client.generation();
      assert.ok(before !== undefined);
      client.apply({ ...table, sets: [{ name: 's', key: ['inet_service'], elements: [] }], chains: [] });
      assert.equal(client.generation(), before + 1);
      assert.equal(client.change(table, [{ set: 's', add: [{ key: [80] }] }]).commands, 1);
      assert.equal(client.change(table, [{ set: 's', add: [{ key: [80] }] }]).commands, 0);
      assert.equal(client.generation(), before + 2);
      execFileSync('ip', ['netns', 'exec', netns.name ?? '', 'nft', 'add', 'table', 'ip', 'other']);
      assert.equal(client.generation(), before + 3);
    } finally {
      client.close();
    }
  }));
