import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restBench } from './rest.fixture.ts';

const NS = '/api/v1/namespaces/default';
const PODS = `${NS}/pods`;
const pod = (name: string, spec: object = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});

test('a deletion that cannot be read deletes nothing', async (t) => {
  const { client, ask } = await restBench(t);
  await client.create('Pod', pod('p'));
  const refused: readonly (readonly [string, unknown, number, RegExp])[] = [
    ['?dryRun=Client', undefined, 422, /dryRun: Unsupported value: \[\]string\{"Client"\}/],
    ['?propagationPolicy=Backwards', undefined, 422, /supported values: "Foreground", "Background", "Orphan", "nil"/],
    ['?gracePeriodSeconds=soon', undefined, 400, /is not a whole number/],
    ['', { dryRun: ['Client'] }, 422, /dryRun: Unsupported value/],
    ['', { dryRun: 'All' }, 400, /of type \[\]string/],
    ['', { preconditions: 'x' }, 400, /of type v1.Preconditions/],
    ['', { gracePeriodSeconds: 'a' }, 400, /of type int64/],
    ['', { propagationPolicy: 'Orphan', orphanDependents: true }, 422, /cannot be both set/],
    ['', { kind: 'Pod', apiVersion: 'v1' }, 400, /the body is a Pod, not DeleteOptions/],
    ['', [1], 400, /cannot unmarshal array/],
  ];
  for (const [query, body, code, message] of refused) {
    const answer = await ask(`DELETE ${PODS}/p${query}`, body);
    assert.equal(answer.code, code, answer.text);
    assert.match(answer.body.message, message);
  }
  assert.equal((await ask(`DELETE ${PODS}/p?dryRun=All`)).code, 200);
  assert.ok(await client.get('Pod', { namespace: 'default', name: 'p' }));
  const ofGroup = { kind: 'DeleteOptions', apiVersion: 'policy/v1', propagationPolicy: null };
  assert.equal((await ask(`DELETE ${PODS}/p`, ofGroup)).code, 200);
  assert.equal(await client.get('Pod', { namespace: 'default', name: 'p' }), undefined);
});

test('a grace period of less than nothing is a second', async (t) => {
  const { client, ask } = await restBench(t);
  await client.create('Pod', pod('p', { nodeName: 'n' }));
  const { body } = await ask(`DELETE ${PODS}/p?gracePeriodSeconds=-5`);
  assert.equal(body.metadata?.deletionGracePeriodSeconds, 1);
});

test('collections are deleted in one namespace at a time, and never namespaces', async (t) => {
  const { client, ask } = await restBench(t);
  await client.create('ConfigMap', { metadata: { name: 'a', namespace: 'default' } });
  await client.create('Namespace', { metadata: { name: 'mine' } });
  for (const path of ['/api/v1/configmaps', '/api/v1/namespaces'])
    assert.equal((await ask(`DELETE ${path}`)).code, 405, path);
  assert.ok(await client.get('ConfigMap', { namespace: 'default', name: 'a' }));
  const mine = await client.get('Namespace', { name: 'mine' });
  assert.equal(mine?.metadata?.deletionTimestamp, undefined);
  const { resources } = (await ask('GET /api/v1')).body;
  const { verbs } = resources.find(({ name }: { name: string }) => name === 'namespaces');
  assert.deepEqual(verbs, ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']);
  assert.equal((await ask(`DELETE ${NS}/configmaps`)).body.kind, 'ConfigMapList');
  assert.equal(await client.get('ConfigMap', { namespace: 'default', name: 'a' }), undefined);
});

test('bindings and evictions are for the pod they name, and may be tried', async (t) => {
  const { client, ask } = await restBench(t);
  await client.create('Pod', pod('p'));
  const refused: readonly (readonly [string, unknown, number, RegExp])[] = [
    ['binding', { metadata: { name: 'q' }, target: { name: 'n' } }, 400, /name in URL does not match name in Binding/],
    ['binding', { target: { name: 'n', kind: 'Pod' } }, 400, /target.kind: Unsupported value: "Pod"/],
    ['binding', { target: { name: 5 } }, 400, /of type string/],
    ['binding', { target: {} }, 400, /target.name: Required value/],
    ['binding', { metadata: { uid: 'x' }, target: { name: 'n' } }, 409, /UID in the precondition/],
    ['binding?dryRun=Some', { target: { name: 'n' } }, 422, /dryRun: Unsupported/],
    ['eviction', { metadata: { name: 'q' } }, 400, /name in URL does not match name in Eviction/],
    ['eviction', { deleteOptions: { dryRun: 5 } }, 400, /of type \[\]string/],
    ['eviction?dryRun=Some', {}, 422, /dryRun: Unsupported/],
    ['eviction', [], 400, /cannot unmarshal array/],
  ];
  for (const [subresource, body, code, message] of refused) {
    const answer = await ask(`POST ${PODS}/p/${subresource}`, body);
    assert.equal(answer.code, code, `${subresource} ${JSON.stringify(body)}: ${answer.text}`);
    assert.match(answer.body.message, message);
  }
  assert.equal((await ask(`POST ${PODS}/p/binding?dryRun=All`, { target: { name: 'n' } })).code, 201);
  assert.equal((await ask(`POST ${PODS}/p/eviction?dryRun=All`, { metadata: { name: 'p' } })).code, 201);
  const found = await client.get('Pod', { namespace: 'default', name: 'p' });
  assert.equal(found?.spec?.nodeName, undefined);
});

test('finalizers of a namespace are names, and one of them is that of Kubernetes', async (t) => {
  const { client, ask } = await restBench(t);
  const { spec } = (await ask('POST /api/v1/namespaces', { metadata: { name: 'a' }, spec: { finalizers: ['x.io/y'] } }))
    .body;
  assert.deepEqual(spec.finalizers, ['x.io/y', 'kubernetes']);
  const finalize = async (body: object, query = '') =>
    (await ask(`PUT /api/v1/namespaces/a/finalize${query}`, body)).code;
  assert.equal(await finalize({ spec: { finalizers: 'abc' } }), 400);
  assert.equal(await finalize({ spec: { finalizers: [1] } }), 400);
  assert.equal(await finalize({ spec: { finalizers: ['-'] } }), 422);
  assert.equal(await finalize({ metadata: { name: 'b' }, spec: {} }), 400);
  assert.equal(await finalize({ spec: { finalizers: [] } }, '?dryRun=All'), 200);
  const found = await client.get('Namespace', { name: 'a' });
  assert.deepEqual(found?.spec?.finalizers, ['x.io/y', 'kubernetes']);
});

test('an immutable ConfigMap keeps its binary data, too', async (t) => {
  const { client, ask } = await restBench(t);
  await client.create('ConfigMap', {
    metadata: { name: 'a', namespace: 'default' },
    immutable: true,
    binaryData: { a: 'AAAA' },
  });
  const { code, body } = await ask(`PATCH ${NS}/configmaps/a`, { binaryData: { a: 'BBBB' } });
  assert.equal(code, 422);
  assert.match(body.message, /binaryData: Forbidden: field is immutable/);
});
