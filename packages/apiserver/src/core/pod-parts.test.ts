import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { restBench } from './rest.fixture.ts';

const POD = '/api/v1/namespaces/default/pods/p';
const STRATEGIC = 'application/strategic-merge-patch+json';

async function podBench(t: TestContext) {
  const bench = await restBench(t);
  const resources = { requests: { cpu: '100m' }, limits: { cpu: '200m' } };
  const spec = { containers: [{ name: 'c', image: 'i', resources }] };
  await bench.client.create('Pod', { metadata: { name: 'p', labels: { a: 'b' } }, spec });
  return bench;
}

test('ephemeral containers are added by all patches and by PUT, and nothing else is', async (t) => {
  const { ask } = await podBench(t);
  const at = `${POD}/ephemeralcontainers`;
  const one = { name: 'one', image: 'busybox' };
  const more = { metadata: { labels: { x: 'y' } }, spec: { hostname: 'other', ephemeralContainers: [one] } };
  const added = await ask(`PATCH ${at}`, more, STRATEGIC);
  assert.equal(added.code, 200, added.text);
  const { metadata, spec } = added.body;
  assert.deepEqual([metadata.labels, spec.hostname], [{ a: 'b' }, undefined]);
  assert.deepEqual(spec.ephemeralContainers, [
    {
      ...one,
      ...{ imagePullPolicy: 'Always', resources: {} },
      ...{ terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' },
    },
  ]);
  const add = [{ op: 'add', path: '/spec/ephemeralContainers/-', value: { name: 'two', image: 'i' } }];
  assert.equal((await ask(`PATCH ${at}`, add, 'application/json-patch+json')).code, 200);
  const gone = await ask(`PATCH ${at}`, { spec: { ephemeralContainers: null } });
  assert.equal(gone.code, 422);
  assert.match(gone.body.message, /existing ephemeral containers "one" may not be removed/);
  const whole = (await ask(`GET ${at}`)).body;
  whole.spec.ephemeralContainers.push({ name: 'three', image: 'i', targetContainerName: 'c' });
  assert.equal((await ask(`PUT ${at}`, whole)).code, 200);
  assert.equal((await ask(`PUT ${at}`, whole)).code, 409);
  const names = ({ name }: { name: string }) => name;
  assert.deepEqual((await ask(`GET ${POD}`)).body.spec.ephemeralContainers.map(names), ['one', 'two', 'three']);
  for (const method of ['POST', 'DELETE']) assert.equal((await ask(`${method} ${at}`, whole)).code, 405, method);
  const byMain = await ask(`PATCH ${POD}`, { spec: { ephemeralContainers: null } });
  assert.match(byMain.body.message, /pod updates may not change fields other than/);
});

test('a pod cannot be made with them, nor a template', async (t) => {
  const { ask } = await restBench(t);
  const container = { name: 'c', image: 'i' };
  const spec = { containers: [container], ephemeralContainers: [{ name: 'd', image: 'i' }] };
  const pod = await ask('POST /api/v1/namespaces/default/pods', { metadata: { name: 'p' }, spec });
  assert.match(pod.body.message, /spec.ephemeralContainers: Forbidden: cannot be set on create/);
  const template = { metadata: { labels: { a: 'b' } }, spec };
  const workload = { metadata: { name: 'w' }, spec: { selector: { matchLabels: { a: 'b' } }, template } };
  const made = await ask('POST /apis/apps/v1/namespaces/default/deployments', workload);
  assert.match(made.body.message, /template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed/);
});

test('a resize changes what containers ask for, within quotas and limits', async (t) => {
  const { ask, client } = await podBench(t);
  await client.create('ResourceQuota', { metadata: { name: 'q' }, spec: { hard: { 'requests.cpu': '1' } } });
  const max = { limits: [{ type: 'Container', max: { cpu: '2' } }] };
  await client.create('LimitRange', { metadata: { name: 'l' }, spec: max });
  const to = (requests: string, limits: string) => {
    const containers = [
      { name: 'c', image: 'other', resources: { requests: { cpu: requests }, limits: { cpu: limits } } },
    ];
    return ask(`PATCH ${POD}/resize`, { metadata: { labels: null }, spec: { containers } }, STRATEGIC);
  };
  const done = await to('500m', '1');
  assert.equal(done.code, 200, done.text);
  const { metadata, spec } = done.body;
  const [{ image, resources }] = spec.containers;
  assert.deepEqual([image, resources], ['i', { requests: { cpu: '500m' }, limits: { cpu: '1' } }]);
  assert.deepEqual(metadata.labels, { a: 'b' });
  assert.match((await to('1100m', '2')).body.message, /exceeded quota: q, requested: requests.cpu=600m, used: /);
  assert.match((await to('500m', '3')).body.message, /maximum cpu usage per Container is 2, but limit is 3/);
  const replaced = [{ op: 'replace', path: '/spec/containers/0/resources/requests/cpu', value: '600m' }];
  assert.equal((await ask(`PATCH ${POD}/resize`, replaced, 'application/json-patch+json')).code, 200);
  const whole = (await ask(`GET ${POD}/resize`)).body;
  whole.spec.containers[0].resources.limits.cpu = '900m';
  assert.equal((await ask(`PUT ${POD}/resize`, whole)).body.spec.containers[0].resources.limits.cpu, '900m');
});

test('roles speak of each of them by its name', async (t) => {
  const { ask, client } = await podBench(t);
  const rules = [{ apiGroups: [''], resources: ['pods/resize'], verbs: ['patch'] }];
  await client.create('Role', { metadata: { name: 'r', namespace: 'default' }, rules });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
  const subjects = [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }];
  await client.create('RoleBinding', { metadata: { name: 'r', namespace: 'default' }, roleRef, subjects });
  const may = async (subresource: string) => {
    const resourceAttributes = { namespace: 'default', verb: 'patch', resource: 'pods', subresource };
    const spec = { user: 'jane', resourceAttributes };
    return (await ask('POST /apis/authorization.k8s.io/v1/subjectaccessreviews', { spec })).body.status.allowed;
  };
  assert.deepEqual([await may('resize'), await may('ephemeralcontainers')], [true, false]);
});
