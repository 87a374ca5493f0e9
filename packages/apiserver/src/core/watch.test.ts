import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '../seam.ts';
import { selectEvent } from './watch.ts';

const object = (on: string, resourceVersion: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', labels: { on }, resourceVersion },
});
const isOn = ({ metadata }: ApiObject) => metadata.labels?.on === 'yes';

test('what ceases to match is deleted as it was when it did, with the revision of the change', () => {
  const [was, is] = [object('yes', '1'), object('no', '2')];
  const gone = selectEvent({ type: 'MODIFIED', revision: 2, object: is, previous: was }, isOn);
  assert.deepEqual(gone, { type: 'DELETED', object: object('yes', '2') });
  assert.deepEqual(was, object('yes', '1'));
  assert.equal(selectEvent({ type: 'MODIFIED', revision: 3, object: is, previous: is }, isOn), undefined);
  const back = selectEvent({ type: 'MODIFIED', revision: 4, object: was, previous: is }, isOn);
  assert.equal(back?.type, 'ADDED');
  const removed = { type: 'DELETED', revision: 5, object: object('yes', '5'), previous: was } as const;
  assert.equal(selectEvent(removed, isOn)?.object, removed.object);
});
