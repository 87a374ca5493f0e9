import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPart } from '../testing/check-object.ts';

const SPEC = {
  containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
  initContainers: [{ name: 'init', image: 'i' }],
  volumes: [{ name: 'v' }],
};

const added = (debuggers: readonly object[], before: readonly object[] = [], metadata = {}) =>
  checkPart(
    'ephemeralcontainers',
    { ...SPEC, ephemeralContainers: debuggers },
    { ...SPEC, ephemeralContainers: before },
    metadata,
  );

test('containers may be added to look around in a pod, with the names and volumes it has', () => {
  const mounts = [{ name: 'v', mountPath: '/v' }];
  assert.deepEqual(added([{ name: 'd', image: 'i', targetContainerName: 'c', volumeMounts: mounts, stdin: true }]), []);
  assert.deepEqual(
    added([
      { name: 'c', image: '' },
      { name: 'e', image: 'i', targetContainerName: 'd' },
    ]),
    [
      'spec.ephemeralContainers[0].image: Required value',
      'spec.ephemeralContainers[0].name: Duplicate value: "c"',
      'spec.ephemeralContainers[1].targetContainerName: Not found: "d"',
    ],
  );
});

test('a pod cannot rely on them', () => {
  const probe = { tcpSocket: { port: 80 } };
  const relied = {
    ports: [{ containerPort: 80 }],
    livenessProbe: probe,
    lifecycle: { preStop: { sleep: { seconds: 1 } } },
  };
  const resources = { limits: { cpu: '1' } };
  const volumeMounts = [{ name: 'v', mountPath: '/v', subPath: 'a' }];
  const wrong = added([{ name: 'd', image: 'i', ...relied, resources, volumeMounts }]);
  const fields = ['lifecycle', 'livenessProbe', 'ports', 'resources', 'volumeMounts[0].subPath'];
  assert.deepEqual(
    wrong.toSorted(),
    fields.map((field) => `spec.ephemeralContainers[0].${field}: Forbidden: cannot be set for an Ephemeral Container`),
  );
});

test('those that are there stay as they are, in any order', () => {
  const [one, two] = [
    { name: 'one', image: 'i' },
    { name: 'two', image: 'i' },
  ];
  assert.deepEqual(added([two, { name: 'three', image: 'i' }, one], [one, two]), []);
  assert.deepEqual(added([{ ...one, image: 'j' }], [one, two]), [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "one" may not be changed\n',
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "two" may not be removed\n',
  ]);
  const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
  assert.deepEqual(added([one], [], mirror), [': Forbidden: static pods do not support ephemeral containers']);
});
