import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp } from '@podwire/base';
import type { EndpointModel } from '../model.ts';
import { slotsOf } from './slot.ts';

const endpoint = (last: number, weight?: number): EndpointModel => ({
  address: parseIp(`10.0.0.${last}`),
  port: 80,
  ready: true,
  fallback: false,
  local: false,
  maybeLocal: false,
  ...(weight && { weight }),
});
const text = (list: readonly EndpointModel[]): string => list.map(({ address }) => address.split('.')[3]).join('');

test('slots are shared by weight, and as few as it takes', () => {
  assert.equal(text(slotsOf([endpoint(1), endpoint(2)])), '12');
  assert.equal(text(slotsOf([endpoint(1, 3), endpoint(2)])), '1112');
  assert.equal(text(slotsOf([endpoint(1, 30), endpoint(2, 20)])), '11122');
  assert.equal(text(slotsOf([endpoint(1, 30), endpoint(2, 30)])), '12');
});

test('slots in turn lie apart', () => {
  assert.equal(text(slotsOf([endpoint(1, 4), endpoint(2, 2), endpoint(3)], 'round-robin')), '1213121');
});

test('while the share of an endpoint grows, others keep their slots', () => {
  const slots = (weight: number) => slotsOf([endpoint(1, 11), endpoint(2, weight), endpoint(3, 11)]);
  for (let weight = 1; weight < 10; weight++)
    assert.equal(text(slots(weight + 1)), `${text(slots(weight))}2`, `weight ${weight + 1}`);
});

test('too many slots: weights do not count', () => {
  const many = Array.from({ length: 300 }, (_, i) => endpoint(i & 255, 97 + (i % 4)));
  assert.equal(slotsOf(many).length, 300);
});

test('a Maglev table shares its places equally, and few move when an endpoint goes', () => {
  const endpoints = [1, 2, 3, 4].map((last) => endpoint(last));
  const before = slotsOf(endpoints, 'maglev');
  const after = slotsOf(endpoints.slice(0, 3), 'maglev');
  assert.deepEqual([before.length, after.length], [251, 251]);
  for (const one of endpoints) assert.ok(Math.abs(before.filter((slot) => slot === one).length - 251 / 4) < 3);
  const moved = before.filter((slot, i) => slot !== endpoints[3] && slot !== after[i]).length;
  assert.ok(moved < 25, `${moved} moved`);
});
