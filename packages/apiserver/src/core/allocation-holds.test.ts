import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AllocationHolds } from './allocation-holds.ts';
import { NodePorts } from './node-ports.ts';

test('what is held is let go once, and survives that all bookings are forgotten', () => {
  const ports = new NodePorts([30000, 30009], () => 0);
  const holds = new AllocationHolds(ports);
  const [one, two] = [30000, 30001].map((port) => holds.add({ addresses: [`10.0.0.${port - 30000}`], ports: [port] }));
  assert.deepEqual([holds.has('10.0.0.0'), holds.has('10.0.0.2')], [true, false]);
  ports.clear();
  holds.book();
  const why = 'provided port is already allocated';
  assert.deepEqual([ports.refusal(30000, 'a/b'), ports.refusal(30001, 'a/b')], [why, why]);
  one?.();
  assert.deepEqual([ports.refusal(30000, 'a/b'), holds.has('10.0.0.0')], [undefined, false]);
  ports.book('a/b', [30000]);
  one?.();
  two?.();
  assert.deepEqual([ports.refusal(30000, 'c/d'), ports.refusal(30001, 'c/d')], [why, undefined]);
});
