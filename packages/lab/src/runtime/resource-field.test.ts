import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineResources } from '@podwire/kube';
import { type ResourceField, resourceFieldValue } from './resource-field.ts';

const own = {
  name: 'c',
  resources: { requests: { cpu: '250m', memory: '64Mi' }, limits: { cpu: '1100m', 'ephemeral-storage': '1Gi' } },
};
const pod = { spec: { containers: [own], initContainers: [{ name: 'i', resources: { limits: { memory: '100' } } }] } };
const told = (field: ResourceField) => resourceFieldValue(field, pod, own);

test('a whole number of divisors, rounded up', () => {
  const cases: [ResourceField, string | undefined][] = [
    [{ resource: 'requests.cpu', divisor: '1m' }, '250'],
    [{ resource: 'requests.cpu' }, '1'],
    [{ resource: 'requests.cpu', divisor: '0' }, '1'],
    [{ resource: 'limits.cpu', divisor: '100m' }, '11'],
    [{ resource: 'requests.memory' }, String(64 * 2 ** 20)],
    [{ resource: 'requests.memory', divisor: '1Mi' }, '64'],
    [{ resource: 'requests.memory', divisor: '60Mi' }, '2'],
    [{ resource: 'limits.ephemeral-storage', divisor: '1Ki' }, String(2 ** 20)],
    [{ resource: 'requests.ephemeral-storage' }, '0'],
    [{ resource: 'limits.memory', containerName: 'i' }, '100'],
    [{ resource: 'limits.memory', containerName: 'gone' }, undefined],
  ];
  for (const [field, expected] of cases) assert.equal(told(field), expected, JSON.stringify(field));
});

test('limits that are not set are what the node can give', () => {
  const { memory, cpu } = machineResources();
  assert.equal(told({ resource: 'limits.memory', divisor: '1Ki' }), memory.replace('Ki', ''));
  assert.equal(resourceFieldValue({ resource: 'limits.cpu' }, pod, { name: 'x' }), cpu);
});
