import assert from 'node:assert/strict';
import test from 'node:test';
import { assertExpected } from './kernel-expect.fixture.ts';
import { probe } from './probe.ts';

test('features that many machines lack are in the guest, with modules loaded on demand', () => {
  for (const name of ['dummy', 'ipip', 'gre', 'wireguard', 'vlan', 'ipvlan'] as const)
    assert.deepEqual(probe(name), { outcome: 'yes' }, name);
});

test('the guest has what tools/kernel-expect.json lists for it', () => {
  assertExpected('guest');
});
