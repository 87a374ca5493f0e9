import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ipFromBigInt, type Prefix } from '@podwire/base';
import { ByteWriter } from '@podwire/kernel';
import fc from 'fast-check';
import { normalizeRoute, type Route } from './route.ts';
import { encodeRoute, writeRoute } from './route-encoding.ts';

const indexOf = (link: string) => link.length;
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const address = fc.integer({ min: 0, max: 0xffffffff }).map((n) => ipFromBigInt(BigInt(n), 'ipv4'));
const address6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((n) => ipFromBigInt(n, 'ipv6'));
const plain = fc
  .record({
    destination: fc.oneof(
      fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([a, length]) => `${a}/${length}` as Prefix),
      fc.tuple(address6, fc.integer({ min: 0, max: 128 })).map(([a, length]) => `${a}/${length}` as Prefix),
    ),
    via: optional(fc.oneof(address, address6)),
    link: optional(fc.constantFrom('a', 'eth0')),
    source: optional(fc.oneof(address, address6)),
    protocol: optional(fc.integer({ min: 0, max: 255 })),
    scope: optional(fc.constantFrom('global' as const, 'link' as const)),
    onlink: optional(fc.boolean()),
    table: optional(fc.integer({ min: 1, max: 0xffffffff })),
    priority: optional(fc.integer({ min: 0, max: 0xffffffff })),
    mtu: optional(fc.integer({ min: 0, max: 9000 })),
    type: optional(fc.constantFrom('unicast' as const, 'blackhole' as const, 'local' as const)),
  })
  .map((route) => Object.fromEntries(Object.entries(route).filter(([, v]) => v !== undefined)) as unknown as Route);

test('the short way of writing a route gives the bytes of the long one', () => {
  const check = (route: Route, remove: boolean) => {
    const out = new ByteWriter();
    writeRoute(out, route, { indexOf, remove });
    const long = encodeRoute(remove ? route : normalizeRoute(route), indexOf, remove);
    assert.equal(out.finish().toString('hex'), long.toString('hex'));
  };
  fc.assert(fc.property(plain, fc.boolean(), check), { numRuns: 2000 });
});

test('what is no prefix, no address or too large is refused with the name of the route', () => {
  const good = { destination: '10.0.0.0/8' as Prefix, via: '192.0.2.1' as IpAddress };
  const wrong: Partial<Route>[] = [
    { destination: '10.0.0.0/33' as Prefix },
    { destination: '10.0.0.0/08' as Prefix },
    { destination: '10.0.0.0' as Prefix, via: 'router' as IpAddress },
    { destination: '10.0.0.010/32' as Prefix },
    { destination: 'fd00::/129' as Prefix },
    { destination: 'default' as Prefix },
    { via: '192.0.2.256' as IpAddress },
    { source: '' as IpAddress },
    { protocol: 256 },
    { protocol: -1 },
    { table: 2 ** 32 },
    { priority: 1.5 },
    { type: 'nonsense' as 'unicast' },
    { scope: 'nonsense' as 'link' },
    { nextHops: [{ weight: 0 }, {}] },
    { nextHops: [{ weight: 257 }, {}] },
    { metrics: { initcwnd: -1 } },
    { mtu: Number.NaN },
    { from: '10.0.0.0/99' as Prefix },
  ];
  for (const values of wrong) {
    const route = { ...good, ...values };
    const write = () => writeRoute(new ByteWriter(), route, { indexOf, remove: false });
    assert.throws(write, { code: 'NET_BAD_VALUE' }, JSON.stringify(values));
    assert.throws(write, new RegExp(`route ${route.destination.replaceAll('.', '\\.')}`));
  }
});
