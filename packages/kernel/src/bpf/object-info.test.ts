import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../errors.ts';
import { parseCpuCount } from './element.ts';
import { decodeLinkInfo, decodeMapInfo, decodeProgramInfo } from './object-info.ts';
import { LINK_TYPES } from './program-type.ts';

test('structures of the kernel decode from any bytes, or give a DecodeError', () => {
  for (const decode of [decodeMapInfo, decodeProgramInfo, decodeLinkInfo]) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          const info = decode(Buffer.from(bytes));
          assert.equal(info.id, Buffer.from(bytes).readUInt32LE(4));
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          assert.ok(bytes.length < 220);
        }
      }),
    );
  }
});

test('names end at their zero byte or at their room, and unknown types stay numbers', () => {
  const bytes = Buffer.alloc(256, 0xff);
  bytes.write('sixteen_letters_', 24);
  assert.equal(decodeMapInfo(bytes).name, 'sixteen_letters_');
  assert.equal(decodeMapInfo(bytes).type, 0xffffffff);
  bytes[24 + 3] = 0;
  assert.equal(decodeMapInfo(bytes).name, 'six');
});

test('what a link says depends on its kind', () => {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(LINK_TYPES.tcx, 0);
  bytes.writeUInt32LE(7, 16);
  bytes.writeUInt32LE(46, 20);
  const { type, ifindex, attachType, cgroupId } = decodeLinkInfo(bytes);
  assert.deepEqual([type, ifindex, attachType, cgroupId], ['tcx', 7, 'tcx_ingress', undefined]);
});

test('lists of CPUs are counted', () => {
  assert.deepEqual(['0\n', '0-3\n', '0-3,8-11,15\n'].map(parseCpuCount), [1, 4, 9]);
});
