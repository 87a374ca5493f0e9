import assert from 'node:assert/strict';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import fc from 'fast-check';
import { fuzzDecoder } from '../fuzz.ts';
import { internetChecksum, onesComplementSum } from './checksum.ts';
import { segmentFrame } from './segmentation.ts';
import { decodeVirtioNetHeader, encodeVirtioNetHeader, type VirtioNetHeader } from './virtio-net-header.ts';

const u16 = fc.nat(0xffff);
const header: fc.Arbitrary<VirtioNetHeader> = fc.record(
  {
    gso: fc.constantFrom('none' as const, 'tcp4', 'tcp6', 'udp'),
    ecn: fc.boolean(),
    headersLength: u16,
    segmentSize: u16,
    checksumValid: fc.boolean(),
    checksum: fc.record({ start: u16, offset: u16 }, { noNullPrototype: true }),
  },
  { noNullPrototype: true, requiredKeys: ['gso', 'ecn', 'headersLength', 'segmentSize', 'checksumValid'] },
);

test('a virtio net header is read as it was written', () => {
  fc.assert(
    fc.property(header, (value) => {
      const bytes = Buffer.alloc(10, 0xff);
      encodeVirtioNetHeader(bytes, value);
      assert.deepEqual(decodeVirtioNetHeader(bytes), value);
    }),
  );
  const empty = Buffer.alloc(10, 0xff);
  encodeVirtioNetHeader(empty);
  assert.equal(empty.toString('hex'), '00'.repeat(10));
  assert.throws(
    () => encodeVirtioNetHeader(empty, { segmentSize: 65_536 }),
    (error) => hasCode(error, 'KERNEL_ENCODE'),
  );
});

test('the header decoder throws only DecodeError', () => {
  fuzzDecoder(decodeVirtioNetHeader, { samples: [Buffer.alloc(10), Buffer.from('01010036058c00220010', 'hex')] });
});

test('the example of RFC 1071, and a long sum that carries', () => {
  assert.equal(onesComplementSum(Buffer.from('0001f203f4f5f6f7', 'hex')), 0xddf2);
  assert.equal(internetChecksum(Buffer.from('0001f203f4f5f6f7', 'hex')), 0x220d);
  assert.equal(onesComplementSum(Buffer.alloc(65_535, 0xff)), 0xff00);
  assert.equal(onesComplementSum(Buffer.from([1]), 0, 1, 0xffff), 0x100);
});

test('segmentFrame cuts what fits together, and refuses the rest without reading beyond it', () => {
  const property = fc.property(
    fc.uint8Array({ maxLength: 200 }),
    header,
    fc.constantFrom(0, 14),
    (frame, value, network) => {
      try {
        const segments = segmentFrame(frame, value, network);
        const bytes = segments.reduce((sum, segment) => sum + segment.length, 0);
        assert.ok(bytes >= frame.length && segments.every((segment) => segment.length <= frame.length));
      } catch (error) {
        assert.ok(hasCode(error, 'KERNEL_ENCODE'), String(error));
      }
    },
  );
  fc.assert(property, { numRuns: 1000 });
});
