import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespaceConditions } from './namespace-conditions.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const held = { metadata: { finalizers: ['example.com/hold'] } };

test('a namespace says what is left in it and what holds that, and when it changed', () => {
  const left = [
    { resource: 'pods.', objects: [{}, held] },
    { resource: 'deployments.apps', objects: [held] },
  ];
  const first = namespaceConditions([], left, NOW) ?? [];
  assert.deepEqual(
    first.map(({ type, status }) => `${type} ${status}`),
    [
      'NamespaceDeletionDiscoveryFailure False',
      'NamespaceDeletionGroupVersionParsingFailure False',
      'NamespaceDeletionContentFailure False',
      'NamespaceContentRemaining True',
      'NamespaceFinalizersRemaining True',
    ],
  );
  assert.deepEqual(
    first.slice(3).map(({ reason, message }) => `${reason}: ${message}`),
    [
      'SomeResourcesRemain: Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances',
      'SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances',
    ],
  );
  assert.equal(namespaceConditions(first, left, NOW + 5000), undefined);
  const [, , , content, finalizer] =
    namespaceConditions(first, [{ resource: 'pods.', objects: [{}] }], NOW + 5000) ?? [];
  assert.deepEqual(
    [content?.lastTransitionTime, finalizer?.lastTransitionTime, finalizer?.reason],
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:05Z', 'ContentHasNoFinalizers'],
  );
  const own = { type: 'example.com/mine', status: 'True' };
  assert.deepEqual(namespaceConditions([own], left, NOW)?.[0], own);
});
