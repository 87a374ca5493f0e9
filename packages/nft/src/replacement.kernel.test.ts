import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import fc from 'fast-check';
import type { Chain, Expression, NamedObject, NamedSet, ObjectKind, Statement, Table } from './model.ts';
import { openNft } from './nft.ts';
import { NftTransport } from './transport.ts';

const mark: Expression = { kind: 'meta', key: 'mark' };
const counter: Statement = { kind: 'counter' };

const anyObject: fc.Arbitrary<NamedObject> = fc.oneof(
  fc.record({ kind: fc.constant('counter' as const), name: fc.constantFrom('a', 'b') }),
  fc.record({
    kind: fc.constant('quota' as const),
    name: fc.constantFrom('a', 'b'),
    bytes: fc.constantFrom(100, 200),
  }),
  fc.record({
    kind: fc.constant('limit' as const),
    name: fc.constantFrom('a', 'b'),
    rate: fc.constantFrom(1, 2),
    per: fc.constant('second' as const),
  }),
);
const someObjects = fc.uniqueArray(anyObject, { maxLength: 5, selector: ({ kind, name }) => `${kind} ${name}` });
const someChains = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'));

/** A map to the objects of a kind, a verdict map to the chains, sets that rules fill and read. */
function setsFor(objects: readonly NamedObject[], chains: readonly string[]): fc.Arbitrary<NamedSet[]> {
  const keys = fc.uniqueArray(fc.nat(5), { maxLength: 3 });
  const objectMap = fc
    .tuple(fc.constantFrom<ObjectKind>('counter', 'quota', 'limit'), keys, fc.boolean())
    .map(([objectKind, numbers, interval]): NamedSet => {
      const named = objects.filter(({ kind }) => kind === objectKind);
      const elements = numbers.flatMap((n) =>
        named.slice(n % 2, (n % 2) + 1).map(({ name }) => ({ key: [n], object: name })),
      );
      return { name: 'objects', key: ['mark'], objects: objectKind, interval, elements };
    });
  const verdicts = fc.tuple(keys, fc.constantFrom(20, 30)).map(([numbers, size]): NamedSet => {
    const jump = (n: number) => chains.slice(n % 3, (n % 3) + 1);
    const elements = numbers.flatMap((n) =>
      jump(n).map((chain) => ({ key: [n], data: { kind: 'jump' as const, chain } })),
    );
    return { name: 'verdicts', key: ['mark'], data: 'verdict', size, elements };
  });
  const dynamic = fc.tuple(fc.constantFrom(30, 60), fc.boolean()).map(([timeout, keeps]): NamedSet => {
    const statements = keeps ? { statements: [{ kind: 'counter' as const }] } : {};
    return { name: 'seen', key: ['mark'], dynamic: true, timeout, ...statements, elements: [] };
  });
  const plain = fc.tuple(keys, fc.boolean(), fc.boolean()).map(
    ([numbers, interval, keeps]): NamedSet => ({
      ...{ name: 'plain', key: ['mark'], interval, counter: keeps },
      elements: numbers.map((n) => ({ key: [2 * n] })),
    }),
  );
  const maybe = (set: fc.Arbitrary<NamedSet>) => fc.option(set, { nil: undefined, freq: 4 });
  return fc
    .tuple(...[objectMap, verdicts, dynamic, plain].map(maybe))
    .map((sets) => sets.filter((set) => set !== undefined));
}

/** Every statement that refers to what the table has. */
function statementsFor(objects: readonly NamedObject[], sets: readonly NamedSet[]): Statement[] {
  return [
    counter,
    ...objects.map(({ kind, name }): Statement => ({ kind: 'objref', type: kind, name })),
    ...sets.map((set): Statement => {
      if (set.objects) return { kind: 'objref-map', type: set.objects, key: mark, map: set.name };
      if (set.data) return { kind: 'vmap', key: mark, map: set.name };
      if (!set.dynamic) return { kind: 'lookup', key: mark, set: set.name };
      return { kind: 'update', op: 'update', set: set.name, key: mark, statements: set.statements ?? [] };
    }),
  ];
}

const anyTable: fc.Arbitrary<Table> = fc.tuple(someObjects, someChains).chain(([objects, names]) =>
  setsFor(objects, names).chain((sets) => {
    const rule = fc
      .array(fc.constantFrom(...statementsFor(objects, sets)), { minLength: 1, maxLength: 3 })
      .map((statements) => ({ statements }));
    const leaf = fc.constantFrom(counter, ...statementsFor(objects, []).slice(1));
    return fc
      .tuple(fc.array(rule, { maxLength: 4 }), fc.constantFrom('input', 'forward'), fc.tuple(...names.map(() => leaf)))
      .map(([rules, hook, leaves]): Table => {
        const chains = names.map((name, i): Chain => ({ name, rules: [{ statements: [leaves[i] ?? counter] }] }));
        const base: Chain = { name: 'base', base: { type: 'filter', hook: hook as 'input', priority: 0 }, rules };
        return { family: 'inet', name: 'replaced', objects, sets, chains: [...chains, base] };
      });
  }),
);

test('whatever refers to what, the kernel takes each difference in one transaction', () =>
  withNetns(1, (netns) => {
    const client = openNft(netns as Netns);
    const commits = mock.method(NftTransport.prototype, 'commit').mock;
    fc.assert(
      fc.property(fc.array(anyTable, { minLength: 2, maxLength: 6 }), (tables) => {
        for (const table of tables) {
          commits.resetCalls();
          client.apply(table);
          assert.ok(commits.callCount() <= 1, 'a difference was refused, and the table replaced');
          assert.deepEqual(
            client.drift(table).map(({ text }) => text),
            [],
          );
        }
      }),
      { numRuns: 60 },
    );
    commits.restore();
    client.close();
  }));
