import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  listOf,
  mapping,
  notation,
  oneOf,
  pairOf,
  readSettings,
  recordOf,
  textLike,
  wholeNumber,
  yesOrNo,
} from './settings.ts';

const even = notation((text) => (Number(text) % 2 === 0 ? Number(text) : undefined), 'not even');
const place = recordOf<{ x: number; y: number }>({ x: wholeNumber(0, 9), y: wholeNumber(0, 9) });
const TABLE = {
  even: [even, 0],
  evens: [listOf(even, 1), [2]],
  colour: [oneOf(['red', 'green']), 'red'],
  isOn: [yesOrNo, true],
  pair: [pairOf(wholeNumber(1, 3)), [1, 2]],
  name: [textLike(/^[a-z]+$/, 'not a name'), 'a'],
  places: [listOf(place), []],
  rest: [mapping, {}],
} as const;
const read = (input: unknown) => readSettings<Record<keyof typeof TABLE, unknown>>(TABLE, input);
const faultsOf = (input: unknown): string[] =>
  read(input).faults.map(({ path, message }) => `${path.join('.')}: ${message}`);

test('settings are what is said, or what they are unset', () => {
  const unset = { even: 0, evens: [2], colour: 'red', isOn: true, pair: [1, 2], name: 'a', places: [], rest: {} };
  assert.deepEqual(read({}), { settings: unset, faults: [] });
  assert.deepEqual(read({ name: undefined }), { settings: unset, faults: [] });
  const said = { colour: 'green', isOn: false, pair: [3, 1], name: 'b', places: [{ x: 1, y: 2 }], rest: { a: 1 } };
  const { settings, faults } = read({ ...said, even: '4', evens: ['6', '8'] });
  assert.deepEqual([settings, faults], [{ ...said, even: 4, evens: [6, 8] }, []]);
});

test('each fault has its path, and what is wrong counts as unset', () => {
  const wrong = {
    ...{ even: '3', evens: [], colour: 'blue', isOn: 'yes', pair: [1], name: 'A', rest: [] },
    places: [{ x: 1, y: 2 }, { x: 10, y: 1 }, { x: 1 }, { x: 1, y: 2, z: 3 }, 'here'],
  };
  assert.deepEqual(faultsOf(wrong), [
    'even: not even',
    'evens: not a list of at least 1',
    'colour: not one of red, green',
    'isOn: not true or false',
    'pair: not a list of two',
    'name: not a name',
    'places.1.x: not a whole number from 0 to 9',
    'places.2.y: not a whole number from 0 to 9',
    'places.3.z: no such setting',
    'places.4: not a mapping of names to values',
    'rest: not a mapping of names to values',
  ]);
  const { even: first, evens, pair } = read(wrong).settings;
  assert.deepEqual([first, evens, pair], [0, [2], [1, 2]]);
  assert.deepEqual(faultsOf({ pair: [1, 4], evens: 'x', even: 4 }), [
    'even: not even',
    'evens: not a list',
    'pair.1: not a whole number from 1 to 3',
  ]);
});

test('names nobody knows are told, also those that every object has', () => {
  assert.deepEqual(faultsOf({ size: 1 }), ['size: no such setting']);
  assert.deepEqual(faultsOf(JSON.parse('{"__proto__":1,"toString":2}')), [
    '__proto__: no such setting',
    'toString: no such setting',
  ]);
  for (const input of ['even', 7, [], null]) assert.deepEqual(faultsOf(input), [': not a mapping of names to values']);
});
