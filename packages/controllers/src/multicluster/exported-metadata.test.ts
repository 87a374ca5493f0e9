import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportedMetadata, importMetadata } from './exported-metadata.ts';

const NONE = { labels: {}, annotations: {} };
const metadata = { name: 'web', namespace: 'shop' };

test('an import has what is exported, until it is not, and keeps what others put there', () => {
  const own = { ...metadata, labels: { own: 'yes' } };
  assert.equal(importMetadata({ ...own, annotations: {} }, NONE), undefined);
  assert.equal(importMetadata(own, NONE), undefined);
  const first = importMetadata(own, { labels: { team: 'a' }, annotations: { note: 'x y' } });
  assert.deepEqual(first?.labels, { own: 'yes', team: 'a' });
  assert.equal(first?.annotations?.note, 'x y');
  assert.equal(first?.name, 'web');
  const edited = { ...first, annotations: { ...first?.annotations, theirs: '1' } };
  assert.equal(importMetadata(edited, { labels: { team: 'a' }, annotations: { note: 'x y' } }), undefined);
  const second = importMetadata(edited, { labels: { tier: 'web' }, annotations: {} });
  assert.deepEqual(second?.labels, { own: 'yes', tier: 'web' });
  assert.deepEqual([second?.annotations?.note, second?.annotations?.theirs], [undefined, '1']);
  const last = importMetadata(second ?? {}, NONE);
  assert.deepEqual([last?.labels, last?.annotations], [{ own: 'yes' }, { theirs: '1' }]);
});

test('what an API server would refuse, or says what an object is, is left out', () => {
  const exportedLabels = {
    ...{ team: 'a', 'example.com/tier': 'web', empty: '' },
    ...{
      'bad key': 'a',
      long: 'x'.repeat(64),
      spaced: 'a b',
      '/none': 'a',
      'a..b/dots': 'a',
      [`${'a.'.repeat(127)}a/long`]: 'a',
      'multicluster.podwire.io/managed-by': 'me',
    },
  };
  const exportedAnnotations = { note: 'any text: ü', 'multicluster.podwire.io/exported-keys': '{}' };
  assert.deepEqual(exportedMetadata({ spec: { exportedLabels, exportedAnnotations } }), {
    labels: { empty: '', 'example.com/tier': 'web', team: 'a' },
    annotations: { note: 'any text: ü' },
  });
  assert.deepEqual(exportedMetadata({}), NONE);
  const large = { exportedAnnotations: { note: 'ü'.repeat(64 * 1024), more: '' } };
  assert.deepEqual(exportedMetadata({ spec: large }), NONE);
  const spoilt = { ...metadata, annotations: { 'multicluster.podwire.io/exported-keys': 'nonsense' } };
  assert.deepEqual(importMetadata(spoilt, NONE)?.annotations, {});
});
