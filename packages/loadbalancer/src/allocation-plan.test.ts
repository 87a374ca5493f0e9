import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress, Prefix } from '@podwire/base';
import fc from 'fast-check';
import { addressRequest } from './address-request.ts';
import { planAllocation } from './allocation-plan.ts';
import type { Claimant } from './model.ts';

const pools = ['172.30.0.192/30', '10.9.0.254/31'] as Prefix[];
const claimant = (service: string, rest: Partial<Claimant> = {}): Claimant => ({
  service,
  created: '2026-01-01T00:00:00Z',
  request: { kind: 'any' },
  ...rest,
});
const asks = (address: string): Partial<Claimant> => ({ request: { kind: 'one', address: address as IpAddress } });
const has = (address: string): Partial<Claimant> => ({ current: address as IpAddress });
const given = (services: readonly Claimant[]) => Object.fromEntries(planAllocation({ pools, services }).addresses);
const refused = (services: readonly Claimant[]) =>
  Object.fromEntries([...planAllocation({ pools, services }).refusals].map(([name, { reason }]) => [name, reason]));

test('the lowest free address, pools in order, without .0 and .255', () => {
  const services = ['a', 'b', 'c', 'd', 'e'].map((name) => claimant(name));
  assert.deepEqual(given(services), {
    a: '172.30.0.192',
    b: '172.30.0.193',
    c: '172.30.0.194',
    d: '172.30.0.195',
    e: '10.9.0.254',
  });
  assert.deepEqual(refused([...services, claimant('f')]), { f: 'AddressPoolExhausted' });
});

test('what the status says is kept, against anybody who only asks for it', () => {
  assert.deepEqual(given([claimant('a', asks('172.30.0.193')), claimant('b', has('172.30.0.193'))]), {
    b: '172.30.0.193',
  });
  assert.deepEqual(refused([claimant('a', asks('172.30.0.193')), claimant('b', has('172.30.0.193'))]), {
    a: 'AddressInUse',
  });
});

test('of two services with one address in the status the older keeps it', () => {
  const older = claimant('z', { ...has('172.30.0.194'), created: '2025-01-01T00:00:00Z' });
  assert.deepEqual(given([claimant('a', has('172.30.0.194')), older]), { z: '172.30.0.194', a: '172.30.0.192' });
});

test('a request moves a service; one outside the pools or without sense is refused', () => {
  assert.deepEqual(given([claimant('a', { ...has('172.30.0.192'), ...asks('172.30.0.195') })]), { a: '172.30.0.195' });
  assert.deepEqual(
    refused([claimant('a', asks('8.8.8.8')), claimant('b', { request: { kind: 'unreadable', text: '010.0.0.1' } })]),
    {
      a: 'AddressNotInPool',
      b: 'AddressUnreadable',
    },
  );
});

test('an address outside the pools, left by an older configuration, is replaced', () => {
  assert.deepEqual(given([claimant('a', has('192.0.2.1'))]), { a: '172.30.0.192' });
});

test('nobody shares, everybody keeps, and the order of objects does not matter', () => {
  const one = fc.record({
    holds: fc.option(fc.integer({ min: 192, max: 197 })),
    wants: fc.option(fc.integer({ min: 192, max: 197 })),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 8 }), (rows) => {
      const services = rows.map(({ holds, wants }, i) =>
        claimant(`s${i}`, { ...(holds && has(`172.30.0.${holds}`)), ...(wants && asks(`172.30.0.${wants}`)) }),
      );
      const { addresses, refusals } = planAllocation({ pools, services });
      assert.equal(new Set(addresses.values()).size, addresses.size);
      assert.equal(addresses.size + refusals.size, services.length);
      assert.deepEqual(planAllocation({ pools, services: services.toReversed() }), { addresses, refusals });
      const settled = services.map((service) => {
        const current = addresses.get(service.service);
        return current ? { ...service, current } : service;
      });
      assert.deepEqual(planAllocation({ pools, services: settled }).addresses, addresses);
    }),
  );
});

test('a request is read from annotations, then from spec.loadBalancerIP', () => {
  const service = (annotations: Record<string, string>, loadBalancerIP?: string) =>
    addressRequest({ metadata: { annotations }, spec: { ...(loadBalancerIP && { loadBalancerIP }) } });
  assert.deepEqual(service({}), { kind: 'any' });
  assert.deepEqual(service({}, '10.0.0.1'), { kind: 'one', address: '10.0.0.1' });
  assert.deepEqual(service({ 'metallb.io/loadBalancerIPs': '10.0.0.2, fd00::2' }, '10.0.0.1'), {
    kind: 'one',
    address: '10.0.0.2',
  });
  assert.deepEqual(service({ 'podwire.io/load-balancer-ips': '010.0.0.1' }), { kind: 'unreadable', text: '010.0.0.1' });
});
