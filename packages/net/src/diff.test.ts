import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress, Prefix } from '@podwire/base';
import { diffAddresses, diffFdb, diffNeighbours } from './diff.ts';
import { normalizeRoute, type Route } from './route.ts';
import { diffRoutes } from './route-diff.ts';

const ip = (text: string) => text as IpAddress;
const route = (destination: string, rest: Partial<Route> = {}): Route => ({
  destination: destination as Prefix,
  protocol: 112,
  ...rest,
});

test('a route as written equals the same route as observed', () => {
  const desired = [route('10.0.0.0/24', { via: ip('192.0.2.1') }), route('10.0.1.1/32', { link: 'pwp1' })];
  const observed = desired.map((r) => ({ ...normalizeRoute(r), ...(r.via && { via: r.via }) }));
  assert.deepEqual(diffRoutes(desired, observed), { add: [], remove: [] });
  assert.deepEqual(normalizeRoute(desired[1] as Route), { ...desired[1], scope: 'link', table: 254, type: 'unicast' });
});

test('defaults of scope follow ip-route(8)', () => {
  const scope = (r: Route) => normalizeRoute(r).scope;
  assert.equal(scope(route('10.0.0.0/8', { via: ip('192.0.2.1') })), 'global');
  assert.equal(scope(route('10.0.0.0/8', { link: 'eth0' })), 'link');
  assert.equal(scope(route('10.0.0.1/32', { type: 'local' })), 'host');
  assert.equal(scope(route('10.0.0.0/8', { type: 'blackhole' })), 'global');
  assert.equal(scope(route('fd00::/8', { link: 'eth0' })), 'global');
});

test('another next hop replaces, another destination removes', () => {
  const observed = [route('10.0.0.0/24', { via: ip('192.0.2.1') }), route('10.0.1.0/24', { via: ip('192.0.2.1') })];
  const desired = [route('10.0.0.0/24', { via: ip('192.0.2.2') })];
  assert.deepEqual(diffRoutes(desired, observed), { add: desired, remove: [observed[1]] });
  const otherTable = [route('10.0.0.0/24', { via: ip('192.0.2.1'), table: 100 })];
  assert.deepEqual(diffRoutes(otherTable, observed), { add: otherTable, remove: observed });
});

test('neighbours: case of the MAC does not matter, proxies are entries of their own', () => {
  const one = { link: 'eth0', address: ip('10.0.0.1'), mac: 'EE:EE:EE:EE:EE:EE' };
  const observed = [{ ...one, mac: 'ee:ee:ee:ee:ee:ee', state: 'permanent' as const }];
  assert.deepEqual(diffNeighbours([one], observed), { add: [], remove: [] });
  assert.deepEqual(diffNeighbours([one], [{ ...one, state: 'stale' }]).add, [one]);
  const proxy = { link: 'eth0', address: ip('10.0.0.1'), proxy: true };
  assert.deepEqual(diffNeighbours([one, proxy], observed), { add: [proxy], remove: [] });
});

test('fdb: one destination per MAC, many for the all-zero one', () => {
  const entry = (mac: string, destination: string) => ({ link: 'pwf0', mac, destination: ip(destination) });
  const known = entry('02:00:00:00:00:01', '192.0.2.1');
  const moved = entry('02:00:00:00:00:01', '192.0.2.2');
  assert.deepEqual(diffFdb([moved], [known]), { add: [moved], remove: [] });
  const flood = [entry('00:00:00:00:00:00', '192.0.2.1'), entry('00:00:00:00:00:00', '192.0.2.2')];
  assert.deepEqual(diffFdb(flood.slice(1), flood.slice(0, 1)), { add: flood.slice(1), remove: flood.slice(0, 1) });
});

test('addresses are told apart by link, address and length', () => {
  const address = { link: 'lo', address: ip('10.96.0.10'), prefixLength: 32 };
  assert.deepEqual(diffAddresses([address], [{ ...address, scope: 'global', protocol: 0 }]), { add: [], remove: [] });
  const wider = { ...address, prefixLength: 24 };
  assert.deepEqual(diffAddresses([wider], [address]), { add: [wider], remove: [address] });
});
