import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ObjectOf, QuotaLedger } from '@podwire/kube';
import { addNode, eventually, startControlPlane } from '../testing/control-plane.ts';
import { quotaStatus } from './quota.ts';

type Pod = ObjectOf<'Pod'>;

const pod = (resources: object, spec: object = {}, status: object = {}): Pod => ({
  spec: { containers: [{ name: 'c', resources }], ...spec },
  status,
});
const small = pod({ requests: { cpu: '250m', memory: '64Mi' }, limits: { memory: '128Mi' } });
const view: Readonly<Record<string, readonly object[]>> = {
  Pod: [small, small, pod({ requests: { 'example.com/gpu': '2' } }), pod({}, {}, { phase: 'Succeeded' })],
  Service: [{ spec: { type: 'LoadBalancer', ports: [{ port: 1, nodePort: 30000 }, { port: 2 }] } }, { spec: {} }],
  PersistentVolumeClaim: [
    { spec: { resources: { requests: { storage: '1Gi' } } } },
    { spec: { resources: { requests: { storage: '512Mi' } }, storageClassName: 'gold' } },
  ],
  Deployment: [{}, {}, {}, {}],
  ConfigMap: [{}, {}, {}],
};
const used = (names: string, spec: object = {}): Record<string, string> | undefined => {
  const hard = Object.fromEntries(names.split(' ').map((name) => [name, '10']));
  const status = quotaStatus({ spec: { hard, ...spec } }, new QuotaLedger(), (kind) => view[kind] ?? []);
  assert.deepEqual(status.hard, hard);
  return status.used;
};

test('what is used of a quota: numbers of objects, and amounts of pods that are not over', () => {
  assert.deepEqual(used('pods cpu requests.memory limits.memory requests.example.com/gpu'), {
    ...{ pods: '3', cpu: '500m', 'requests.memory': '128Mi', 'limits.memory': '256Mi' },
    'requests.example.com/gpu': '2',
  });
  assert.deepEqual(used('services.nodeports services.loadbalancers requests.storage configmaps'), {
    ...{ 'services.nodeports': '1', 'services.loadbalancers': '1', 'requests.storage': '1536Mi', configmaps: '3' },
  });
  assert.deepEqual(used('count/deployments.apps count/widgets.example.com anything'), {
    'count/deployments.apps': '4',
  });
  const gold = 'gold.storageclass.storage.k8s.io';
  assert.deepEqual(used(`count/pods ${gold}/requests.storage ${gold}/persistentvolumeclaims`), {
    ...{ 'count/pods': '4', [`${gold}/requests.storage`]: '512Mi', [`${gold}/persistentvolumeclaims`]: '1' },
  });
});

test('scopes: only pods they are about', () => {
  assert.deepEqual(used('pods', { scopes: ['BestEffort'] }), { pods: '1' });
  assert.deepEqual(used('pods', { scopes: ['NotBestEffort', 'NotTerminating'] }), { pods: '2' });
  assert.deepEqual(used('pods', { scopes: ['Terminating'] }), { pods: '0' });
  const high = { scopeName: 'PriorityClass', operator: 'In', values: ['high'] };
  assert.deepEqual(used('pods', { scopeSelector: { matchExpressions: [high] } }), { pods: '0' });
  const without = { scopeName: 'PriorityClass', operator: 'NotIn', values: ['high'] };
  assert.deepEqual(used('pods', { scopeSelector: { matchExpressions: [without] } }), { pods: '3' });
});

test('the status follows what comes and goes', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  const key = { namespace: 'default', name: 'quota' };
  const hard = { pods: '2', 'count/secrets': '5', 'requests.cpu': '1' };
  await client.create('ResourceQuota', { metadata: key, spec: { hard } });
  const is = (pods: string, secrets: string, cpu: string): Promise<unknown> =>
    eventually(`${pods} ${secrets} ${cpu}`, async () => {
      const status = (await client.get('ResourceQuota', key))?.status?.used ?? {};
      return [status.pods, status['count/secrets'], status['requests.cpu']].join() === [pods, secrets, cpu].join();
    });
  await is('0', '0', '0');
  await client.create('Secret', { metadata: { namespace: 'default', name: 's' } });
  const containers = [{ name: 'c', image: 'one', resources: { requests: { cpu: '100m' } } }];
  await client.create('Pod', { metadata: { namespace: 'default', name: 'p' }, spec: { containers } });
  await is('1', '1', '100m');
  await client.delete('Pod', { namespace: 'default', name: 'p' });
  await client.delete('Secret', { namespace: 'default', name: 's' });
  await is('0', '0', '0');
});
