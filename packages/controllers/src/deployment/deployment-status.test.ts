import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { deploymentStatus, nextLook } from './deployment-status.ts';

type Deployment = ObjectOf<'Deployment'>;
type Status = NonNullable<Deployment['status']>;

const START = Date.parse('2026-01-01T00:00:00Z');
const deployment = (status: Status | undefined, spec: object = {}): Deployment => ({
  metadata: { name: 'web' },
  spec: { replicas: 4, selector: {}, template: {}, progressDeadlineSeconds: 60, ...spec },
  ...(status ? { status } : {}),
});
const set = (name: string, replicas: number, ready: number): ObjectOf<'ReplicaSet'> => ({
  metadata: { name },
  spec: { replicas, selector: {} },
  status: { replicas, readyReplicas: ready, availableReplicas: ready },
});

/** The status `seconds` after the start, following on the one before. */
function at(seconds: number, before: Status | undefined, fresh = set('new', 1, 0), spec: object = {}): Status {
  const [present, now] = [deployment(before, spec), START + seconds * 1000];
  return deploymentStatus({ deployment: present, fresh, sets: [set('old', 3, 3), fresh], now });
}
const progress = ({ conditions }: Status) => {
  const { status, reason, lastUpdateTime } = conditions?.find(({ type }) => type === 'Progressing') ?? {};
  return [status, reason, String(lastUpdateTime).slice(14, 19)];
};

test('a rollout without progress fails at its deadline; progress starts the deadline anew', () => {
  const first = at(0, undefined);
  assert.deepEqual(progress(first), ['True', 'ReplicaSetUpdated', '00:00']);
  assert.equal(nextLook(deployment(first), first, START + 20_000), 40_000);
  assert.deepEqual(at(59, first), first, 'nothing is written while nothing changes');
  const further = at(50, first, set('new', 1, 1));
  assert.deepEqual(progress(further), ['True', 'ReplicaSetUpdated', '00:50']);
  assert.deepEqual(at(109, further, set('new', 1, 1)), further);
  const late = at(110, further, set('new', 1, 1));
  assert.deepEqual(progress(late), ['False', 'ProgressDeadlineExceeded', '01:50']);
  assert.equal(nextLook(deployment(late), late, START + 110_000), undefined);
  assert.deepEqual(at(500, late, set('new', 1, 1)), late, 'stays failed');
  assert.deepEqual(progress(at(600, late, set('new', 2, 1))), ['True', 'ReplicaSetUpdated', '10:00']);
  assert.deepEqual(progress(at(600, late, set('newer', 1, 1))), ['True', 'ReplicaSetUpdated', '10:00']);
});

test('a paused rollout and one without a deadline do not fail; a resumed one has the whole time', () => {
  const first = at(0, undefined);
  const paused = at(1000, first, set('new', 1, 0), { paused: true });
  assert.deepEqual(progress(paused), ['Unknown', 'DeploymentPaused', '16:40']);
  assert.deepEqual(progress(at(2000, paused)), ['True', 'ReplicaSetUpdated', '33:20']);
  const endless = { progressDeadlineSeconds: 2_147_483_647 };
  assert.deepEqual(at(1e9, first, set('new', 1, 0), endless), first);
  assert.equal(nextLook(deployment(first, endless), first, START), undefined);
  const month = nextLook(deployment(first, { progressDeadlineSeconds: 2_600_000 }), first, START);
  assert.ok(month !== undefined && month < 2 ** 31, 'no longer than a timer can wait');
});

test('a rollout that was complete stays so when pods fail later', () => {
  const of = (ready: number, seconds: number, before?: Status): Status => {
    const fresh = set('new', 4, ready);
    return deploymentStatus({ deployment: deployment(before), fresh, sets: [fresh], now: START + seconds * 1000 });
  };
  const complete = of(4, 0);
  assert.deepEqual(progress(complete), ['True', 'NewReplicaSetAvailable', '00:00']);
  const broken = of(1, 1000, complete);
  assert.deepEqual(progress(broken), progress(complete));
  assert.equal(broken.conditions?.find(({ type }) => type === 'Available')?.status, 'False');
});
