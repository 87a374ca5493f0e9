import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { attributes, encodeAttributes, listOf, selectedBy } from './attribute.ts';
import { text, u32 } from './codec.ts';
import { type Fault, nameFault } from './layout.ts';

const vxlan = attributes('vxlan', { vni: [1, u32, 'IFLA_VXLAN_ID'] });
const info = attributes('info', {
  kind: [1, text, 'IFLA_INFO_KIND'],
  data: [2, selectedBy('kind', { vxlan }), 'IFLA_INFO_DATA'],
});
const table = attributes('link', {
  name: [3, text, 'IFLA_IFNAME'],
  info: [18, info, 'IFLA_LINKINFO'],
  hops: [9, listOf(1, vxlan), 'RTA_MULTIPATH'],
  plain: [20, u32],
});
const layout = { name: 'RTM_NEWLINK', header: { name: 'ifinfomsg', size: 16 }, table };
const body = Buffer.concat([
  Buffer.alloc(16),
  encodeAttributes(table, { name: 'eth0', info: { kind: 'vxlan', data: { vni: 7 } }, hops: [{ vni: 8 }], plain: 9 }),
]);
/** Where the attribute with this payload begins, from the nlmsghdr of 16 bytes. */
const offsetOf = (value: number): number => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value);
  return 16 + body.indexOf(payload) - 4;
};
const name = (fault: Fault) => nameFault(layout, body, fault);

test('an offset becomes the names of the attributes around it', () => {
  assert.equal(name({ offset: 32 }), 'IFLA_IFNAME');
  assert.equal(name({ offset: offsetOf(7) }), 'IFLA_LINKINFO IFLA_INFO_DATA IFLA_VXLAN_ID');
  assert.equal(name({ offset: offsetOf(8) }), 'RTA_MULTIPATH element IFLA_VXLAN_ID');
  assert.equal(name({ offset: offsetOf(9) }), 'plain');
});

test('a missing attribute is named with what it is missing in', () => {
  assert.equal(name({ missing: 18 }), 'IFLA_LINKINFO');
  assert.equal(name({ missing: 1, missingIn: 32 + 12 }), 'IFLA_LINKINFO IFLA_INFO_KIND');
  assert.equal(name({ missing: 77 }), 'attribute 77');
});

test('without an offset, or with one outside of the attributes, nothing is named', () => {
  assert.equal(name({}), undefined);
  assert.equal(name({ offset: 4 }), undefined);
  assert.equal(name({ offset: 4000 }), undefined);
  assert.equal(name({ missing: 1, missingIn: 4000 }), undefined);
});

test('any request and any offset give a text or nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(200), (bytes, offset) => {
      const label = nameFault(layout, bytes, { offset });
      assert.ok(label === undefined || label.length > 0);
    }),
  );
});
