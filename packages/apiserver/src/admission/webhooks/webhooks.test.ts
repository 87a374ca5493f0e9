import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Bench, restBench } from '../../core/rest.fixture.ts';
import { configure, HOOK_NAME, patchOf, type WebhookServer, webhookServer } from './webhook-server.fixture.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';
const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] };
const ALLOWED = { allowed: true };

const create = ({ ask }: Bench, data: object, query = '', metadata: object = {}) =>
  ask(`POST ${MAPS}${query}`, { metadata: { name: 'a', ...metadata }, data });

async function validated(t: TestContext, answer: Parameters<typeof webhookServer>[1], fields: object = {}) {
  const [bench, hook] = await Promise.all([restBench(t), webhookServer(t, answer)]);
  await configure(bench, 'validating', { clientConfig: hook.clientConfig('/check'), ...fields });
  return { bench, hook };
}

test('a validating webhook sees all of a request, and refuses in its own words', async (t) => {
  const status = { message: 'no x here', code: 403, reason: 'Forbidden' };
  const answer = ({ object }: WebhookServer['requests'][number]) =>
    object?.data?.x ? { allowed: false, status } : ALLOWED;
  const { bench, hook } = await validated(t, answer);
  const refused = await create(bench, { x: '1' }, '?fieldManager=me');
  const why = 'admission webhook "a.example.com" denied the request: no x here';
  assert.deepEqual([refused.code, refused.body.reason, refused.body.message], [403, 'Forbidden', why]);
  const [{ uid, object, ...request }] = hook.requests;
  const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
  const resource = { group: '', version: 'v1', resource: 'configmaps' };
  assert.match(uid, /^[0-9a-f-]{36}$/);
  assert.equal(object.metadata.namespace, 'default');
  assert.deepEqual(request, {
    ...{ kind, resource, requestKind: kind, requestResource: resource, name: 'a', namespace: 'default' },
    operation: 'CREATE',
    userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    ...{ oldObject: null, dryRun: false },
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me', fieldValidation: 'Warn' },
  });
  assert.deepEqual(hook.paths, ['/check?timeout=30s']);
  assert.equal((await bench.ask(`GET ${MAPS}/a`)).code, 404);
});

test('updates, patches, applies and deletions are seen as what they are, over one connection', async (t) => {
  const { bench, hook } = await validated(t, () => ALLOWED);
  await create(bench, { y: '1' });
  assert.equal((await bench.ask(`PATCH ${MAPS}/a`, { data: { y: '2' } })).code, 200);
  const apply = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' }, data: { z: '1' } };
  const applied = await bench.ask(`PATCH ${MAPS}/b?fieldManager=me`, apply, 'application/apply-patch+yaml');
  assert.equal(applied.code, 201);
  assert.equal((await bench.ask(`DELETE ${MAPS}/a`)).code, 200);
  await bench.client.create('ConfigMap', { metadata: { name: 'c', namespace: 'default' } });
  const seen = hook.requests.map(({ operation, name, object, oldObject, options, userInfo }) => [
    ...[operation, name, object?.data, oldObject?.data, options.kind, userInfo.username],
  ]);
  assert.deepEqual(seen, [
    ['CREATE', 'a', { y: '1' }, undefined, 'CreateOptions', 'kubernetes-admin'],
    ['UPDATE', 'a', { y: '2' }, { y: '1' }, 'UpdateOptions', 'kubernetes-admin'],
    ['CREATE', 'b', { z: '1' }, undefined, 'CreateOptions', 'kubernetes-admin'],
    ['DELETE', 'a', undefined, { y: '2' }, 'DeleteOptions', 'kubernetes-admin'],
    ['CREATE', 'c', undefined, undefined, 'CreateOptions', 'system:podwire'],
  ]);
  assert.equal(hook.connections(), 1);
});

test('mutating webhooks change objects before they are checked, and are asked again if they want to', async (t) => {
  const bench = await restBench(t);
  const hook = await webhookServer(t, ({ object }, path) => {
    if (path === '/name')
      return patchOf({ op: 'add', path: '/data/seen', value: Object.keys(object?.data ?? {}).join() });
    return object.data.x === '2' ? ALLOWED : patchOf({ op: 'replace', path: '/data/x', value: '2' });
  });
  const reinvocationPolicy = 'IfNeeded';
  const first = { clientConfig: hook.clientConfig('/name'), reinvocationPolicy };
  await configure(bench, 'mutating', first, { clientConfig: hook.clientConfig('/double') });
  const { code, body } = await create(bench, { x: '1' });
  assert.deepEqual([code, body.data], [201, { seen: 'seen,x', x: '2' }]);
  assert.deepEqual(
    hook.paths,
    ['/name', '/double', '/name'].map((path) => `${path}?timeout=30s`),
  );
  assert.equal(hook.requests[0].object.metadata.uid, undefined);
  const changed = await bench.ask(`PATCH ${MAPS}/a`, { data: { x: '3' } });
  assert.deepEqual([changed.code, changed.body.data.x], [200, '2']);
  const deleted = await bench.ask(`DELETE ${MAPS}/a`);
  assert.match(deleted.body.message, /"a.example.com" attempted to modify the object, which is not supported/);
});

test('what fails is told, or does not matter', async (t) => {
  const { bench, hook } = await validated(t, () => ({ status: 500, text: 'broken' }));
  const call = 'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook:';
  const broken = await create(bench, {});
  assert.equal(broken.code, 500);
  assert.equal(
    broken.body.message,
    `${call} an error on the server ("broken") has prevented the request from succeeding`,
  );
  const change = (fields: object) => {
    const whole = {
      timeoutSeconds: 30,
      clientConfig: hook.clientConfig(),
      rules: [RULE],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    };
    const webhooks = [{ name: 'a.example.com', ...whole, ...fields }];
    return bench.ask(`PATCH ${GROUP}/validatingwebhookconfigurations/validating`, { webhooks });
  };
  await change({ clientConfig: { url: `https://127.0.0.1:${hook.port}/` } });
  const untrusted = `Post "https://127.0.0.1:${hook.port}/?timeout=30s": tls: failed to verify certificate: x509: certificate signed by unknown authority`;
  assert.equal((await create(bench, {})).body.message, `${call} ${untrusted}`);
  await change({ clientConfig: { service: { namespace: 'default', name: 'hook', path: '/x' } } });
  const nowhere = `Post "https://${HOOK_NAME}:443/x?timeout=30s": service "hook" not found`;
  assert.equal((await create(bench, {})).body.message, `${call} ${nowhere}`);
  await change({ failurePolicy: 'Ignore' });
  assert.equal((await create(bench, {})).code, 201);
  await change({ sideEffects: 'None', matchConditions: [{ name: 'x', expression: 'object.data.nothing == "1"' }] });
  const { code, body } = await create(bench, {}, '', { name: 'b' });
  assert.deepEqual([code, body.reason], [403, 'Forbidden']);
  assert.match(
    body.message,
    /"b" is forbidden: expression 'object.data.nothing == "1"' resulted in error: no such key/,
  );
});

test('an answer that does not come in time is not waited for', async (t) => {
  const never = Promise.withResolvers<object>();
  t.after(() => never.resolve(ALLOWED));
  const { bench } = await validated(t, () => never.promise, { timeoutSeconds: 1 });
  assert.match((await create(bench, {})).body.message, /\?timeout=1s": context deadline exceeded$/);
});

test('an answer that is none is not believed', async (t) => {
  const answers = [{ uid: 'other', allowed: true }, patchOf({ op: 'x' }), { allowed: false }];
  const { bench } = await validated(t, () => answers.shift() ?? ALLOWED);
  assert.match((await create(bench, {})).body.message, /webhook response: expected response.uid="[^"]+", got "other"$/);
  assert.match((await create(bench, {})).body.message, /validating webhook may not return response.patch$/);
  const { code, body } = await create(bench, {});
  assert.deepEqual(
    [code, body.message],
    [400, 'admission webhook "a.example.com" denied the request without explanation'],
  );
  assert.equal((await create(bench, {})).code, 201);
});

test('through a Service, with warnings; conditions, selectors and dry runs', async (t) => {
  const bench = await restBench(t);
  const hook = await webhookServer(t, () => ({ allowed: true, warnings: ['think again'] }));
  const metadata = { name: 'hook', namespace: 'default' };
  await bench.client.create('Service', { metadata, spec: { ports: [{ name: 'https', port: 8443 }] } });
  const ports = [{ name: 'https', port: hook.port }];
  await bench.client.create('Endpoints', { metadata, subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports }] });
  const service = { name: 'hook', namespace: 'default', port: 8443 };
  await configure(bench, 'validating', {
    clientConfig: { service, caBundle: hook.caBundle },
    matchConditions: [{ name: 'not-me', expression: "request.operation != 'DELETE'" }],
    objectSelector: { matchLabels: { check: 'yes' } },
  });
  const labels = { check: 'yes' };
  const dry = await create(bench, {}, '?dryRun=All', { labels });
  assert.equal(dry.code, 201);
  assert.match(dry.warnings.join(), /think again/);
  assert.deepEqual([hook.requests[0].dryRun, hook.requests[0].options.dryRun], [true, ['All']]);
  assert.equal((await create(bench, {})).code, 201);
  assert.equal((await bench.ask(`PATCH ${MAPS}/a`, { metadata: { labels } })).code, 200);
  assert.equal((await bench.ask(`DELETE ${MAPS}/a`)).code, 200);
  assert.deepEqual(
    hook.requests.map(({ operation }) => operation),
    ['CREATE', 'UPDATE'],
  );
});

test('a write that comes in between is not lost, and configurations can always be taken back', async (t) => {
  const bench = await restBench(t);
  let writes = 0;
  const hook = await webhookServer(t, async ({ operation, object }) => {
    if (operation !== 'UPDATE' || object.data?.own || writes++ > 0) return ALLOWED;
    await bench.ask(`PATCH ${MAPS}/a`, { data: { own: '1' } });
    return ALLOWED;
  });
  const rules = [{ ...RULE, apiGroups: ['*'], resources: ['*/*'] }];
  await configure(bench, 'validating', { clientConfig: hook.clientConfig(), rules });
  await create(bench, {});
  const { code, body } = await bench.ask(`PATCH ${MAPS}/a`, { data: { other: '2' } });
  assert.deepEqual([code, body.data], [200, { own: '1', other: '2' }]);
  const asked = hook.requests.length;
  assert.equal((await bench.ask(`DELETE ${GROUP}/validatingwebhookconfigurations/validating`)).code, 200);
  assert.equal(hook.requests.length, asked);
});

test('webhooks are asked in the version they know', async (t) => {
  const bench = await restBench(t);
  const hook = await webhookServer(t, () => ALLOWED);
  const autoscalers = { apiGroups: ['autoscaling'], operations: ['CREATE'], resources: ['horizontalpodautoscalers'] };
  const rules = [{ ...autoscalers, apiVersions: ['v1'] }];
  const clientConfig = hook.clientConfig();
  await configure(bench, 'validating', { clientConfig, rules }, { clientConfig, rules, matchPolicy: 'Exact' });
  const spec = { scaleTargetRef: { kind: 'Deployment', name: 'x' }, maxReplicas: 3 };
  const at = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
  const made = await bench.ask(`POST ${at}`, { metadata: { name: 'a' }, spec });
  assert.equal(made.code, 201, made.body.message);
  const versions = hook.requests.map(({ object, kind, requestKind }) => [
    ...[object.apiVersion, kind.version, requestKind.version],
  ]);
  assert.deepEqual(versions, [['autoscaling/v1', 'v1', 'v2']]);
});

test('configurations that could never work are refused', async (t) => {
  const { ask } = await restBench(t);
  const rules = [{ apiGroups: ['', '*'], apiVersions: ['v1'], operations: ['LIST'], resources: [] }];
  const whole = { clientConfig: { url: 'https://localhost/' }, sideEffects: 'None', admissionReviewVersions: ['v1'] };
  const webhook = { name: 'a.example.com', ...whole, rules, matchConditions: [{ name: 'c', expression: 'object.' }] };
  const refused = await ask(`POST ${GROUP}/validatingwebhookconfigurations`, {
    metadata: { name: 'a' },
    webhooks: [webhook],
  });
  assert.equal(refused.code, 422);
  const fields = refused.body.details.causes.map(({ field }: { field: string }) => field);
  const below = ['apiGroups', 'resources', 'operations[0]'].map((field) => `webhooks[0].rules[0].${field}`);
  assert.deepEqual(fields, [...below, 'webhooks[0].matchConditions[0].expression']);
});

test('where nobody could be asked is refused', async (t) => {
  const { ask } = await restBench(t);
  const service = { namespace: 'default', name: 'hook' };
  const cases: readonly (readonly [clientConfig: object, why: RegExp])[] = [
    [{ url: 'http://localhost/' }, /"http": 'https' is the only allowed URL scheme/],
    [{ url: 'https://' }, /clientConfig\.url: Required value: url must be a valid URL/],
    [{ url: 'https://me:secret@localhost/' }, /"\.\.\.": user information is not permitted in the URL$/],
    [{ url: 'https://localhost/?a=b' }, /"a=b": query parameters are not permitted/],
    [{ url: 'https://localhost/#a' }, /"a": fragments are not permitted/],
    [{ url: 'https://localhost/', service }, /exactly one of url or service is required/],
    [{ service: { ...service, port: 70_000 } }, /service\.port: Invalid value: 70000: port is not valid/],
    [{ service: { ...service, path: 'x' } }, /service\.path: Invalid value: "x": must start with a '\/'/],
  ];
  for (const [clientConfig, why] of cases) {
    const webhooks = [{ name: 'a.example.com', clientConfig, sideEffects: 'None', admissionReviewVersions: ['v1'] }];
    const { code, body } = await ask(`POST ${GROUP}/validatingwebhookconfigurations`, {
      metadata: { name: 'a' },
      webhooks,
    });
    assert.equal(code, 422);
    assert.match(body.message, why);
  }
});
