import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandAs, userOf } from './container-user.ts';

const podOf = (securityContext: object) => ({
  metadata: { name: 'p', namespace: 'n', uid: 'u' },
  spec: { containers: [], securityContext },
});

test('what the container says counts before what the pod says', () => {
  const pod = podOf({ runAsUser: 7, runAsGroup: 8 });
  assert.deepEqual(userOf(pod, { name: 'c' }), { uid: 7, gid: 8 });
  assert.deepEqual(userOf(pod, { name: 'c', securityContext: { runAsUser: 0 } }), { uid: 0, gid: 8 });
  assert.deepEqual(userOf(podOf({}), { name: 'c' }), {});
});

test('groups are those of the pod and of its volumes, once each', () => {
  const user = userOf(podOf({ fsGroup: 2000, supplementalGroups: [3000, 2000], runAsUser: 7 }), { name: 'c' });
  assert.deepEqual(user, { uid: 7, groups: [3000, 2000] });
  const command = ['setpriv', '--reuid=7', '--regid=0', '--groups=3000,2000', '--', 'id', '-G'];
  assert.deepEqual(commandAs(user, ['id', '-G']), command);
});

const IMAGE_OF_ROOT = 'container has runAsNonRoot and image will run as root (pod: "p_n(u)", container: c)';

test('root that must not be root is refused', () => {
  const refused = {
    code: 'LAB_CONTAINER_CONFIG',
    message: /^container's runAsUser breaks non-root policy \(pod: "p_n\(u\)", container: c\)$/,
  };
  assert.throws(() => userOf(podOf({ runAsNonRoot: true, runAsUser: 0 }), { name: 'c' }), refused);
  const pod = podOf({ runAsNonRoot: true });
  assert.throws(() => userOf(pod, { name: 'c', securityContext: { runAsUser: 0 } }), refused);
  const allowed = { name: 'c', securityContext: { runAsUser: 0, runAsNonRoot: false } };
  assert.deepEqual(userOf(pod, allowed), { uid: 0 });
  const unnamed = { uid: 65_534, rootRefused: IMAGE_OF_ROOT };
  assert.deepEqual(userOf(pod, { name: 'c' }), unnamed);
  assert.deepEqual(userOf(podOf({}), { name: 'c', securityContext: { runAsNonRoot: true } }), unnamed);
  assert.deepEqual(userOf(podOf({ runAsNonRoot: true, runAsUser: 7 }), { name: 'c' }), { uid: 7 });
});
