import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIp, hasCode } from '@podwire/base';
import fc from 'fast-check';
import { decodeMessage } from './decode.ts';
import { encodeMessage, encodeQuery } from './encode.ts';
import { DnsDecodeError } from './errors.ts';
import type { Message, RecordData, ResourceRecord } from './message.ts';
import { encodeName, readName } from './name.ts';
import { TYPE } from './numbers.ts';

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65_535 });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** Names as decoding writes them, out of few labels so that compression has something to find. */
const label = fc.oneof(
  fc.constantFrom('a', 'B', 'svc', 'cluster', 'local'),
  fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((bytes) => readName(Uint8Array.of(bytes.length, ...bytes, 0), 0).name),
);
const name = fc.array(label, { maxLength: 6 }).map((labels) => labels.join('.'));

const address = (size: number) =>
  fc
    .uint8Array({ minLength: size, maxLength: size })
    .map((bytes): RecordData => ({ kind: 'address', address: formatIp(bytes) }));
const byType: readonly [number, fc.Arbitrary<RecordData>][] = [
  [TYPE.A, address(4)],
  [TYPE.AAAA, address(16)],
  [TYPE.CNAME, fc.record({ kind: fc.constant('name' as const), name })],
  [TYPE.PTR, fc.record({ kind: fc.constant('name' as const), name })],
  [TYPE.NS, fc.record({ kind: fc.constant('name' as const), name })],
  [TYPE.MX, fc.record({ kind: fc.constant('mx' as const), preference: u16, exchange: name })],
  [TYPE.SRV, fc.record({ kind: fc.constant('srv' as const), priority: u16, weight: u16, port: u16, target: name })],
  [
    TYPE.SOA,
    fc.record({
      kind: fc.constant('soa' as const),
      primary: name,
      mailbox: name,
      serial: u32,
      refresh: u32,
      retry: u32,
      expire: u32,
      minimum: u32,
    }),
  ],
  [
    TYPE.TXT,
    fc.record({
      kind: fc.constant('text' as const),
      strings: fc.array(
        fc.uint8Array({ maxLength: 255 }).map((b) => Buffer.from(b).toString('latin1')),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  ],
  [999, fc.record({ kind: fc.constant('opaque' as const), bytes: fc.uint8Array({ maxLength: 40 }) })],
];
const record: fc.Arbitrary<ResourceRecord> = fc.oneof(
  ...byType.map(([type, data]) => fc.record({ name, type: fc.constant(type), class: u16, ttl: u32, data })),
);
const records = fc.array(record, { maxLength: 4 });
const message: fc.Arbitrary<Message> = fc
  .record(
    {
      id: u16,
      response: fc.boolean(),
      opcode: fc.integer({ min: 0, max: 15 }),
      authoritative: fc.boolean(),
      truncated: fc.boolean(),
      recursionDesired: fc.boolean(),
      recursionAvailable: fc.boolean(),
      authenticData: fc.boolean(),
      checkingDisabled: fc.boolean(),
      rcode: fc.integer({ min: 0, max: 4095 }),
      questions: fc.array(fc.record({ name, type: u16, class: u16 }), { maxLength: 2 }),
      answers: records,
      authorities: records,
      additionals: records,
      edns: fc.record({
        udpSize: u16,
        version: u8,
        dnssecOk: fc.boolean(),
        options: fc.array(fc.record({ code: u16, bytes: fc.uint8Array({ maxLength: 20 }) }), { maxLength: 3 }),
      }),
    },
    {
      requiredKeys: [
        'id',
        'response',
        'opcode',
        'authoritative',
        'truncated',
        'recursionDesired',
        'recursionAvailable',
        'authenticData',
        'checkingDisabled',
        'rcode',
        'questions',
        'answers',
        'authorities',
        'additionals',
      ],
    },
  )
  .map((m) => (m.edns ? m : { ...m, rcode: m.rcode & 15 }) as Message);

/** Buffers and typed arrays compare equal in deepEqual only when of one class. */
const plain = (m: Message): unknown => JSON.parse(JSON.stringify(m, (_, v) => (v instanceof Uint8Array ? [...v] : v)));

test('decoding gives back every message that was encoded', () => {
  fc.assert(fc.property(message, (m) => assert.deepEqual(plain(decodeMessage(encodeMessage(m))), plain(m))));
});

function decodeOrRefuse(bytes: Uint8Array): boolean {
  try {
    decodeMessage(bytes);
    return true;
  } catch (error) {
    assert.ok(error instanceof DnsDecodeError, `threw ${error}`);
    return false;
  }
}

test('random bytes decode or throw DnsDecodeError, nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeOrRefuse(bytes)),
    { numRuns: 2000 },
  );
});

test('a message with bytes changed or cut off decodes or throws DnsDecodeError', () => {
  const change = fc.array(fc.tuple(fc.nat(), u8), { maxLength: 5 });
  fc.assert(
    fc.property(message, change, fc.nat(), (m, changes, cut) => {
      const bytes = encodeMessage(m);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      decodeOrRefuse(bytes.subarray(0, bytes.length - (cut % 10)));
    }),
    { numRuns: 500 },
  );
});

test('compression writes a repeated suffix as a pointer', () => {
  const answer = {
    name: 'x.svc.cluster.local',
    type: TYPE.CNAME,
    class: 1,
    ttl: 5,
    data: { kind: 'name', name: 'y.svc.cluster.local' },
  } as const;
  const base = decodeMessage(encodeQuery('x.svc.cluster.local', TYPE.A, { id: 1 }));
  const bytes = encodeMessage({ ...base, answers: [answer] });
  assert.equal(bytes.length, 12 + 21 + 4 + 2 + 10 + 4);
  assert.deepEqual(decodeMessage(bytes).answers, [answer]);
});

const header = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
for (const [title, tail] of Object.entries({
  'a pointer to itself': [0xc0, 12, 0, 1, 0, 1],
  'a pointer forwards': [0xc0, 14, 0, 0, 1, 0, 1],
  'two pointers in a circle': [1, 0x61, 0xc0, 12, 0, 1, 0, 1],
  'a label type of the future': [0x80, 0, 0, 1, 0, 1],
  'a name without end': [3, 0x61, 0x62],
  'a pointer without its second byte': [0xc0],
})) {
  test(`refused: ${title}`, () =>
    assert.throws(() => decodeMessage(Uint8Array.from([...header, ...tail])), DnsDecodeError));
}

test('a chain of pointers that would make a name over 255 bytes is refused', () => {
  const label63 = [63, ...Array<number>(63).fill(0x61)];
  const bytes = Uint8Array.from([...label63, ...label63, ...label63, ...label63, 0]);
  assert.throws(() => readName(bytes, 0), DnsDecodeError);
  assert.equal(readName(bytes, 64).name.length, 63 * 3 + 2);
});

for (const text of ['a..b', '.a', 'a.', 'x'.repeat(64), Array(50).fill('abcdef').join('.'), 'ü\u0100', 'a\\']) {
  test(`not a name: ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(
      () => encodeName(text),
      (error) => hasCode(error, 'DNS_BAD_NAME'),
    );
  });
}
