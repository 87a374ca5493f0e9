import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '@podwire/base';
import { hasCode } from '@podwire/base';
import fc from 'fast-check';
import { DecodeError } from '../errors.ts';
import { type AttributeTable, attributes, encodeAttributes, encoded, listOf } from './attribute.ts';
import { ByteWriter } from './byte-writer.ts';
import {
  bits,
  bool,
  bytes,
  flag,
  ip,
  mac,
  named,
  pad,
  s32,
  s64,
  struct,
  text,
  u8,
  u16,
  u16be,
  u32,
  u32be,
  u64,
} from './codec.ts';
import { readAcknowledgement, readMessages, writeMessage } from './netlink-message.ts';

const inner = attributes('inner', { size: [1, u32], name: [2, text] });
const table = attributes('everything', {
  u8: [1, u8],
  u16: [2, u16],
  u16be: [3, u16be],
  u32: [4, u32],
  u32be: [5, u32be],
  s32: [6, s32],
  u64: [7, u64],
  bool: [8, bool],
  flag: [9, flag],
  text: [10, text],
  bytes: [11, bytes],
  mac: [12, mac],
  ip: [13, ip],
  inner: [14, inner],
  list: [15, listOf(1, inner)],
  raw: [16, encoded],
});
const header = struct('header', { family: u8, _1: pad(1), port: u16be, index: s32 });

test('an attribute is length, type, payload and padding', () => {
  const simple = attributes('simple', { mtu: [4, u32], name: [3, text] });
  assert.equal(
    encodeAttributes(simple, { mtu: 1500, name: 'lo' }).toString('hex'),
    '08000400dc050000' + '07000300' + '6c6f0000',
  );
});

test('nested attributes carry the NESTED flag', () => {
  const outer = attributes('outer', { inner: [2, inner] });
  assert.equal(encodeAttributes(outer, { inner: { size: 1 } }).toString('hex'), '0c000280' + '0800010001000000');
});

test('numbers in network order, MAC and IP addresses', () => {
  const values = { u16be: 80, u32be: 1, mac: 'ee:ee:ee:00:01:02', ip: 'fd00::1' as IpAddress };
  assert.deepEqual(table.read(encodeAttributes(table, values)), values);
  assert.equal(
    encodeAttributes(attributes('x', { port: [1, u16be] }), { port: 80 }).toString('hex'),
    '0600010000500000',
  );
});

test('absent attributes stay absent', () => {
  assert.deepEqual(inner.read(encodeAttributes(inner, { size: undefined })), {});
});

test('fields of a struct that are left out are zero', () => {
  const out = new ByteWriter();
  header.write(out, { port: 0x1234, index: -1 });
  assert.equal(out.finish().toString('hex'), '00001234ffffffff');
  assert.deepEqual(header.read(out.finish()), { family: 0, port: 0x1234, index: -1 });
});

test('values that do not fit are refused with KERNEL_ENCODE', () => {
  const encode = (values: Parameters<typeof table.write>[1]) => () => encodeAttributes(table, values);
  const refused = (error: unknown) => hasCode(error, 'KERNEL_ENCODE');
  assert.throws(encode({ u8: 256 }), refused);
  assert.throws(encode({ u32: -1 }), refused);
  assert.throws(encode({ u16: 1.5 }), refused);
  assert.throws(encode({ text: 'a\0b' }), refused);
  assert.throws(encode({ mac: 'ee:ee' + 'x' }), refused);
  assert.throws(encode({ bytes: new Uint8Array(70_000) }), refused);
});

test('signed numbers of 64 bits, words and addresses are checked like all others', () => {
  const extremes = attributes('extremes', { a: [1, s64], b: [2, bits(u8, { up: 1 })], c: [3, named(u8, { up: 1 })] });
  for (const a of [-(2n ** 63n), -1n, 2n ** 63n - 1n])
    assert.deepEqual(extremes.read(encodeAttributes(extremes, { a })), { a });
  const wrong = [{ a: 2n ** 63n }, { a: -(2n ** 63n) - 1n }, { b: [1.5] }, { b: ['constructor' as 'up'] }];
  for (const values of [...wrong, { c: 'toString' as 'up' }])
    assert.throws(
      () => encodeAttributes(extremes, values),
      (error) => hasCode(error, 'KERNEL_ENCODE'),
    );
  for (const bad of ['fe80::zz', '1.2.3', '', '::1%lo'])
    assert.throws(
      () => encodeAttributes(table, { ip: bad as IpAddress }),
      (error) => hasCode(error, 'KERNEL_ENCODE'),
      bad,
    );
});

const values = fc.record(
  {
    u8: fc.nat(255),
    u16: fc.nat(65_535),
    u16be: fc.nat(65_535),
    u32: fc.nat(0xffffffff),
    u32be: fc.nat(0xffffffff),
    s32: fc.integer(),
    u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    bool: fc.boolean(),
    text: fc.string().map((s) => s.replaceAll('\0', '')),
    inner: fc.record(
      { size: fc.nat(9), name: fc.constantFrom('', 'eth0') },
      { requiredKeys: [], noNullPrototype: true },
    ),
    list: fc.array(fc.record({ size: fc.nat(9) }, { requiredKeys: [], noNullPrototype: true }), { maxLength: 5 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

test('what is encoded decodes to the same', () => {
  fc.assert(fc.property(values, (v) => assert.deepEqual(table.read(encodeAttributes(table, v)), v)));
});

/** Random bytes, and well-formed messages with some bytes changed, which get further into the decoder. */
const damaged = fc.tuple(values, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 })).map(([v, changes]) => {
  const bytes = Buffer.from(encodeAttributes(table, v));
  for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
  return bytes;
});
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b)),
  damaged,
);

function throwsOnlyDecodeError(decode: (bytes: Buffer) => unknown): (bytes: Buffer) => void {
  return (input) => {
    try {
      decode(input);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
    }
  };
}

test('decoders throw nothing but DecodeError', () => {
  const decoders: ((b: Buffer) => unknown)[] = [
    (b) => (table as AttributeTable<unknown>).read(b),
    (b) => header.read(b),
    (b) => readMessages(b).map((m) => readAcknowledgement(m)),
    (b) => readAcknowledgement({ type: 2, flags: 0x200, sequence: 1, body: b }),
    (b) => readAcknowledgement({ type: 2, flags: 0x300, sequence: 1, body: b }),
    (b) => readAcknowledgement({ type: 3, flags: 0x202, sequence: 1, body: b }),
  ];
  for (const decode of decoders) fc.assert(fc.property(anyBytes, throwsOnlyDecodeError(decode)), { numRuns: 500 });
});

test('messages of one datagram are split and keep their bodies', () => {
  const out = new ByteWriter();
  writeMessage(out, { type: 16, flags: 0x400, body: Buffer.from('abcde') }, { sequence: 7, flags: 0 });
  writeMessage(out, { type: 18, flags: 0, body: Buffer.from('xy') }, { sequence: 8, flags: 0 });
  const read = readMessages(out.finish()).map((m) => ({ ...m, body: m.body.toString() }));
  assert.deepEqual(read, [
    { type: 16, flags: 0x401, sequence: 7, body: 'abcde' },
    { type: 18, flags: 1, sequence: 8, body: 'xy' },
  ]);
});

test('an extended acknowledgement gives errno, message and offset', () => {
  const extack = attributes('extack', { message: [1, text], offset: [2, u32] });
  const capped = Buffer.concat([Buffer.alloc(20), encodeAttributes(extack, { message: 'no such kind', offset: 36 })]);
  capped.writeInt32LE(-95, 0);
  const answer = { type: 2, flags: 0x300, sequence: 1, body: capped };
  const { errno, extack: message, offset } = readAcknowledgement(answer);
  assert.deepEqual({ errno, message, offset }, { errno: 95, message: 'no such kind', offset: 36 });
});

test('a refusal without a number is damaged, not a success; the end of a list may go without', () => {
  const empty = { flags: 0, sequence: 1, body: Buffer.alloc(2) };
  assert.throws(() => readAcknowledgement({ ...empty, type: 2 }), DecodeError);
  assert.deepEqual(readAcknowledgement({ ...empty, type: 3 }), { errno: 0 });
  assert.deepEqual(readAcknowledgement({ ...empty, type: 2, body: Buffer.alloc(4) }), { errno: 0 });
});
