import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import { restBench } from '../../core/rest.fixture.ts';
import { configure, patchOf, webhookServer } from './webhook-server.fixture.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const RULES = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['services'] }];
const RANGES = { serviceCidrs: [parsePrefix('10.96.0.0/29')], nodePortRange: [30000, 30000] } as const;

// biome-ignore lint/suspicious/noExplicitAny: an AdmissionRequest, as it came
type Seen = any;

/** A server with few addresses and one node port, and who is asked about Services. */
async function asking(t: TestContext, answer: (request: Seen) => object | Promise<object>) {
  const bench = await restBench(t, RANGES);
  const hook = await webhookServer(t, answer);
  await configure(bench, 'validating', { clientConfig: hook.clientConfig(), rules: RULES });
  const make = (name: string, spec: object = {}, query = '') =>
    bench.ask(`POST ${SERVICES}${query}`, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
  return { ...bench, hook, make };
}

test('validating webhooks see what a Service gets, and what they refuse is free again', async (t) => {
  const isFine = ({ object }: Seen) => ({ allowed: object.metadata.name === 'fine' });
  const { client, hook, make, ask } = await asking(t, isFine);
  // More often than there are addresses, and ports.
  for (let i = 0; i < 9; i++) assert.equal((await make('refused', { type: 'NodePort' })).code, 400);
  const made = await make('fine', { type: 'NodePort' });
  assert.equal(made.code, 201, made.text);
  const seen = hook.requests.at(-1).object.spec;
  assert.match(seen.clusterIP, /^10\.96\.0\.\d$/);
  assert.deepEqual([seen.clusterIP, seen.ports[0].nodePort], [made.body.spec.clusterIP, 30000]);
  assert.deepEqual(seen.clusterIPs, made.body.spec.clusterIPs);
  const { items } = await client.list('IPAddress');
  assert.deepEqual(
    items.map(({ metadata }) => metadata?.name),
    [seen.clusterIP],
  );
  const second = await make('fine2', { type: 'NodePort' });
  assert.match(second.body.message, /failed to allocate a nodePort: range is full/);
  assert.equal((await ask(`PATCH ${SERVICES}/fine`, { spec: { type: 'ClusterIP' } })).code, 200);
  assert.equal((await make('fine', { type: 'NodePort' }, '?dryRun=All')).code, 409);
});

test('while webhooks are asked nobody else gets it', async (t) => {
  const asked = Promise.withResolvers<Seen>();
  const go = Promise.withResolvers<void>();
  const { ask, make } = await asking(t, async ({ object }) => {
    if (object.metadata.name === 'slow') {
      asked.resolve(object);
      await go.promise;
    }
    return { allowed: true };
  });
  const slow = make('slow', { type: 'NodePort' });
  const { clusterIP } = (await asked.promise).spec;
  const taken = await make('same', { clusterIP });
  assert.match(taken.body.message, /failed to allocate IP 10\.96\.0\.\d: provided IP is already allocated/);
  const port = await make('same', { type: 'NodePort', ports: [{ port: 80, nodePort: 30000 }] });
  assert.match(port.body.message, /provided port is already allocated/);
  const parentRef = { resource: 'services', namespace: 'default', name: 'x' };
  const ipAddress = { metadata: { name: clusterIP }, spec: { parentRef } };
  assert.equal((await ask('POST /apis/networking.k8s.io/v1/ipaddresses', ipAddress)).code, 409);
  go.resolve();
  const made = await slow;
  assert.equal(made.code, 201, made.text);
  assert.equal(made.body.spec.clusterIP, clusterIP);
});

test('a range that is deleted while webhooks are asked stays as long as its address is needed', async (t) => {
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const { ask, make } = await asking(t, async () => {
    asked.resolve();
    await go.promise;
    return { allowed: false };
  });
  const cidrs = '/apis/networking.k8s.io/v1/servicecidrs';
  assert.equal(
    (await ask(`POST ${cidrs}`, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/29'] } })).code,
    201,
  );
  const slow = make('slow', { clusterIP: '10.97.0.1' });
  await asked.promise;
  await ask(`DELETE ${cidrs}/more`);
  const { code, body } = await ask(`GET ${cidrs}/more`);
  assert.deepEqual([code, body.status?.conditions?.[0]?.reason], [200, 'Terminating']);
  go.resolve();
  assert.equal((await slow).code, 400);
  assert.equal((await ask(`GET ${cidrs}/more`)).code, 404);
});

test('policies see it, too, and mutating webhooks do not', async (t) => {
  const bench = await restBench(t, RANGES);
  const hook = await webhookServer(t, ({ object }) =>
    object.spec.clusterIP ? { allowed: false } : patchOf({ op: 'add', path: '/metadata/labels', value: { a: 'b' } }),
  );
  await configure(bench, 'mutating', { clientConfig: hook.clientConfig(), rules: RULES });
  const validations = [{ expression: 'object.spec.clusterIP == ""', message: 'sees an address' }];
  const matchConstraints = { resourceRules: RULES };
  const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic';
  const policy = await bench.ask(`POST ${policies}ies`, {
    metadata: { name: 'p' },
    spec: { matchConstraints, validations },
  });
  assert.equal(policy.code, 201, policy.text);
  const binding = { metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'] } };
  assert.equal((await bench.ask(`POST ${policies}ybindings`, binding)).code, 201);
  const made = await bench.ask(`POST ${SERVICES}`, { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } });
  assert.deepEqual([made.code, hook.requests.length], [422, 1], made.text);
  assert.match(made.body.message, /sees an address/);
});
