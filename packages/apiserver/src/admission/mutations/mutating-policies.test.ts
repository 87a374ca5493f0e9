import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { restBench } from '../../core/rest.fixture.ts';
import { configure, patchOf, webhookServer } from '../webhooks/webhook-server.fixture.ts';

const GROUP = '/apis/admissionregistration.k8s.io';
const MAPS = '/api/v1/namespaces/default/configmaps';
const rule = (resources: readonly string[], group = '') => ({
  ...{ apiGroups: [group], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources },
});

const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const patch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

/** A server with policies `a`, `b`... that are bound, and how to write ConfigMap `a`. */
async function bound(t: TestContext, policies: readonly object[], binding: object = {}) {
  const bench = await restBench(t);
  for (const [index, policy] of policies.entries()) {
    const name = 'abc'[index];
    const matchConstraints = { resourceRules: [rule(['configmaps'])] };
    const spec = { matchConstraints, reinvocationPolicy: 'Never', ...policy };
    const made = await bench.ask(`POST ${GROUP}/v1/mutatingadmissionpolicies`, { metadata: { name }, spec });
    assert.equal(made.code, 201, made.text);
    const bindings = `POST ${GROUP}/v1beta1/mutatingadmissionpolicybindings`;
    const tied = await bench.ask(bindings, { metadata: { name }, spec: { policyName: name, ...binding } });
    assert.equal(tied.code, 201, tied.text);
  }
  const create = (data: object, metadata: object = {}) =>
    bench.ask(`POST ${MAPS}`, { metadata: { name: 'a', ...metadata }, data });
  return { ...bench, create };
}

test('a configuration is applied, with variables and conditions', async (t) => {
  const { create, ask } = await bound(t, [
    {
      matchConditions: [
        { name: 'c', expression: "!has(object.metadata.labels) || !('skip' in object.metadata.labels)" },
      ],
      variables: [{ name: 'size', expression: 'string(size(object.data))' }],
      mutations: [
        apply(
          "Object{data: {'size': variables.size}, metadata: Object.metadata{labels: {'by': request.userInfo.username}}}",
        ),
        apply("Object{data: {?'seen': object.?data.?size, ?'none': object.?data.?none, 'size': variables.size}}"),
      ],
    },
  ]);
  const { code, body } = await create({ x: '1' });
  assert.deepEqual([code, body.data], [201, { x: '1', size: '2', seen: '1' }]);
  assert.deepEqual(body.metadata.labels, { by: 'kubernetes-admin' });
  const changed = await ask(`PATCH ${MAPS}/a`, { data: { y: '1', size: null, seen: null } });
  assert.deepEqual(changed.body.data, { x: '1', y: '1', size: '3', seen: '2' });
  assert.deepEqual((await create({}, { name: 'b', labels: { skip: '' } })).body.data, {});
  assert.equal((await ask(`DELETE ${MAPS}/a`)).code, 200);
});

test('a JSON patch is applied, unless a test in it fails', async (t) => {
  const { create } = await bound(t, [
    {
      mutations: [
        patch(
          "[JSONPatch{op: 'test', path: '/data/x', value: '1'}, JSONPatch{op: 'move', from: '/data/x', path: '/data/y'}]",
        ),
        patch('object.data.?z.hasValue() ? [JSONPatch{op: "remove", path: "/data/z"}] : []'),
        patch("[JSONPatch{op: 'add', path: '/metadata/labels', value: Object.metadata.labels{one: 'two'}}]"),
        patch("[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a.b/c'), value: 'd'}]"),
      ],
    },
  ]);
  const { body } = await create({ x: '1', z: '1' });
  assert.deepEqual([body.data, body.metadata.labels], [{ y: '1' }, { one: 'two', 'a.b/c': 'd' }]);
});

test('lists are merged by their keys, and what is added gets its defaults', async (t) => {
  const container =
    "Object.spec.template.spec.containers{name: 'side', image: 'side:1', ports: [Object.spec.template.spec.containers.ports{containerPort: 80}]}";
  const { ask } = await bound(t, [
    {
      matchConstraints: { resourceRules: [rule(['deployments'], 'apps')] },
      mutations: [
        apply(
          `Object{spec: Object.spec{replicas: 3, template: Object.spec.template{spec: Object.spec.template.spec{containers: [${container}]}}}}`,
        ),
      ],
    },
  ]);
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: 'main:1' }] } };
  const made = await ask('POST /apis/apps/v1/namespaces/default/deployments', {
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: { a: 'b' } }, template },
  });
  assert.equal(made.code, 201, made.text);
  const {
    replicas,
    template: { spec },
  } = made.body.spec;
  assert.deepEqual([replicas, spec.containers.map(({ name }: { name: string }) => name)], [3, ['main', 'side']]);
  assert.deepEqual(spec.containers[1].ports, [{ containerPort: 80, protocol: 'TCP' }]);
  assert.equal(spec.containers[1].imagePullPolicy, 'IfNotPresent');
});

const REFUSED: readonly (readonly [expression: string, why: RegExp])[] = [
  ['Object{data: {"x": object.data.none}}', /expression '.*' resulted in error: no such key: none$/],
  ['Object{data: Object.wrong{x: "1"}}', /type mismatch: unexpected type name "Object.wrong", expected "Object.data"/],
  ['Object{nope: 1}', /unknown field "nope"/],
  ['Object{metadata: Object.metadata{finalizers: 1}}', /json: cannot unmarshal|cannot be|expected/],
];

test('what cannot be applied is refused, or does not matter', async (t) => {
  for (const [expression, why] of REFUSED) {
    const strict = await bound(t, [{ mutations: [apply(expression)] }]);
    const { code, body } = await strict.create({ x: '1' });
    assert.deepEqual([code, body.reason], [403, 'Invalid'], body.message);
    assert.match(body.message, /^policy 'a' with binding 'a' denied request: /);
    assert.match(body.message, why);
  }
  const lenient = await bound(t, [
    { failurePolicy: 'Ignore', mutations: [apply(REFUSED[0]?.[0] ?? ''), apply('Object{data: {"y": "1"}}')] },
  ]);
  assert.deepEqual((await lenient.create({ x: '1' })).body.data, { x: '1', y: '1' });
});

test('lists that are one value are not merged', async (t) => {
  const { ask } = await bound(t, [
    {
      matchConstraints: { resourceRules: [rule(['pods'])] },
      mutations: [
        apply(
          "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'c', args: ['x']}], nodeSelector: Object.spec.nodeSelector{a: 'b'}}}",
        ),
      ],
    },
  ]);
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const { body } = await ask('POST /api/v1/namespaces/default/pods', pod);
  const why =
    'denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ';
  assert.ok(body.message.endsWith(`${why}.spec.containers[0].args, .spec.nodeSelector`), body.message);
});

test('parameters each have their say; policies come by name, and again when they want to', async (t) => {
  const add = (text: string) => `Object{data: {'seen': (has(object.data.seen) ? object.data.seen : '') + ${text}}}`;
  const paramKind = { apiVersion: 'v1', kind: 'Secret' };
  const paramRef = { selector: {}, parameterNotFoundAction: 'Allow' };
  const { create, client } = await bound(
    t,
    [
      { paramKind, mutations: [apply(add('params.metadata.name'))], reinvocationPolicy: 'IfNeeded' },
      { mutations: [apply(add("'-b-'"))] },
    ],
    { paramRef },
  );
  assert.equal((await create({})).body.data.seen, '-b-');
  for (const name of ['x', 'y']) await client.create('Secret', { metadata: { name, namespace: 'default' } });
  assert.equal((await create({}, { name: 'b' })).body.data.seen, 'xy-b-xy');
});

test('webhooks come after policies, and make them come again', async (t) => {
  const count = 'string(has(object.data.n) ? int(object.data.n) + 1 : 1)';
  const policy = { mutations: [apply(`Object{data: {'n': ${count}}}`)], reinvocationPolicy: 'IfNeeded' };
  const bench = await bound(t, [policy]);
  const hook = await webhookServer(t, () => patchOf({ op: 'add', path: '/data/hook', value: 'yes' }));
  await configure(bench, 'mutating', { clientConfig: hook.clientConfig() });
  assert.deepEqual((await bench.create({})).body.data, { n: '2', hook: 'yes' });
  assert.deepEqual(
    hook.requests.map(({ object }) => object.data),
    [{ n: '1' }],
  );
});

test('policies that could never work are refused', async (t) => {
  const { ask } = await restBench(t);
  const make = async (spec: object) =>
    (await ask(`POST ${GROUP}/v1alpha1/mutatingadmissionpolicies`, { metadata: { name: 'p' }, spec })).body.message;
  const empty = await make({});
  for (const field of ['matchConstraints', 'mutations', 'reinvocationPolicy'])
    assert.match(empty, new RegExp(`spec.${field}: Required`));
  const resourceRules = [{ ...rule(['pods']), operations: ['DELETE'] }];
  const wrong = await make({
    matchConstraints: { resourceRules },
    reinvocationPolicy: 'Never',
    mutations: [
      apply('Object.spec{}'),
      patch("['a']"),
      patch("[JSONPatch{op: 1, path: '/'}]"),
      patch("[JSONPatch{x: ''}]"),
      { patchType: 'JSONPatch' },
      patch("[JSONPatch{op: 'add', path: '/', value: dyn({})}]"),
    ],
  });
  for (const why of [
    /operations: Unsupported value: "DELETE"/,
    /mutations\[0\].applyConfiguration.expression: .* must evaluate to Object/,
    /mutations\[1\].jsonPatch.expression: .* must evaluate to list\(JSONPatch\)/,
    /mutations\[2\].jsonPatch.expression: .* expected type of field 'op' is 'string' but provided type is 'int'/,
    /mutations\[3\].jsonPatch.expression: .* undefined field 'x'/,
    /mutations\[4\].jsonPatch: Required value: must be specified when patchType is JSONPatch/,
  ])
    assert.match(wrong, why);
  assert.doesNotMatch(wrong, /mutations\[5\]/);
});

test('objects are changed in the version a policy knows, scales as what they are', async (t) => {
  const scales = { resourceRules: [rule(['deployments/scale'], 'apps')] };
  const autoscalers = { resourceRules: [rule(['horizontalpodautoscalers'], 'autoscaling')] };
  const { ask } = await bound(t, [
    { matchConstraints: scales, mutations: [apply('Object{spec: Object.spec{replicas: 5}}')] },
    {
      matchConstraints: autoscalers,
      mutations: [apply('Object{spec: Object.spec{targetCPUUtilizationPercentage: 42}}')],
    },
  ]);
  const labels = { a: 'b' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const at = '/apis/apps/v1/namespaces/default/deployments';
  await ask(`POST ${at}`, { metadata: { name: 'd' }, spec: { selector: { matchLabels: labels }, template } });
  assert.equal((await ask(`PATCH ${at}/d/scale`, { spec: { replicas: 2 } })).body.spec.replicas, 5);
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
  const made = await ask('POST /apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
    metadata: { name: 'h' },
    spec: { scaleTargetRef, maxReplicas: 3 },
  });
  assert.deepEqual([made.code, made.body.spec.metrics?.[0].resource.target.averageUtilization], [201, 42], made.text);
});

test('what there is keeps its name, whatever a policy wants', async (t) => {
  const { create, ask } = await bound(t, [
    { mutations: [patch("[JSONPatch{op: 'replace', path: '/metadata/name', value: 'theirs'}]")] },
  ]);
  assert.equal((await create({ a: '1' })).body.metadata.name, 'theirs');
  const policies = `${GROUP}/v1/mutatingadmissionpolicies/a`;
  const mutations = [patch("[JSONPatch{op: 'replace', path: '/metadata/name', value: 'other'}]")];
  assert.equal((await ask(`PATCH ${policies}`, { spec: { mutations } })).code, 200);
  const { code, body } = await ask(`PATCH ${MAPS}/theirs`, { data: { a: '2' } });
  assert.deepEqual(
    [code, body.details.causes],
    [
      422,
      [{ reason: 'FieldValueInvalid', message: 'Invalid value: "other": field is immutable', field: 'metadata.name' }],
    ],
  );
  assert.equal((await ask(`GET ${MAPS}/other`)).code, 404);
});
