import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPart, wrongWith } from '../testing/check-object.ts';

type Amounts = Readonly<Record<string, string>>;

const container = (requests: Amounts, limits: Amounts, more: object = {}) => ({
  ...{ name: 'c', image: 'i', resources: { requests, limits } },
  ...more,
});
const POD = { containers: [container({ cpu: '100m', memory: '64Mi' }, { memory: '128Mi' })] };

const resized = (one: object, before: object = POD, status?: object) =>
  checkPart('resize', { ...before, containers: [one] }, before, {}, status);

test('cpu and memory become more and less, within the class of the pod', () => {
  assert.deepEqual(resized(container({ cpu: '1', memory: '32Mi' }, { cpu: '2', memory: '256Mi' })), []);
  assert.deepEqual(resized(container({ cpu: '0.1', memory: '64Mi' }, { cpu: '100m', memory: '64Mi' })), [
    'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    'spec.containers[0].resources.limits[memory]: Forbidden: memory limits cannot be decreased unless resizePolicy is RestartContainer',
  ]);
  const policy = { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] };
  assert.deepEqual(resized(container({ cpu: '1', memory: '32Mi' }, { memory: '100Mi' }, policy)), []);
});

test('what was asked for stays asked for, and nothing else changes', () => {
  assert.deepEqual(resized(container({ cpu: '1' }, {})), [
    'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
    'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
  ]);
  const storage = container({ cpu: '1', memory: '64Mi', 'ephemeral-storage': '1Gi' }, { memory: '128Mi' });
  assert.deepEqual(resized(storage), ['spec: Forbidden: only cpu and memory resources are mutable']);
  assert.deepEqual(resized({ ...POD.containers[0], name: 'd' }), [
    'spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize',
  ]);
  const more = { containers: [...POD.containers, { name: 'd', image: 'i' }] };
  assert.deepEqual(checkPart('resize', more, POD), [
    'spec.containers: Forbidden: containers may not be added or removed on resize',
  ]);
});

test('of containers that run first only those that stay', () => {
  const init = (cpu: string, more: object = {}) => container({ cpu }, {}, { name: 'i', ...more });
  const wrong = (more: object) =>
    checkPart('resize', { ...POD, initContainers: [init('2', more)] }, { ...POD, initContainers: [init('1', more)] });
  assert.deepEqual(wrong({ restartPolicy: 'Always' }), []);
  assert.deepEqual(wrong({}), ['spec: Forbidden: resources for non-sidecar init containers are immutable']);
});

test('a node has to tell what running containers have', () => {
  const status = (more: object) => ({ containerStatuses: [{ name: 'c', state: { running: {} }, ...more }] });
  const next = container({ cpu: '1', memory: '64Mi' }, { memory: '128Mi' });
  assert.deepEqual(resized(next, POD, status({})), ['spec: Forbidden: Pod running on node without support for resize']);
  assert.deepEqual(resized(next, POD, status({ resources: {} })), []);
});

test('policies of any pod', () => {
  const wrong = (restartPolicy: string, ...resizePolicy: object[]) =>
    wrongWith('Pod', { spec: { restartPolicy, containers: [{ name: 'c', image: 'i', resizePolicy }] } });
  const at = 'spec.containers[0].resizePolicy';
  const [cpu = {}, disk = {}] = ['cpu', 'disk'].map((resourceName) => ({
    ...{ resourceName, restartPolicy: 'RestartContainer' },
  }));
  assert.deepEqual(wrong('Always', cpu), []);
  assert.deepEqual(wrong('Always', cpu, cpu, disk, { resourceName: 'memory', restartPolicy: 'No' }), [
    `${at}[1]: Duplicate value: "cpu"`,
    `${at}: Unsupported value: "disk": supported values: "cpu", "memory"`,
    `${at}: Unsupported value: "No": supported values: "NotRequired", "RestartContainer"`,
  ]);
  assert.deepEqual(wrong('Never', cpu), [
    `${at}: Invalid value: "RestartContainer": must be 'NotRequired' when \`restartPolicy\` is 'Never'`,
  ]);
});
