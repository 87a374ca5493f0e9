import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compareIp,
  familyOf,
  formatIp,
  hostPrefix,
  ipBytes,
  ipFromBigInt,
  ipToBigInt,
  ipv4Number,
  nthAddress,
  parseIp,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
  prefixOf,
  prefixSize,
  tryParseIp,
  tryParsePort,
  tryParsePrefix,
} from './ip.ts';

const bytes = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));

test("text and bytes are each other's inverse", () => {
  fc.assert(
    fc.property(bytes, (raw) => {
      const ip = formatIp(raw);
      assert.deepEqual([...ipBytes(ip)], [...raw]);
      assert.equal(tryParseIp(ip), ip);
      assert.equal(ipFromBigInt(ipToBigInt(ip), familyOf(ip)), ip);
    }),
  );
});

test('IPv6 text is canonical (RFC 5952)', () => {
  const cases = [
    ['2001:0DB8::0001', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['::ffff:10.1.2.3', '::ffff:a01:203'],
    ['fe80::', 'fe80::'],
  ];
  for (const [text, canonical] of cases) assert.equal(parseIp(text as string), canonical);
});

test('octal, hexadecimal, short and garbled addresses are refused', () => {
  for (const text of [
    '010.0.0.1',
    '0x10.0.0.1',
    '10.1',
    '1.2.3.4.5',
    '256.0.0.1',
    '',
    ' 1.2.3.4',
    '1.2.3.4\n',
    ':::',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7',
    '::1%eth0',
    '1.2.3.4:',
  ]) {
    assert.equal(tryParseIp(text), undefined, text);
  }
  assert.throws(() => parseIp('010.0.0.1'), { code: 'BASE_BAD_ADDRESS' });
});

test('what is an IPv6 address is what Node takes for one', () => {
  const piece = fc.constantFrom('0', '1', 'ab', 'FFFF', '12345', ':', '::', ':', '.', '10', '1.2.3.4', '01', 'g');
  let valid = 0;
  const check = (pieces: string[]) => {
    const text = pieces.join('');
    if (isIPv6(text)) valid++;
    assert.equal(tryParseIp(text) !== undefined && text.includes(':'), isIPv6(text), text);
  };
  const groups = fc.array(fc.constantFrom('0', '1', 'ab', 'FFFF', ''), { minLength: 3, maxLength: 9 });
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), check), { numRuns: 2000 });
  fc.assert(
    fc.property(groups, (all) => check([all.join(':')])),
    { numRuns: 2000 },
  );
  assert.ok(valid > 100, `${valid} were addresses`);
});

test('the prefix of an address has no host bits', () => {
  const prefix = fc.tuple(bytes, fc.integer({ min: 0, max: 128 }));
  fc.assert(
    fc.property(prefix, ([raw, n]) => {
      const bits = raw.length * 8;
      const length = n % (bits + 1);
      const hostBits = BigInt(bits - length);
      const address = formatIp(raw);
      const masked = (ipToBigInt(address) >> hostBits) << hostBits;
      assert.equal(prefixOf(address, length), `${ipFromBigInt(masked, familyOf(address))}/${length}`);
    }),
  );
});

test('a parser never throws on text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      tryParseIp(text);
      tryParsePrefix(text);
    }),
  );
});

test('a prefix holds its addresses and no others', () => {
  fc.assert(
    fc.property(bytes, fc.nat(128), (raw, n) => {
      const ip = formatIp(raw);
      const length = n % (raw.length * 8 + 1);
      const prefix = prefixOf(ip, length);
      assert.ok(prefixContains(prefix, ip));
      assert.equal(parsePrefix(prefix), prefix);
      const past = ipToBigInt(nthAddress(prefix, 0)) + prefixSize(prefix);
      if (past < 1n << BigInt(raw.length * 8)) assert.ok(!prefixContains(prefix, ipFromBigInt(past, familyOf(ip))));
    }),
  );
  assert.equal(parsePrefix('10.1.2.3/16'), '10.1.0.0/16');
  assert.equal(parsePrefix('10.1.2.3'), hostPrefix(parseIp('10.1.2.3')));
  for (const text of ['10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/', '10.0.0.0/8/8', '::/129'])
    assert.equal(tryParsePrefix(text), undefined, text);
});

test('overlap, order, ports', () => {
  assert.ok(prefixesOverlap(parsePrefix('10.0.0.0/8'), parsePrefix('10.9.0.0/16')));
  assert.ok(!prefixesOverlap(parsePrefix('10.0.0.0/9'), parsePrefix('10.128.0.0/9')));
  assert.ok(!prefixesOverlap(parsePrefix('0.0.0.0/0'), parsePrefix('::/0')));
  const list = ['10.0.0.10/32', '::/0', '10.0.0.9/32', '10.0.0.0/8', '10.0.0.0/16'].map(parsePrefix);
  assert.deepEqual(list.sort(compareIp), ['10.0.0.0/8', '10.0.0.0/16', '10.0.0.9/32', '10.0.0.10/32', '::/0']);
  assert.deepEqual(
    [0, 1, 65535, 65536, 1.5, '80', Number.NaN].map((v) => tryParsePort(v) !== undefined),
    [false, true, true, false, false, false, false],
  );
});

test('ipv4Number accepts what four decimal numbers without leading zeros are, and nothing else', () => {
  const part = fc.oneof(
    fc.integer({ min: 0, max: 300 }).map(String),
    fc.constantFrom('', '00', '01', '1a', ' 1', '+1'),
  );
  const strict = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
  fc.assert(
    fc.property(fc.array(part, { minLength: 2, maxLength: 5 }), (parts) => {
      const numbers = strict.exec(parts.join('.'))?.slice(1).map(Number);
      const valid = numbers?.every((n) => n <= 255);
      assert.equal(ipv4Number(parts.join('.')), valid ? numbers?.reduce((all, n) => all * 256 + n, 0) : -1);
    }),
  );
});
