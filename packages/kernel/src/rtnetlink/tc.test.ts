import assert from 'node:assert/strict';
import test from 'node:test';
import { hasCode, type Prefix } from '@podwire/base';
import fc from 'fast-check';
import { fuzzDecoder } from '../fuzz.ts';
import { classRequest, decodeClass, type TcClassSpec } from './tc-class.ts';
import { decodeFilter, filterRequest, type TcFilterSpec } from './tc-filter.ts';
import { formatTcHandle, parseTcHandle } from './tc-identifier.ts';
import { u32Keys } from './tc-match.ts';
import { decodeQdisc, type QdiscSpec, qdiscRequest } from './tc-qdisc.ts';
import { cellLogFor, rateTable, wireRate } from './tc-rate.ts';

test('handles are what tc writes', () => {
  assert.equal(parseTcHandle('1:10'), 0x10010);
  assert.equal(parseTcHandle('ffff:'), 0xffff0000);
  assert.equal(parseTcHandle('root'), 0xffffffff);
  assert.equal(formatTcHandle(0xfffffff2), 'ingress');
  assert.equal(formatTcHandle(0x10000), '1:');
  fc.assert(fc.property(fc.nat(0xffffffff), (handle) => parseTcHandle(formatTcHandle(handle)) === handle));
  for (const wrong of ['', '1', ':1:', '10000:', '1:10000', 'g:', 'toString'])
    assert.throws(
      () => parseTcHandle(wrong),
      (error) => hasCode(error, 'KERNEL_ENCODE'),
      wrong,
    );
});

test('the rate table of a policer says how long packets of each cell take', () => {
  const wire = wireRate('rate', 8e6, { cellLog: cellLogFor(2047) });
  assert.equal(wire.spec.cellLog, 3);
  const table = rateTable(wire);
  // 8 bytes at 1 byte/us take 8 us, a tick being 64 ns
  assert.equal(table.readUInt32LE(0), 8 * 15.625);
  assert.equal(table.readUInt32LE(255 * 4), 2048 * 15.625);
  assert.equal(wireRate('rate', 80e9).rate64, 10_000_000_000n);
});

test('addresses and protocol are words of the header', () => {
  const [destination, source] = ['10.1.0.0/16' as Prefix, 'fd00:1:2::/40' as Prefix];
  assert.deepEqual(u32Keys({ destination, protocol: 17 }), [
    { offset: 8, value: 0x110000, mask: 0xff0000 },
    { offset: 16, value: 0x0a010000, mask: 0xffff0000 },
  ]);
  assert.deepEqual(u32Keys({ source }), [
    { offset: 8, value: 0xfd000001, mask: 0xffffffff },
    { offset: 12, value: 0, mask: 0xff000000 },
  ]);
  assert.throws(
    () => u32Keys({ source, destination }),
    (error) => hasCode(error, 'KERNEL_ENCODE'),
  );
});

const mbit = (value: number) => value * 1e6;
const rate = fc.integer({ min: 1, max: 10_000 }).map(mbit);
const link = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const handle = fc.integer({ min: 1, max: 0xfffe }).map((major) => `${major.toString(16)}:`);

/** Sizes whose sending times are whole ticks come back as they were. */
const burst = fc.integer({ min: 1, max: 100 }).map((n) => n * 10_000);

const PLAIN = { noNullPrototype: true } as const;

const qdisc: fc.Arbitrary<QdiscSpec> = fc.oneof(
  fc.record({ link, handle, kind: fc.constantFrom('noqueue' as const, 'mq' as const) }),
  fc.record({
    link,
    handle,
    kind: fc.constantFrom('pfifo' as const, 'bfifo' as const),
    options: fc.record({ limit: fc.nat(0xffffffff) }, PLAIN),
  }),
  fc.record({
    link,
    handle,
    kind: fc.constant('tbf' as const),
    options: fc.record({ rate: fc.constantFrom(mbit(8), mbit(80)), burst, limit: fc.nat(0xffffffff) }, PLAIN),
  }),
  fc.record({
    link,
    handle,
    kind: fc.constant('fq_codel' as const),
    options: fc.record({ target: fc.nat(), flows: fc.nat() }, { requiredKeys: [], ...PLAIN }),
  }),
  fc.record({
    link,
    handle,
    kind: fc.constant('other' as const),
    name: fc.constantFrom('sfq', 'cake'),
    options: fc.uint8Array({ minLength: 4 }).map((bytes) => Buffer.from(bytes)),
  }),
);

test('flower refuses what the kernel would pass over', () => {
  const place = { link: 3, parent: 'ingress', kind: 'flower' } as const;
  const v4 = '10.0.0.0/8' as Prefix;
  for (const wrong of [
    { match: { protocol: 'tcp', destinationPort: 80 } },
    { match: { protocol: 'tcp' }, etherType: 'arp' },
    { match: { source: v4 } },
    { match: { source: v4 }, etherType: 'ipv6' },
    { match: { source: v4, destination: 'fd00::/8' as Prefix }, etherType: 'ip' },
  ] as const)
    assert.throws(() => filterRequest('create', { ...place, ...wrong }), { code: 'KERNEL_ENCODE' });
  filterRequest('create', { ...place, match: { source: v4, protocol: 'tcp' }, etherType: 0x0800 });
  filterRequest('create', { ...place, match: { sourceMac: '02:00:00:00:00:01' } });
});

test('netem comes back as it was said, also without anything that it does', () => {
  const place = { link: 3, parent: '1:1', handle: '2:', kind: 'netem' } as const;
  for (const options of [
    { limit: 0 },
    {
      limit: 9,
      delay: 1000,
      jitter: 10,
      loss: { probability: 1, correlation: 1 },
      reorder: { probability: 1, gap: 5 },
    },
  ]) {
    const read = decodeQdisc(Buffer.from(qdiscRequest('create', { ...place, options }).body));
    assert.deepEqual(read.kind === 'netem' && read.options, options);
  }
  for (const delay of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => qdiscRequest('create', { ...place, options: { delay } }), { code: 'KERNEL_ENCODE' });
});

test('a qdisc that was encoded decodes to the same', () => {
  fc.assert(
    fc.property(qdisc, (spec) => {
      const body = Buffer.from(qdiscRequest('create', spec).body);
      const { stats, ...read } = decodeQdisc(body);
      assert.equal(stats.packets, 0n);
      assert.deepEqual(read, { parent: 'root', ...spec });
    }),
  );
});

test('a class and a filter that were encoded decode to the same', () => {
  const options = fc.record({ rate, ceil: rate, quantum: fc.nat(60_000), priority: fc.nat(7) });
  const place = { link: 3, parent: '1:', handle: '1:a' };
  fc.assert(
    fc.property(options, (given) => {
      const spec: TcClassSpec = { ...place, kind: 'htb', options: given };
      const read = decodeClass(Buffer.from(classRequest('create', spec).body));
      assert.partialDeepStrictEqual(read, spec);
    }),
  );
  const filter: TcFilterSpec = {
    ...{ link: 3, parent: 'ingress', priority: 9, etherType: 'ipv6', handle: 4, chain: 2, kind: 'flower' },
    match: { protocol: 'udp', source: 'fd00::/7' as Prefix, destinationPort: 53 },
    actions: [
      { kind: 'police', rate: 8e6, burst: 10_000, mtu: 2000, exceed: 'drop', conform: 'pipe' },
      { kind: 'other', name: 'ct', options: Buffer.from([8, 0, 1, 0, 1, 2, 3, 4]) },
    ],
  };
  const body = Buffer.from(filterRequest('create', filter).body);
  assert.deepEqual(decodeFilter(body), { ...filter, match: { ...filter.match, source: 'fc00::/7' } });
  fuzzDecoder(decodeFilter, { samples: [body], runs: 500 });
});

test('the operation of an error says what is known', () => {
  const tbf = { link: 1, kind: 'tbf', options: { rate: 8e6, burst: 20_000, limit: 70_000 } } as const;
  assert.equal(qdiscRequest('create', tbf).op, 'create qdisc tbf at root of link 1');
  assert.equal(qdiscRequest('create', { ...tbf, handle: '1:' }).op, 'create qdisc tbf 1: at root of link 1');
});
