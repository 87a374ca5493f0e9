import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ipFromBigInt, parseIp, prefixOf, prefixParts } from '@podwire/base';
import { type AttributesOf, encodeAttributes, encodeBody } from '@podwire/kernel';
import { fuzzDecoder } from '@podwire/kernel/fuzz';
import {
  addressAttributes,
  familySpec,
  fibRuleHeader,
  ifaddrmsg,
  ifinfomsg,
  linkAttributes,
  ndmsg,
  neighbourAttributes,
  nextHopObjectAttributes,
  nhmsg,
  routeAttributes,
  rtmsg,
  ruleAttributes,
} from '@podwire/kernel/rtnetlink';
import fc from 'fast-check';
import { decodeAddress } from './address.ts';
import { decodeFdb } from './fdb.ts';
import { decodeLink } from './link.ts';
import { decodeNeighbour } from './neighbour.ts';
import { decodeNextHopObject } from './nexthop-object.ts';
import { decodeRoute, readRoute } from './route-decoding.ts';
import { decodeRule } from './rule.ts';

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

const number = fc.integer({ min: 0, max: 0xffffffff });
const headers = {
  destinationLength: fc.integer({ min: 0, max: 32 }),
  tos: fc.constantFrom(0, 0, 0, 4),
  table: fc.integer({ min: 0, max: 255 }),
  protocol: fc.integer({ min: 0, max: 255 }),
  scope: fc.constantFrom(0, 200, 253, 254, 255, 77),
  type: fc.constantFrom(0, 1, 1, 1, 2, 6, 7, 8, 9, 99),
  flags: fc.constantFrom([], [], ['onlink' as const], ['dead' as const], ['cloned' as const]),
};
const address4 = number.map((n) => ipFromBigInt(BigInt(n), 'ipv4'));
const address6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((n) => ipFromBigInt(n, 'ipv6'));
const valuesWith = (ip: fc.Arbitrary<IpAddress>) => ({
  gateway: ip,
  source: ip,
  outIndex: fc.constantFrom(1, 2, 3),
  priority: number,
  table: number,
  cacheInfo: fc.record({ expires: fc.constantFrom(0, 0, 0, 700, -5) }),
  preference: fc.constantFrom('medium' as const, 'medium' as const, 'high' as const),
  metrics: fc.constantFrom(undefined, undefined, { mtu: 1400 }),
});
const message = fc.constantFrom('ipv4' as const, 'ipv6' as const).chain((family) => {
  const ip = family === 'ipv4' ? address4 : address6;
  return fc
    .tuple(fc.record(headers), fc.record(valuesWith(ip), { requiredKeys: [] }), fc.option(ip, { nil: undefined }))
    .map(([header, values, one]) => {
      const destination = one && prefixParts(prefixOf(one, header.destinationLength)).address;
      const all = destination === undefined ? values : { ...values, destination };
      return encodeBody(rtmsg, { family, ...header }, routeAttributes, all as never);
    });
});

test('the short way of reading a route gives what the long one does', () => {
  const links = new Map([...names, [1, 'lo']]);
  let routes = 0;
  const check = (body: Buffer) => {
    const long = decodeRoute(body, links);
    assert.deepEqual(readRoute(body, links), long);
    if (long) routes++;
  };
  fc.assert(fc.property(message, check), { numRuns: 2000 });
  assert.ok(routes > 200, `only ${routes} messages were routes`);
});

const address = parseIp('192.0.2.1');
const route = (values: AttributesOf<typeof routeAttributes.rows>) =>
  encodeBody(rtmsg, { family: 'ipv4', destinationLength: 24, type: 'unicast' }, routeAttributes, values);
const link = (values: AttributesOf<typeof linkAttributes.rows>) =>
  encodeBody(ifinfomsg, { index: 2, flags: ['up', 'noArp'] }, linkAttributes, { name: 'eth0', mtu: 1400, ...values });

/** Messages of every noun with attributes within attributes, for the fuzzer to damage. */
const samples: readonly [decode: (body: Buffer) => unknown, bodies: Buffer[]][] = [
  [
    decodeLink,
    [
      link({
        mac: '02:00:00:00:00:01',
        properties: { altName: ['a', 'b'] },
        info: { kind: 'bridge', data: { rootId: {} } },
      }),
      link({ lowerIndex: 3, info: { kind: 'vxlan', data: { vni: 7, local: address, group6: parseIp('ff05::1') } } }),
      link({
        info: {
          kind: 'vlan',
          data: { id: 5, egressQos: [{ from: 1, to: 2 }] },
          portKind: 'bridge',
          portData: { cost: 2 },
        },
      }),
      link({ familySpec: encodeAttributes(familySpec, { inet6: { addressGeneration: 'none' } }) }),
      link({ info: { kind: 'veth', data: { peer: { name: 'eth1' } } } }),
    ],
  ],
  [
    (body) => readRoute(body, names),
    [
      route({ destination: address, gateway: address, outIndex: 2, metrics: { mtu: 1400, lock: ['mtu'] } }),
      route({
        multipath: [
          { index: 2, hops: 1, gateway: address },
          { via: parseIp('fd00::1'), encapType: 'ip', encap: { id: 7n } },
        ],
      }),
      route({ encapType: 'mpls', encap: { labels: Buffer.alloc(4) }, nextHopId: 7, cacheInfo: { expires: 7 } }),
    ],
  ],
  [
    (body) => decodeAddress(body, names),
    [
      encodeBody(ifaddrmsg, { family: 'ipv4', index: 2 }, addressAttributes, {
        local: address,
        lifetimes: { valid: 7 },
        label: 'eth0',
      }),
    ],
  ],
  [
    decodeRule,
    [
      encodeBody(fibRuleHeader, { family: 'ipv4', action: 'table' }, ruleAttributes, {
        from: address,
        uidRange: { start: 1, end: 2 },
      }),
    ],
  ],
  [
    (body) => decodeNextHopObject(body, names),
    [
      encodeBody(nhmsg, {}, nextHopObjectAttributes, {
        id: 1,
        group: [{ id: 2, weight: 1 }],
        resilientGroup: { buckets: 8 },
      }),
    ],
  ],
  [
    (body) => [decodeNeighbour(body, names), decodeFdb(body, names)],
    (['ipv4', 'bridge'] as const).map((family) =>
      encodeBody(ndmsg, { family, index: 2, state: ['stale'] }, neighbourAttributes, {
        destination: address,
        mac: '02:00:00:00:00:01',
      }),
    ),
  ],
];

for (const [decode, bodies] of samples)
  test(`damaged messages throw nothing but DecodeError: ${decode.name || decode}`, () => {
    for (const body of bodies) assert.notEqual(decode(body), undefined);
    fuzzDecoder(decode, { samples: bodies });
  });
