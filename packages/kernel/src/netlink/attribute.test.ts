import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '@podwire/base';
import { hasCode } from '@podwire/base';
import { DecodeError } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { attributes, encodeAttributes, listOf, repeated, selectedBy } from './attribute.ts';
import { describeAttributes, formatAttributes } from './attribute-text.ts';
import { array, bits, blob, fixedText, ip, named, pad, struct, text, u8, u16, u32, u64be } from './codec.ts';

const vxlan = attributes('vxlan', { vni: [1, u32, 'IFLA_VXLAN_ID'], local: [4, ip, 'IFLA_VXLAN_LOCAL'] });
const veth = attributes('veth', { peer: [1, text, 'VETH_INFO_PEER'] });
const info = attributes('info', {
  data: [2, selectedBy('kind', { vxlan, veth }), 'IFLA_INFO_DATA'],
  kind: [1, text, 'IFLA_INFO_KIND'],
});
const link = attributes('link', {
  name: [3, text, 'IFLA_IFNAME'],
  info: [18, info, 'IFLA_LINKINFO'],
  property: [53, repeated(text), 'IFLA_ALT_IFNAME'],
  hops: [9, listOf(1, vxlan), 'RTA_MULTIPATH'],
});
const local = '10.0.0.1' as IpAddress;

test('attributes a table does not know survive a round trip as bytes, flags included', () => {
  const newer = attributes('newer', { name: [3, text], color: [99, u32], depth: [100, vxlan] });
  const bytes = encodeAttributes(newer, { name: 'eth0', color: 7, depth: { vni: 5 } });
  const read = link.read(bytes);
  assert.equal(read.name, 'eth0');
  assert.deepEqual(
    read.unknown?.map(({ type, flags }) => [type, flags]),
    [
      [99, 0],
      [100, 0x8000],
    ],
  );
  assert.deepEqual(encodeAttributes(link, read), bytes);
});

test('a payload is laid out as the attribute beside it says, whichever comes first', () => {
  const value = { info: { kind: 'vxlan', data: { vni: 42, local } } };
  assert.deepEqual(link.read(encodeAttributes(link, value)), value);
});

test('payloads of unknown kinds are bytes and are written as they were', () => {
  const bytes = encodeAttributes(link, { info: { kind: 'quantum', data: Buffer.from('0800010007000000', 'hex') } });
  const read = link.read(bytes);
  assert.ok(read.info?.data instanceof Uint8Array);
  assert.deepEqual(encodeAttributes(link, read), bytes);
  const wrong = () => encodeAttributes(link, { info: { kind: 'constructor', data: { vni: 1 } } });
  assert.throws(wrong, (error) => hasCode(error, 'KERNEL_ENCODE'));
});

test('repeated attributes are a list', () => {
  const value = { property: ['a', 'b', 'c'] };
  assert.deepEqual(link.read(encodeAttributes(link, value)), value);
});

test('a DecodeError tells the path and the offset from the beginning', () => {
  const bytes = encodeAttributes(link, { name: 'eth0', info: { kind: 'vxlan', data: { vni: 1, local } } });
  const at = bytes.indexOf(Buffer.from([10, 0, 0, 1]));
  bytes.writeUInt16LE(7, at - 4); // the address attribute now has three bytes
  assert.throws(
    () => link.read(bytes),
    (error) => error instanceof DecodeError && error.path === 'info.data.local' && error.offset === at,
  );
});

test('the pretty-printer uses the names of the kernel', () => {
  const raw = { type: 77, flags: 0, payload: Buffer.from([1, 2]) };
  const value = { name: 'x', info: { kind: 'vxlan', data: { vni: 42, local } }, hops: [{ vni: 1 }], unknown: [raw] };
  assert.equal(
    formatAttributes(link, value),
    [
      'IFLA_IFNAME "x"',
      'IFLA_LINKINFO',
      '  IFLA_INFO_DATA',
      '    IFLA_VXLAN_ID 42',
      '    IFLA_VXLAN_LOCAL 10.0.0.1',
      '  IFLA_INFO_KIND "vxlan"',
      'RTA_MULTIPATH',
      '  IFLA_VXLAN_ID 1',
      '(77) 0102',
    ].join('\n'),
  );
});

test('the documentation of a table lists nested attributes and every choice', () => {
  assert.deepEqual(
    describeAttributes(link).map(({ path, type, constant }) => `${path} ${type} ${constant}`),
    [
      'name 3 IFLA_IFNAME',
      'info 18 IFLA_LINKINFO',
      'info.data 2 IFLA_INFO_DATA',
      'info.data<vxlan>.vni 1 IFLA_VXLAN_ID',
      'info.data<vxlan>.local 4 IFLA_VXLAN_LOCAL',
      'info.data<veth>.peer 1 VETH_INFO_PEER',
      'info.kind 1 IFLA_INFO_KIND',
      'property 53 IFLA_ALT_IFNAME',
      'hops 9 RTA_MULTIPATH',
      'hops[].vni 1 IFLA_VXLAN_ID',
      'hops[].local 4 IFLA_VXLAN_LOCAL',
    ],
  );
});

const entry = struct('entry', { key: u64be, _1: pad(1), flag: u8, port: u16, tail: blob(4) });
const extras = attributes('extras', {
  type: [1, named(u8, { unicast: 1, local: 2 })],
  flags: [2, bits(u32, { up: 1, multicast: 0x1000, high: 0x80000000 })],
  entries: [3, array(entry)],
  scheduler: [4, fixedText(16)],
});

test('words, bits, arrays, structs and fixed text survive, with values that have no word', () => {
  const tail = Buffer.from([1, 2, 3, 4]);
  const value = {
    type: 'local' as const,
    flags: ['up', 'high', 6] as const,
    entries: [{ key: 2n ** 63n, flag: 1, port: 80, tail }],
    scheduler: 'wrr',
  };
  assert.deepEqual(extras.read(encodeAttributes(extras, value)), value);
  assert.deepEqual(extras.read(encodeAttributes(extras, { type: 200 })), { type: 200 });
  for (const wrong of [{ type: 'nat' as never }, { flags: ['nope' as never] }, { scheduler: 'x'.repeat(16) }])
    assert.throws(
      () => encodeAttributes(extras, wrong),
      (error) => hasCode(error, 'KERNEL_ENCODE'),
    );
});

test('damaged attributes throw nothing but DecodeError', () => {
  const samples = [
    encodeAttributes(link, { name: 'a', info: { kind: 'vxlan', data: { vni: 1, local } }, hops: [{ vni: 2 }, {}] }),
    encodeAttributes(extras, { type: 1, flags: ['up'], entries: [{ port: 1 } as never], scheduler: 'rr' }),
  ];
  fuzzDecoder((bytes) => link.read(bytes), { samples });
  fuzzDecoder((bytes) => extras.read(bytes), { samples });
});

test('a value that does not fit names the field it was meant for', () => {
  const table = attributes('outer', {
    inner: [1, attributes('inner', { entries: [1, array(struct('entry', { port: u16 }))], flags: [2, u32] })],
  });
  const wrong = [
    { value: { inner: { flags: -1 } }, path: 'inner.flags' },
    { value: { inner: { entries: [{ port: 65_536 }] } }, path: 'inner.entries.port' },
  ];
  for (const { value, path } of wrong)
    assert.throws(() => encodeAttributes(table, value), { code: 'KERNEL_ENCODE', message: new RegExp(` in ${path}$`) });
});
