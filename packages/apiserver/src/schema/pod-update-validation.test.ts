import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkObject, wrongWith } from '../testing/check-object.ts';

const OLD = {
  containers: [{ name: 'c', image: 'one' }],
  tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute' }],
  activeDeadlineSeconds: 60,
};

/** What is wrong when these fields of a stored pod change. */
function changed(more: object, before: object = {}): readonly string[] {
  const { object } = checkObject('Pod', { spec: { ...OLD, ...before } });
  const { spec } = checkObject('Pod', { spec: { ...OLD, ...before, ...more } }).object;
  return wrongWith('Pod', { spec: { ...(spec as object), ...more } }, object);
}

test('of the spec of a pod images, deadlines and more tolerations may change', () => {
  const [first] = OLD.tolerations;
  assert.deepEqual(changed({ containers: [{ name: 'c', image: 'two' }], activeDeadlineSeconds: 30 }), []);
  assert.deepEqual(
    changed({
      tolerations: [
        { ...first, tolerationSeconds: 5 },
        { key: 'b', operator: 'Exists' },
      ],
    }),
    [],
  );
  assert.deepEqual(changed({ tolerations: [] }), [
    'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
  ]);
  assert.deepEqual(changed({ activeDeadlineSeconds: 61 }), [
    'spec.activeDeadlineSeconds: Invalid value: 61: must be less than or equal to previous value',
  ]);
  const others = [{ nodeName: 'node-1' }, { hostNetwork: true }, { nodeSelector: { a: 'b' } }];
  for (const more of [...others, { terminationGracePeriodSeconds: 1 }]) {
    const [message, ...rest] = changed(more);
    assert.match(message ?? '', /^spec: Forbidden: pod updates may not change fields other than `spec.containers/);
    assert.deepEqual(rest, []);
  }
  assert.deepEqual(changed({ containers: [...OLD.containers, { name: 'd', image: 'i' }] }), [
    'spec.containers: Forbidden: pod updates may not add or remove containers',
  ]);
});

test('gates may go, and while there are some the choice of nodes may become smaller', () => {
  const gated = { schedulingGates: [{ name: 'g' }], nodeSelector: { a: 'b' } };
  assert.deepEqual(changed({ schedulingGates: undefined }, gated), []);
  assert.deepEqual(changed({ nodeSelector: { a: 'b', c: 'd' } }, gated), []);
  assert.deepEqual(changed({ nodeSelector: {} }, gated), [
    'spec.nodeSelector: Invalid value: {}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
  ]);
  assert.deepEqual(changed({ schedulingGates: [{ name: 'h' }] }, gated), [
    "spec.schedulingGates[0]: Forbidden: only deletion is allowed, but found new scheduling gate 'h'",
  ]);
  const affinity = (...matchExpressions: object[]) => ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
  });
  const here = { key: 'a', operator: 'Exists' };
  const narrow = { ...gated, affinity: affinity(here) };
  assert.deepEqual(changed({ affinity: affinity(here, { key: 'b', operator: 'Exists' }) }, narrow), []);
  assert.equal(changed({ affinity: affinity({ key: 'b', operator: 'Exists' }) }, narrow).length, 1);
});
