import assert from 'node:assert/strict';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import { u32 } from '../netlink/codec.ts';
import { openBpfFds } from './bpf-place.fixture.ts';
import { createMap } from './map.ts';
import * as a from './mnemonic.ts';
import { loadProgram } from './program.ts';
import { openRingbuf } from './ringbuf.ts';

const { r0, r1, r2, r3, r4, r6, r7, r10 } = a;
const SIZE = 4096;

/** Writes the mark of the packet and how long it is; marks of 7 are reserved and thrown away. */
const report = [
  a.mov(r6, r1),
  a.loadMap(r1, 'ring'),
  a.mov(r2, 12),
  a.mov(r3, 0),
  a.call('ringbuf_reserve'),
  a.jumpIf(r0, '==', 0, 'full'),
  a.mov(r7, r0),
  a.load(r2, r6, 8, 'u32'),
  a.store(r7, 0, r2, 'u32'),
  a.load(r3, r6, 0, 'u32'),
  a.store(r7, 4, r3, 'u32'),
  a.store(r7, 8, 0, 'u32'),
  a.mov(r1, r7),
  a.jumpIf(r2, '==', 7, 'discard'),
  a.mov(r2, 0),
  a.call('ringbuf_submit'),
  a.mov(r0, 1),
  a.exit(),
  a.label('discard'),
  a.mov(r2, 0),
  a.call('ringbuf_discard'),
  a.mov(r0, 2),
  a.exit(),
  a.label('full'),
  a.mov(r0, 0),
  a.exit(),
];

function context(mark: number): Buffer {
  const bytes = Buffer.alloc(192);
  bytes.writeUInt32LE(mark, 8);
  return bytes;
}

test('records come in order, many times round the ring, without the discarded ones', () => {
  using map = createMap({ type: 'ringbuf', key: 0, value: 0, maxEntries: SIZE });
  using program = loadProgram({ type: 'sched_cls', instructions: report, maps: { ring: map } });
  const marks: number[] = [];
  using ring = openRingbuf(map, { watch: false, onRecord: (record) => marks.push(record.readUInt32LE(0)) });
  const expected: number[] = [];
  for (let mark = 0; mark < 2000; mark++) {
    program.testRun({ data: Buffer.alloc(60), context: context(mark % 10) });
    if (mark % 10 !== 7) expected.push(mark % 10);
    if (mark % 90 === 0) ring.drain();
  }
  ring.drain();
  assert.deepEqual(marks, expected);
  assert.equal(ring.pending, 0);
});

test('a full ring refuses records until it is read', () => {
  using map = createMap({ type: 'ringbuf', key: 0, value: 0, maxEntries: SIZE });
  using program = loadProgram({ type: 'sched_cls', instructions: report, maps: { ring: map } });
  let records = 0;
  using ring = openRingbuf(map, { watch: false, onRecord: () => records++ });
  const run = () => program.testRun({ data: Buffer.alloc(60), context: context(1) }).returnValue;
  let written = 0;
  while (run() === 1) written++;
  assert.ok(written > SIZE / 24 - 3 && written <= SIZE / 24, String(written));
  assert.equal(ring.drain(), written);
  assert.equal(run(), 1);
  assert.equal(ring.drain(), 1);
  assert.equal(records, written + 1);
});

test('records wake the event loop, and a reader may close from a record', async () => {
  using map = createMap({ type: 'ringbuf', key: 0, value: 0, maxEntries: SIZE });
  using program = loadProgram({
    type: 'sched_cls',
    maps: { ring: map },
    instructions: [
      a.store(r10, -8, 42, 'u64'),
      a.loadMap(r1, 'ring'),
      a.mov(r2, r10),
      a.add(r2, -8),
      a.mov(r3, 8),
      a.mov(r4, 0),
      a.call('ringbuf_output'),
      a.exit(),
    ],
  });
  const { promise, resolve } = Promise.withResolvers<bigint>();
  const ring = openRingbuf(map, {
    onRecord(record) {
      ring.close();
      resolve(record.readBigUInt64LE(0));
    },
  });
  for (let i = 0; i < 3; i++) assert.equal(program.testRun({ data: Buffer.alloc(14) }).returnValue, 0);
  assert.equal(await promise, 42n);
  assert.equal(ring.drain(), 0);
  ring.close();
});

test('the map may be closed first or read by a second reader, and nothing is left open', () => {
  const before = openBpfFds();
  const map = createMap({ type: 'ringbuf', key: 0, value: 0, maxEntries: SIZE });
  const readers = [1, 2].map(() => openRingbuf(map, { onRecord: () => {} }));
  map.close();
  for (const ring of readers) {
    assert.equal(ring.drain(), 0);
    ring.close();
    assert.equal(ring.pending, 0);
  }
  assert.equal(openBpfFds(), before);
  assert.throws(
    () => openRingbuf(map, { onRecord: () => {} }),
    (error) => hasCode(error, 'KERNEL_CLOSED'),
  );
  assert.equal(openBpfFds(), before);
});

test('a map of another type is no ring buffer', () => {
  using map = createMap({ type: 'array', key: 4, value: 4, maxEntries: 1 });
  assert.throws(
    () => openRingbuf(map, { onRecord: () => {} }),
    (error) => hasCode(error, 'KERNEL_ENCODE'),
  );
  using typed = createMap({ type: 'array', key: u32, value: u32, maxEntries: 1 });
  // @ts-expect-error keys and values of ring buffers are no numbers
  assert.throws(() => openRingbuf(typed, { onRecord: () => {} }));
});
