import fc from 'fast-check';
import { MATCH_CASES } from './corpus-match.ts';
import { STATEMENT_TABLES } from './corpus-statement.ts';
import { TYPES } from './data-type.ts';
import { KEYWORDS } from './keyword.ts';
import type { Chain, DataType, NamedSet, Rule, SetElement, Statement, Table, Value, Verdict } from './model.ts';

/** Generators of valid rulesets and of hostile text, for tests of printers and readers. */

/** Names that nft takes: a letter, then letters, digits and _ . / - */
export const arbitraryName: fc.Arbitrary<string> = fc
  .stringMatching(/^[A-Za-z][A-Za-z0-9_./-]{0,30}$/)
  .filter((name) => !KEYWORDS.has(name));

/** Any code point that is a character; as a unit of its own, for fast-check's "binary" makes a table of all of them first. */
const character = fc.nat(0x10_f7ff).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));

/** Text that tries to be more than text. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: character, maxLength: 300 }),
  fc.string({
    unit: fc.constantFrom(
      '"',
      '\\',
      '}',
      '{',
      ';',
      '\n',
      '$',
      '(',
      ')',
      '`',
      '#',
      '*',
      '@',
      ' ',
      'drop',
      '\0',
      'é',
      '😀',
    ),
    maxLength: 80,
  }),
  fc.constantFrom('"; flush ruleset; #', '}\n}\nflush ruleset', '$(id)', `$${'{x}'}`, '\\"', "' or 1", 'a\u2028b'),
);

const octet = fc.integer({ min: 0, max: 255 });
const ipv4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'));
const ipv6 = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 })
  .map((words) => words.map((w) => w.toString(16)).join(':'));
const mac = fc
  .array(octet, { minLength: 6, maxLength: 6 })
  .map((bytes) => bytes.map((b) => b.toString(16).padStart(2, '0')).join(':'));
const number = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

/** Values of the types that keys and data are made of most. */
const VALUES = {
  ipv4_addr: ipv4,
  ipv6_addr: ipv6,
  ether_addr: mac,
  inet_proto: fc.constantFrom('tcp', 'udp', 'sctp', 'icmp'),
  inet_service: number(0xffff),
  mark: number(0xffffffff),
  ifname: fc.stringMatching(/^[a-z][a-z0-9.-]{0,14}$/),
  ct_state: fc.constantFrom('new', 'established', 'related'),
  uid: number(0xffffffff),
  icmp_type: fc.constantFrom('echo-request', 'echo-reply', 'redirect'),
} satisfies Partial<Record<DataType, fc.Arbitrary<Value>>>;

type Known = keyof typeof VALUES;
const anyType = fc.constantFrom(...(Object.keys(VALUES) as Known[]));
const tupleOf = (types: readonly Known[]): fc.Arbitrary<Value[]> =>
  fc.tuple(...types.map((type): fc.Arbitrary<Value> => VALUES[type]));

const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom('accept', 'drop', 'continue', 'return').map((kind) => ({ kind }) as Verdict),
  fc.constantFrom('jump', 'goto').map((kind) => ({ kind, chain: 'leaf' }) as Verdict),
);

const keyText = (set: Pick<NamedSet, 'key'>, key: readonly Value[]): string =>
  key.map((value, i) => TYPES[set.key[i] ?? 'mark'].encode(value as string | number).toString('hex')).join();

type Shape = Pick<NamedSet, 'key' | 'data'>;

const shape: fc.Arbitrary<Shape> = fc.record(
  {
    key: fc.array(anyType, { minLength: 1, maxLength: 3 }),
    data: fc.oneof(fc.constant('verdict' as const), fc.array(anyType, { minLength: 1, maxLength: 2 })),
  },
  { requiredKeys: ['key'] },
);

function elementsOf({ key, data }: Shape): fc.Arbitrary<SetElement[]> {
  const content: fc.Arbitrary<Pick<SetElement, 'data'>> =
    data === undefined
      ? fc.constant({})
      : data === 'verdict'
        ? verdict.map((one) => ({ data: one }))
        : tupleOf(data as Known[]).map((one) => ({ data: one }));
  const element = fc
    .tuple(tupleOf(key as Known[]), content, fc.option(hostileText, { nil: undefined }))
    .map(
      ([values, rest, comment]): SetElement => ({ key: values, ...rest, ...(comment !== undefined && { comment }) }),
    );
  return fc.uniqueArray(element, { maxLength: 12, selector: (one) => keyText({ key }, one.key) });
}

const anySet = (name: string): fc.Arbitrary<NamedSet> =>
  shape.chain((types) =>
    fc
      .tuple(
        elementsOf(types),
        fc.option(hostileText, { nil: undefined }),
        fc.option(fc.integer({ min: 20, max: 90_000 }), { nil: undefined }),
      )
      .map(
        ([elements, comment, size]): NamedSet => ({
          name,
          ...types,
          elements,
          ...(comment !== undefined && { comment }),
          ...(size !== undefined && { size }),
        }),
      ),
  );

/** Rules of the corpus that need nothing of their table. */
const FREE_RULES: readonly Rule[] =
  STATEMENT_TABLES[0]?.chains
    .find(({ name }) => name === 'everything')
    ?.rules.filter(({ statements }) => statements.every(isFree)) ?? [];

function isFree(statement: Statement): boolean {
  return (
    !['objref', 'objref-map', 'update', 'vmap', 'lookup', 'anonymous-vmap', 'notrack', 'last'].includes(
      statement.kind,
    ) && !JSON.stringify(statement).includes('"map"')
  );
}

const ruleFor = (family: Table['family']): fc.Arbitrary<Rule> => {
  const matches = MATCH_CASES.filter((one) => one.family === family).map(({ rule }) => rule);
  const pool = family === 'ip' ? [...matches, ...FREE_RULES] : matches;
  return fc
    .tuple(fc.constantFrom(...pool), fc.option(verdict, { nil: undefined }), fc.option(hostileText, { nil: undefined }))
    .map(([{ statements }, last, comment]) => ({
      statements: [...statements, ...(last ? [{ kind: 'verdict' as const, verdict: last }] : [])],
      ...(comment !== undefined && { comment }),
    }));
};

/** Two rules' statements as one rule: what the first compares may contradict the second. */
export const arbitraryPair: fc.Arbitrary<Table> = fc
  .constantFrom('ip' as const, 'ip6' as const, 'inet' as const, 'bridge' as const, 'netdev' as const, 'arp' as const)
  .chain((family) => {
    const foreign = fc.constantFrom(...MATCH_CASES).map(({ rule }) => rule);
    return fc.tuple(ruleFor(family), fc.oneof(ruleFor(family), foreign)).map(
      ([one, { statements }]): Table => ({
        family,
        name: 't',
        sets: [],
        chains: [LEAF, { name: 'c', rules: [{ statements: [...one.statements, ...statements] }] }],
      }),
    );
  });

const LEAF: Chain = { name: 'leaf', rules: [{ statements: [{ kind: 'counter' }] }] };

/** A valid table of chains and sets, with any text where text is free. */
export const arbitraryTable: fc.Arbitrary<Table> = fc
  .tuple(
    fc.constantFrom('ip' as const, 'ip6' as const, 'inet' as const),
    fc.uniqueArray(arbitraryName, { minLength: 4, maxLength: 9 }),
  )
  .filter(([, names]) => !names.includes('leaf'))
  .chain(([family, [table = 't', ...names]]) => {
    const half = names.length >> 1;
    const chains = fc.tuple(
      ...names
        .slice(0, half)
        .map((name) =>
          fc
            .tuple(fc.array(ruleFor(family), { maxLength: 6 }), fc.option(hostileText, { nil: undefined }))
            .map(([rules, comment]): Chain => ({ name, rules, ...(comment !== undefined && { comment }) })),
        ),
    );
    return fc.tuple(chains, fc.tuple(...names.slice(half).map(anySet)), fc.option(hostileText, { nil: undefined })).map(
      ([made, sets, comment]): Table => ({
        family,
        name: table,
        sets,
        chains: [LEAF, ...made],
        ...(comment !== undefined && { comment }),
      }),
    );
  });
