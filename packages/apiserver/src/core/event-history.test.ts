import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '../seam.ts';
import { EventHistory, type StoreEvent } from './event-history.ts';

const object = (data: string): ApiObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data });
const change = (revision: number, previous: ApiObject | undefined, next: ApiObject): StoreEvent => {
  return { type: 'MODIFIED', revision, object: next, previous };
};
const revisions = (history: EventHistory, after: number, limit?: number) =>
  history.after(after, limit).map(({ revision }) => revision);

test('keeps the newest events and says what it forgot', () => {
  const history = new EventHistory({ kept: 3 });
  const same = object('x');
  for (let revision = 1; revision <= 4; revision++) history.push(change(revision, same, same));
  assert.deepEqual([history.forgotten, revisions(history, 0)], [0, [1, 2, 3, 4]]);
  for (let revision = 5; revision <= 6; revision++) history.push(change(revision, same, same));
  assert.deepEqual([history.forgotten, revisions(history, 2)], [2, [3, 4, 5, 6]]);
  history.push(change(7, same, same));
  assert.deepEqual([history.forgotten, revisions(history, 4)], [4, [5, 6, 7]]);
  assert.deepEqual([revisions(history, 5, 1), revisions(history, 7)], [[6], []]);
});

test('large pasts are forgotten sooner; what they share with the present does not count', () => {
  const history = new EventHistory({ kept: 1000, maxBytes: 100_000 });
  const big = 'x'.repeat(30_000);
  for (let revision = 1; revision <= 4; revision++)
    history.push(change(revision, object(`${big}${revision}`), object('')));
  assert.deepEqual([history.forgotten, revisions(history, 0)], [3, [4]]);
  history.push({ type: 'DELETED', revision: 5, object: object(`${big}${big}${big}${big}`), previous: undefined });
  assert.deepEqual([history.forgotten, revisions(history, 0)], [4, [5]]);
  const sharing = new EventHistory({ kept: 1000, maxBytes: 100_000 });
  const data = { big };
  for (let revision = 1; revision <= 100; revision++)
    sharing.push(change(revision, { ...object(''), data }, { ...object(''), data }));
  assert.equal(sharing.forgotten, 0);
});

test('events of objects with a value are read without the others, also where it changes', () => {
  const history = new EventHistory({ kept: 3 }, ({ data }) => String(data));
  const [a, b] = [object('a'), object('b')];
  history.push({ type: 'ADDED', revision: 1, object: a, previous: undefined });
  history.push(change(2, a, b));
  history.push({ type: 'DELETED', revision: 3, object: b, previous: b });
  const of = (value: string) => history.after(0, 10, value).map(({ revision }) => revision);
  assert.deepEqual([of('a'), of('b'), of('c')], [[1, 2], [2, 3], []]);
  for (let revision = 4; revision <= 7; revision++) history.push(change(revision, b, b));
  assert.deepEqual([history.forgotten, of('a'), of('b')], [4, [], [5, 6, 7]]);
});
