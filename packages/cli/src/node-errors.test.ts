import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorLines, limitLines } from './node-errors.ts';

const node = (name: string, errors: Record<string, string[]>) => ({
  node: name,
  rooms: Object.entries(errors).map(([room, list]) => ({ room, ready: true, errors: list, facts: {} })),
});

test('limits are told apart', () => {
  const [one] = [node('a', { services: ['wrong'] })];
  const limited = { ...one, rooms: one.rooms.map((room) => ({ ...room, limits: ['not here'] })) };
  assert.deepEqual([errorLines([limited]), limitLines([limited])], [['a services: wrong'], ['a services: not here']]);
  assert.deepEqual(limitLines([one]), []);
});

test('what several nodes have is one line', () => {
  const nodes = [
    node('a', { fabric: ['one'], services: ['two', 'three'] }),
    node('b', { fabric: [], services: ['two', 'three'] }),
    node('c', { fabric: [], services: ['two'] }),
  ];
  assert.deepEqual(errorLines(nodes), ['a fabric: one', 'all nodes services: two', 'a, b services: three']);
  assert.deepEqual(errorLines(nodes, 'services'), ['all nodes services: two', 'a, b services: three']);
  assert.deepEqual(errorLines(nodes.slice(0, 1), 'fabric'), ['a fabric: one'], 'of one node its name says more');
});
