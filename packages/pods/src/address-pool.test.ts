import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IpAddress } from '@podwire/base';
import { parseIp, parsePrefix } from '@podwire/base';
import fc from 'fast-check';
import { createAddressPool, gatewayOf } from './address-pool.ts';

const SMALL = parsePrefix('10.244.1.0/28');

describe('address pool', () => {
  test('never hands out network, gateway or broadcast, and all others exactly once', () => {
    const pool = createAddressPool(SMALL);
    const got = Array.from({ length: 13 }, () => pool.allocate('x'));
    assert.deepEqual(
      got,
      Array.from({ length: 13 }, (_, i) => `10.244.1.${i + 2}`),
    );
    assert.equal(pool.allocate('x'), undefined);
    assert.deepEqual(pool.facts(), { prefix: SMALL, total: 13, used: 13 });
    assert.equal(gatewayOf(SMALL), '10.244.1.1');
  });

  test('a requested address is granted when free, otherwise its holder is named', () => {
    const pool = createAddressPool(SMALL);
    assert.deepEqual(pool.claim(parseIp('10.244.1.5'), 'a'), { kind: 'granted' });
    assert.deepEqual(pool.claim(parseIp('10.244.1.5'), 'b'), { kind: 'held', by: 'a' });
    for (const outside of ['10.244.1.0', '10.244.1.1', '10.244.1.15', '10.244.1.16', 'fd00::5'])
      assert.deepEqual(pool.claim(parseIp(outside), 'b'), { kind: 'outside' }, outside);
  });

  test('prefixes too small for a pod are empty pools', () => {
    for (const tiny of ['10.0.0.0/32', '10.0.0.0/31', '10.0.0.4/30']) {
      const pool = createAddressPool(parsePrefix(tiny));
      assert.equal(pool.allocate('a'), tiny.endsWith('/30') ? '10.0.0.6' : undefined);
      assert.equal(pool.allocate('b'), undefined);
    }
  });

  test('the order of release survives a restart', () => {
    const pool = createAddressPool(SMALL);
    const all = Array.from({ length: 13 }, () => pool.allocate('x') as IpAddress);
    for (const address of [all[4], all[2], all[9]]) pool.release(address as IpAddress);
    const next = createAddressPool(SMALL, pool.released());
    for (const address of all) if (![4, 2, 9].includes(all.indexOf(address))) next.claim(address, 'x');
    assert.deepEqual([next.allocate('y'), next.allocate('y'), next.allocate('y')], [all[4], all[2], all[9]]);
  });

  test('any history: unique, in range, and reused last', () => {
    const step = fc.oneof(
      fc.record({ op: fc.constant('allocate' as const), n: fc.nat(20) }),
      fc.record({ op: fc.constant('release' as const), n: fc.nat(20) }),
      fc.record({ op: fc.constant('claim' as const), n: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pool = createAddressPool(SMALL);
        const held = new Set<IpAddress>();
        const releasedAt = new Map<IpAddress, number>();
        for (const [time, { op, n }] of steps.entries()) {
          if (op === 'release') {
            const address = [...held][n % Math.max(1, held.size)];
            if (!address) continue;
            pool.release(address);
            held.delete(address);
            releasedAt.set(address, time);
          } else {
            const asked = parseIp(`10.244.1.${n}`);
            const address =
              op === 'allocate' ? pool.allocate('h') : pool.claim(asked, 'h').kind === 'granted' ? asked : undefined;
            if (op === 'allocate') assert.equal(address === undefined, held.size === 13);
            if (!address) continue;
            assert.ok(!held.has(address) && !/\.(0|1|15)$/.test(address));
            if (op === 'allocate' && releasedAt.has(address)) {
              const free = Array.from({ length: 13 }, (_, i) => parseIp(`10.244.1.${i + 2}`)).filter(
                (a) => !held.has(a),
              );
              for (const other of free)
                assert.ok((releasedAt.get(other) ?? -1) >= (releasedAt.get(address) ?? -1), `${other} first`);
            }
            held.add(address);
          }
          assert.equal(pool.facts().used, held.size);
        }
      }),
    );
  });
});
