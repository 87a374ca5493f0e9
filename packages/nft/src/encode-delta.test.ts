import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeElements } from './encode-delta.ts';
import type { WireMessage } from './encode-table.ts';
import type { NamedSet, SetElement, Table } from './model.ts';

const table = (family: Table['family'], name: string): Table => ({ family, name, sets: [], chains: [] });
const set: NamedSet = { name: 'allowed', key: ['ipv4_addr', 'inet_service'], elements: [] };
const element = (n: number): SetElement => ({ key: ['10.0.0.1', n] });
const added = (to: Table, elements: readonly SetElement[], of: NamedSet = set): WireMessage[] =>
  encodeElements(to, [{ set: of, add: elements, remove: [] }], 'add');

/** The attributes of a nest, and that they fill it to its end. */
function attributesOf(bytes: Buffer): { readonly type: number; readonly at: number; readonly value: Buffer }[] {
  const found = [];
  let at = 0;
  while (at < bytes.length) {
    const length = bytes.readUInt16LE(at);
    assert.ok(
      length >= 4 && at + length <= bytes.length,
      `an attribute of ${length} bytes at ${at} of ${bytes.length}`,
    );
    found.push({ type: bytes.readUInt16LE(at + 2) & 0x7fff, at, value: bytes.subarray(at + 4, at + length) });
    at += (length + 3) & ~3;
  }
  return found;
}

/** Family, names of the table and of the set, and where in the body its elements are. */
function read({ body }: WireMessage) {
  const [tableName, setName, list] = attributesOf(Buffer.from(body).subarray(4));
  assert.ok(tableName && setName && list);
  const first = 4 + list.at + 4;
  const places = attributesOf(list.value).map(({ at }) => first + at);
  return { family: body[0], names: [tableName, setName].map(({ value }) => value.toString().slice(0, -1)), places };
}

test('more elements than the 16 bits of a length are in several messages, each whole, and all of them', () => {
  const elements = Array.from({ length: 5000 }, (_, n) => element(n));
  const messages = added(table('ip', 't'), elements);
  assert.ok(messages.length > 1);
  const counts = messages.map((message) => read(message).places.length);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    elements.length,
  );
  let from = 0;
  for (const [i, message] of messages.entries()) {
    const { places } = read(message);
    const last = places.length - 1;
    assert.match(message.purpose(places[0]), new RegExp(`10\\.0\\.0\\.1 \\. ${from} `));
    assert.match(message.purpose(places[last]), new RegExp(`10\\.0\\.0\\.1 \\. ${from + last} `));
    from += counts[i] ?? 0;
  }
});

test('one set in several tables, and another one of its name: each message is of its own table and set', () => {
  const other: NamedSet = { name: 'allowed', key: ['ipv6_addr'], elements: [] };
  for (const [to, family] of [
    [table('ip', 'a'), 2],
    [table('ip6', 'a'), 10],
    [table('ip', 'longer'), 2],
    [table('ip', 'a'), 2],
  ] as const) {
    const [message, ...more] = added(to, [element(80)]);
    assert.ok(message && more.length === 0);
    const { places, ...rest } = read(message);
    assert.deepEqual([rest, places.length], [{ family, names: [to.name, 'allowed'] }, 1]);
    const [otherMessage] = added(to, [{ key: ['fd00::1'] }], other);
    assert.match(Buffer.from(otherMessage?.body ?? []).toString('hex'), /fd0{29}1/);
  }
});
