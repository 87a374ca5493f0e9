import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp } from '@podwire/base';
import type { EndpointModel } from '../model.ts';
import { Balancer } from './balancer.ts';

const endpoint = (last: number, weight?: number): EndpointModel => ({
  address: parseIp(`10.0.0.${last}`),
  port: 80,
  ready: true,
  fallback: false,
  local: true,
  maybeLocal: true,
  ...(weight && { weight }),
});
const last = (one: EndpointModel | undefined): number => Number(one?.address.split('.')[3]);
const first = (balancer: Balancer, client = 'c', now?: number): number => last([...balancer.choose(client, now)][0]);
const three = { endpoints: [1, 2, 3].map((n) => endpoint(n)), affinitySeconds: 0 };
const times = (count: number, fn: () => number): number[] => Array.from({ length: count }, fn);

test('in turn, and each choice holds every endpoint once', () => {
  const balancer = new Balancer(three);
  assert.deepEqual([...balancer.choose('c')].map(last), [1, 2, 3]);
  assert.deepEqual([...balancer.choose('c')].map(last), [2, 3, 1]);
  assert.deepEqual(
    times(4, () => first(balancer)),
    [3, 1, 2, 3],
  );
});

test('weights are turns; a choice still holds every endpoint once', () => {
  const balancer = new Balancer({ endpoints: [endpoint(1, 6), endpoint(2, 2)], affinitySeconds: 0 });
  assert.deepEqual(times(8, () => first(balancer)).sort(), [1, 1, 1, 1, 1, 1, 2, 2]);
  assert.deepEqual([...balancer.choose('c')].map(last).sort(), [1, 2]);
});

test('turns go on when endpoints come and go, down to none', () => {
  const balancer = new Balancer(three);
  times(2, () => first(balancer));
  balancer.update({ ...three, endpoints: [] });
  assert.deepEqual([...balancer.choose('c')], []);
  balancer.update({ ...three, endpoints: [endpoint(7)] });
  assert.equal(first(balancer), 7);
});

test('affinity: a client stays with who answered, for its time, while that exists', () => {
  const plan = { ...three, affinitySeconds: 10 };
  const balancer = new Balancer(plan);
  const [, second] = plan.endpoints;
  assert.ok(second);
  balancer.answered('c', second, 0);
  assert.deepEqual([...balancer.choose('c', 9_999)].map(last), [2, 1, 3]);
  assert.equal(first(balancer, 'other', 9_999), 2);
  assert.equal(first(balancer, 'other', 9_999), 3);
  assert.equal(first(balancer, 'c', 10_000), 1);
  balancer.answered('c', second, 0);
  balancer.update({ ...plan, endpoints: [endpoint(1), endpoint(3)] });
  assert.notEqual(first(balancer, 'c', 1), 2);
  balancer.update(plan);
  assert.equal(first(balancer, 'c', 1), 2);
  balancer.update(three);
  balancer.update(plan);
  assert.deepEqual(new Set(times(3, () => first(balancer, 'c', 1))), new Set([1, 2, 3]));
});

test('affinity remembers a bounded number of clients, the latest', () => {
  const balancer = new Balancer({ ...three, affinitySeconds: 1000 });
  const [, , third] = three.endpoints;
  assert.ok(third);
  for (let i = 0; i <= 1 << 16; i++) balancer.answered(`c${i}`, third, i === 0 ? 0 : 1);
  const others = times(6, () => first(balancer, 'c0', 2));
  assert.ok(others.includes(1));
  assert.deepEqual(new Set(times(6, () => first(balancer, 'c1', 2))), new Set([3]));
});

test('least connections, in proportion to weight; of equals the next in turn', () => {
  const balancer = new Balancer({ ...three, balance: 'least-connections' });
  const use = (): number => {
    const [chosen] = balancer.choose('c');
    assert.ok(chosen);
    balancer.count(chosen, 1);
    return last(chosen);
  };
  assert.deepEqual(times(6, use).sort(), [1, 1, 2, 2, 3, 3]);
  balancer.count(endpoint(2), -1);
  assert.equal(use(), 2);
  const weighted = new Balancer({
    endpoints: [endpoint(1, 3), endpoint(2, 1)],
    affinitySeconds: 0,
    balance: 'least-connections',
  });
  const counts = { 1: 0, 2: 0 };
  for (let i = 0; i < 40; i++) {
    const [chosen] = weighted.choose('c');
    assert.ok(chosen);
    weighted.count(chosen, 1);
    counts[last(chosen) as 1 | 2]++;
  }
  assert.deepEqual(counts, { 1: 30, 2: 10 });
});

test('source-hash: the same client, the same endpoint; all have clients', () => {
  const balancer = new Balancer({ ...three, balance: 'source-hash' });
  const seen = new Set<number>();
  for (let i = 0; i < 60; i++) {
    const chosen = first(balancer, `10.1.0.${i}`);
    assert.equal(first(balancer, `10.1.0.${i}`), chosen);
    seen.add(chosen);
  }
  assert.equal(seen.size, 3);
});

test('random: every endpoint gets its share', () => {
  const balancer = new Balancer({ ...three, balance: 'random' });
  const counts = new Map<number, number>();
  for (let i = 0; i < 3000; i++) {
    const chosen = first(balancer);
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  // less than 800 of 3000 draws of 1/3 is 7 standard deviations away
  assert.ok(
    [1, 2, 3].every((n) => (counts.get(n) ?? 0) > 800),
    JSON.stringify([...counts]),
  );
});

test('maglev: most clients keep their endpoint when another goes', () => {
  const plan = { endpoints: [1, 2, 3, 4, 5].map((n) => endpoint(n)), affinitySeconds: 0, balance: 'maglev' as const };
  const balancer = new Balancer(plan);
  const clients = Array.from({ length: 500 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const before = clients.map((client) => first(balancer, client));
  balancer.update({ ...plan, endpoints: plan.endpoints.slice(0, 4) });
  const moved = clients.filter((client, i) => before[i] !== 5 && first(balancer, client) !== before[i]);
  assert.ok(moved.length < 50, `${moved.length} of 500 moved`);
  assert.equal(new Set(before).size, 5);
});
