import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { ipFromBigInt } from '@podwire/base';
import fc from 'fast-check';
import { DecodeError } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { LINK_TYPE, type PcapngBlock } from './pcapng-block.ts';
import { decodePcapng } from './pcapng-decoder.ts';
import { encodePcapngBlock } from './pcapng-encoder.ts';
import { PcapngWriter } from './pcapng-writer.ts';

const decodeAll = (bytes: Buffer) => [...decodePcapng(bytes)];
const encodeAll = (blocks: readonly PcapngBlock[]) => Buffer.concat(blocks.map(encodePcapngBlock));

const INTERFACES = 3;
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const u32 = fc.nat(0xffff_ffff);
const time = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const counter = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const body = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const index = fc.nat(INTERFACES - 1);

const section = fc.record(
  { type: fc.constant('section' as const), comment: text, hardware: text, os: text, application: text },
  { noNullPrototype: true, requiredKeys: ['type'] },
);
const description = fc.record(
  {
    type: fc.constant('interface' as const),
    linkType: fc.nat(0xffff),
    snapLength: u32,
    comment: text,
    name: text,
    description: text,
    filter: text,
  },
  { noNullPrototype: true, requiredKeys: ['type', 'linkType', 'snapLength'] },
);
const packet = fc
  .record(
    {
      type: fc.constant('packet' as const),
      interface: index,
      time,
      bytes: body,
      cut: fc.integer({ min: 1, max: 2000 }),
      direction: fc.constantFrom('in' as const, 'out' as const),
      comment: text,
    },
    { noNullPrototype: true, requiredKeys: ['type', 'interface', 'time', 'bytes'] },
  )
  .map(({ cut, ...rest }) => (cut === undefined ? rest : { ...rest, length: rest.bytes.length + cut }));
const statistics = fc.record(
  {
    type: fc.constant('statistics' as const),
    interface: index,
    time,
    comment: text,
    received: counter,
    dropped: counter,
    delivered: counter,
  },
  { noNullPrototype: true, requiredKeys: ['type', 'interface', 'time'] },
);
const address = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((n) => ipFromBigInt(n, 'ipv4')),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((n) => ipFromBigInt(n, 'ipv6')),
);
const name = text.filter((value) => value !== '' && !value.includes('\0'));
const names = fc.record(
  {
    type: fc.constant('names' as const),
    entries: fc.array(fc.record({ address, names: fc.array(name, { maxLength: 3 }) }, { noNullPrototype: true }), {
      maxLength: 4,
    }),
    comment: text,
  },
  { noNullPrototype: true, requiredKeys: ['type', 'entries'] },
);
const other = fc
  .record({ number: fc.integer({ min: 0x80, max: 0xffff }), body: fc.uint8Array({ maxLength: 40 }) })
  .map(({ number, body: bytes }) => {
    return { type: 'other' as const, number, body: Buffer.from(bytes.subarray(0, bytes.length & ~3)) };
  });

const file = fc
  .tuple(
    section,
    fc.array(description, { minLength: INTERFACES, maxLength: INTERFACES }),
    fc.array(fc.oneof(packet, statistics, names, other), { maxLength: 12 }),
  )
  .map(([head, interfaces, rest]) => [head, ...interfaces, ...rest] as readonly PcapngBlock[]);

test('what was written is read back', () => {
  fc.assert(fc.property(file, (blocks) => assert.deepEqual(decodeAll(encodeAll(blocks)), blocks)));
});

test('sections follow each other, with interfaces of their own', () => {
  const one = encodeAll([
    { type: 'section' },
    { type: 'interface', linkType: LINK_TYPE.ethernet, snapLength: 0 },
    { type: 'packet', interface: 0, time: 1n, bytes: Buffer.from('a') },
  ]);
  assert.equal(decodeAll(Buffer.concat([one, one])).length, 6);
  const orphan = encodeAll([{ type: 'section' }, { type: 'packet', interface: 0, time: 1n, bytes: Buffer.from('a') }]);
  assert.throws(() => decodeAll(Buffer.concat([one, orphan])), DecodeError);
});

test('big-endian files and other time resolutions are understood', () => {
  const words = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4);
    return bytes;
  };
  const head = words(0x0a0d0d0a, 28, 0x1a2b3c4d, 0x00010000, 0xffffffff, 0xffffffff, 28);
  const microseconds = words(1, 20, 0x00010000, 0, 20);
  const binary = words(1, 32, 0x00010000, 0, 0x00090001, 0x8a000000, 0, 32); // 2^-10 s
  const packetOf = (number: number) => words(6, 36, number, 0, 2048, 4, 9, 0x01020304, 36);
  const blocks = decodeAll(Buffer.concat([head, microseconds, binary, packetOf(0), packetOf(1)]));
  const bytes = Buffer.from([1, 2, 3, 4]);
  assert.deepEqual(blocks.slice(3), [
    { type: 'packet', interface: 0, time: 2_048_000n, bytes, length: 9 },
    { type: 'packet', interface: 1, time: 2_000_000_000n, bytes, length: 9 },
  ]);
  const shifted = words(1, 32, 0x00010000, 0, 0x000e0008, 0, 7, 32); // us from 7 s on
  assert.partialDeepStrictEqual(decodeAll(Buffer.concat([head, shifted, packetOf(0)]))[2], { time: 7_002_048_000n });
});

test('the reader throws only DecodeError, whatever it is fed', () => {
  const samples = fc.sample(file, 20).map(encodeAll);
  fuzzDecoder(decodeAll, { samples, runs: 3000 });
});

test('a damaged block does not hide the ones before it', () => {
  const good = encodeAll([{ type: 'section' }, { type: 'interface', linkType: 1, snapLength: 0 }]);
  const blocks: PcapngBlock[] = [];
  assert.throws(
    () => {
      for (const block of decodePcapng(Buffer.concat([good, Buffer.alloc(12, 0xff)]))) blocks.push(block);
    },
    (error) => error instanceof DecodeError && error.offset === good.length,
  );
  assert.equal(blocks.length, 2);
});

test('the writer numbers interfaces and says when the stream is full', async () => {
  const stream = new PassThrough({ highWaterMark: 400 });
  const writer = new PcapngWriter(stream, { application: 'test' });
  assert.equal(writer.addInterface({ linkType: LINK_TYPE.ethernet, snapLength: 0, name: 'a' }), 0);
  assert.equal(writer.addInterface({ linkType: LINK_TYPE.raw, snapLength: 0, name: 'b' }), 1);
  assert.ok(!writer.packet({ interface: 1, time: 5n, bytes: Buffer.alloc(1000, 7) }));
  const content = buffer(stream);
  await writer.drained();
  writer.names([{ address: ipFromBigInt(1n, 'ipv4'), names: ['one'] }]);
  writer.statistics({ interface: 1, time: 6n, received: 1n, dropped: 0n });
  await writer.end();
  const types = decodeAll(await content).map((block) => block.type);
  assert.deepEqual(types, ['section', 'interface', 'interface', 'packet', 'names', 'statistics']);
});

test('the writer says when its stream is closed, also to those that wait already', async () => {
  for (const reason of [undefined, new Error('disk full')]) {
    const expected = reason ?? { code: 'KERNEL_CLOSED' };
    const stream = new PassThrough({ highWaterMark: 400 });
    stream.on('error', () => {});
    const writer = new PcapngWriter(stream);
    writer.addInterface({ linkType: LINK_TYPE.ethernet, snapLength: 0 });
    assert.ok(!writer.packet({ interface: 0, time: 5n, bytes: Buffer.alloc(1000) }));
    const waiting = assert.rejects(writer.drained(), expected);
    stream.destroy(reason);
    await waiting;
    assert.ok(!writer.packet({ interface: 0, time: 6n, bytes: Buffer.alloc(10) }));
    await assert.rejects(writer.drained(), expected);
    assert.equal(stream.listenerCount('drain'), 0);
  }
});

test('numbers that do not fit are refused', () => {
  const packet = { type: 'packet', interface: 0, time: 0n, bytes: Buffer.alloc(0) } as const;
  const description = { type: 'interface', linkType: 1, snapLength: 0 } as const;
  for (const wrong of [
    { ...packet, interface: -1 },
    { ...packet, time: -1n },
    { ...packet, time: 2n ** 64n },
    { ...packet, length: 2 ** 32 },
    { ...description, linkType: 65_536 },
    { ...description, snapLength: 0.5 },
    { type: 'statistics', interface: 0, time: 0n, dropped: -1n } as const,
  ])
    assert.throws(() => encodePcapngBlock(wrong), { code: 'KERNEL_ENCODE' });
});

test('names that cannot be written are refused', () => {
  const entry = { address: ipFromBigInt(1n, 'ipv4'), names: [''] };
  assert.throws(() => encodePcapngBlock({ type: 'names', entries: [entry] }), /names of 0.0.0.1/);
});
