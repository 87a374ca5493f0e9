import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import type { KubeClient } from '@podwire/kube';
import type { DeleteOptions, Status } from 'kubernetes-types/meta/v1.js';
import { startApiServer } from '../server.ts';

interface Bench {
  readonly client: KubeClient;
  evict(pod: string, query?: string, deleteOptions?: DeleteOptions): Promise<Status>;
}

async function bench(t: TestContext): Promise<Bench> {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-evict-'));
  const socketPath = path.join(directory, 'api.sock');
  const server = await startApiServer({
    // Kept on disk: between a write and its end others come in.
    directory: path.join(directory, 'kept'),
    serviceCidrs: [parsePrefix('10.96.0.0/12')],
    nodePortRange: [30000, 32767],
  });
  await server.listenUnix(socketPath);
  t.after(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    client: server.client(),
    evict: (pod, query = '', options = {}) => post(socketPath, `${pod}/eviction${query}`, options),
  };
}

async function post(socketPath: string, path: string, deleteOptions: DeleteOptions): Promise<Status> {
  const url = `/api/v1/namespaces/default/pods/${path}`;
  const headers = { 'content-type': 'application/json' };
  const request = http.request({ socketPath, method: 'POST', path: url, headers, agent: false });
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  request.on('response', resolve).on('error', reject);
  request.end(JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', deleteOptions }));
  return JSON.parse((await (await promise).toArray()).join('')) as Status;
}

async function addPod(client: KubeClient, name: string, ready: 'True' | 'False' = 'True'): Promise<void> {
  const key = { name, namespace: 'default' };
  await client.create('Pod', {
    metadata: { ...key, labels: { app: 'web' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i' }] },
  });
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] };
  await client.patch('Pod', key, { status }, { subresource: 'status' });
}

async function addBudget(client: KubeClient, status: object, name = 'web'): Promise<void> {
  const key = { name, namespace: 'default' };
  await client.create('PodDisruptionBudget', {
    metadata: key,
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  });
  await client.patch('PodDisruptionBudget', key, { status }, { subresource: 'status' });
}

const web = { name: 'web', namespace: 'default' };
const budgetOf = (client: KubeClient) => client.get('PodDisruptionBudget', web);
const podOf = (client: KubeClient, name: string) => client.get('Pod', { name, namespace: 'default' });
const known = { observedGeneration: 1, expectedPods: 2, currentHealthy: 2, desiredHealthy: 1 };

test('an eviction takes from the budget; the next is refused with its reason', async (t) => {
  const { client, evict } = await bench(t);
  for (const name of ['a', 'b']) await addPod(client, name);
  await addBudget(client, { ...known, disruptionsAllowed: 1 });
  assert.equal((await evict('a', '?dryRun=All')).code, 201);
  assert.equal((await budgetOf(client))?.status?.disruptionsAllowed, 1);
  assert.equal((await evict('a')).code, 201);
  const gone = await podOf(client, 'a');
  assert.ok(gone?.metadata?.deletionTimestamp);
  assert.equal(gone.status?.conditions?.at(-1)?.reason, 'EvictionByEvictionAPI');
  const { disruptionsAllowed, disruptedPods } = (await budgetOf(client))?.status ?? {};
  assert.deepEqual([disruptionsAllowed, Object.keys(disruptedPods ?? {})], [0, ['a']]);
  const { code, reason, message, details } = await evict('b');
  assert.deepEqual(
    { code, reason, message, details },
    {
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          { reason: 'DisruptionBudget', message: 'The disruption budget web needs 1 healthy pods and has 2 currently' },
        ],
      },
    },
  );
  assert.ok(!(await podOf(client, 'b'))?.metadata?.deletionTimestamp);
});

test('of evictions at the same moment only as many succeed as the budget has', async (t) => {
  const { client, evict } = await bench(t);
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) await addPod(client, name);
  await addBudget(client, { ...known, disruptionsAllowed: 1 });
  const codes = (await Promise.all(names.map((name) => evict(name)))).map(({ code }) => code);
  assert.deepEqual(codes.sort(), [201, 429, 429, 429]);
});

test('an eviction of another pod takes nothing from the budget, one at a revision finds its pod', async (t) => {
  const { client, evict } = await bench(t);
  await addPod(client, 'a');
  await addBudget(client, { ...known, disruptionsAllowed: 1 });
  const { resourceVersion = '' } = (await podOf(client, 'a'))?.metadata ?? {};
  for (const preconditions of [{ uid: 'other' }, { resourceVersion: '1' }])
    assert.equal((await evict('a', '', { preconditions })).code, 409);
  assert.equal((await budgetOf(client))?.status?.disruptionsAllowed, 1);
  assert.equal((await podOf(client, 'a'))?.metadata?.resourceVersion, resourceVersion);
  assert.equal((await evict('a', '', { preconditions: { resourceVersion } })).code, 201);
});

test('a budget nobody has looked at yet refuses for ten seconds, two budgets for good', async (t) => {
  const { client, evict } = await bench(t);
  await addPod(client, 'a');
  await addBudget(client, { ...known, observedGeneration: 0, disruptionsAllowed: 1 });
  const { code, details } = await evict('a');
  assert.deepEqual([code, details?.retryAfterSeconds], [429, 10]);
  await addBudget(client, { ...known, disruptionsAllowed: 1 }, 'other');
  assert.match((await evict('a')).message ?? '', /more than one PodDisruptionBudget/);
});

test('a pod that is not ready may go when the others suffice, or the budget always lets it', async (t) => {
  const { client, evict } = await bench(t);
  await addPod(client, 'broken', 'False');
  await addBudget(client, { ...known, currentHealthy: 1, disruptionsAllowed: 0 });
  assert.equal((await evict('broken')).code, 201);
  assert.equal((await evict('missing')).code, 404);
  await addPod(client, 'worse', 'False');
  const status = { ...known, currentHealthy: 0, disruptionsAllowed: 0 };
  await client.patch('PodDisruptionBudget', web, { status }, { subresource: 'status' });
  assert.equal((await evict('worse')).code, 429);
  await client.patch('PodDisruptionBudget', web, { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } });
  assert.equal((await evict('worse')).code, 201);
});
