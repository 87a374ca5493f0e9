import assert from 'node:assert/strict';
import test from 'node:test';
import { DecodeError } from '@podwire/kernel';
import fc from 'fast-check';
import { decodeAddress } from './address.ts';
import { decodeFdb } from './fdb.ts';
import { decodeLink } from './link.ts';
import { decodeNeighbour } from './neighbour.ts';
import { decodeRoute } from './route-encoding.ts';

const names = new Map([[2, 'eth0']]);
const hex = (...parts: string[]) => Buffer.from(parts.join(''), 'hex');

test('a route message: 10.1.2.0/24 via 192.0.2.1 dev eth0 proto 112', () => {
  const header = '02180000' + 'fe700001' + '00000000';
  const body = hex(header, '08000f00fe000000', '080001000a010200', '08000500c0000201', '0800040002000000');
  assert.deepEqual(decodeRoute(body, names), {
    destination: '10.1.2.0/24',
    via: '192.0.2.1',
    link: 'eth0',
    protocol: 112,
    scope: 'global',
    table: 254,
    type: 'unicast',
  });
});

test('an address message of a link without a name here is left out', () => {
  const body = (index: string) => hex('0218800' + '0', index, '080002000a010203');
  assert.deepEqual(decodeAddress(body('02000000'), names), {
    link: 'eth0',
    address: '10.1.2.3',
    prefixLength: 24,
    scope: 'global',
  });
  assert.equal(decodeAddress(body('03000000'), names), undefined);
});

/** Random bytes, and random attributes behind a plausible header. */
const attribute = fc
  .tuple(fc.nat(64), fc.uint8Array({ maxLength: 24 }), fc.integer({ min: -3, max: 3 }))
  .map(([type, payload, lie]) => {
    const b = Buffer.alloc((4 + payload.length + 3) & ~3);
    b.writeUInt16LE(Math.max(0, 4 + payload.length + (lie === 3 ? 1 : 0)), 0);
    b.writeUInt16LE(type, 2);
    b.set(payload, 4);
    return b;
  });
const shaped = fc
  .tuple(
    fc.constantFrom(0, 2, 7, 10),
    fc.uint8Array({ minLength: 15, maxLength: 15 }),
    fc.array(attribute, { maxLength: 8 }),
  )
  .map(([family, header, list]) => Buffer.concat([Buffer.from([family]), header, ...list]));
const input = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b)),
  shaped,
);

test('decoders throw nothing but DecodeError', () => {
  const decoders = [decodeLink, decodeAddress, decodeRoute, decodeNeighbour, decodeFdb];
  const check = (body: Buffer) => {
    for (const decode of decoders) {
      try {
        decode(body, names);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }
  };
  fc.assert(fc.property(input, check), { numRuns: 2000 });
});
