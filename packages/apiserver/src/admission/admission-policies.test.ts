import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { auditLines, restBench } from '../core/rest.fixture.ts';
import { Budget } from '../custom/cel/budget.ts';
import type { ApiServerOptions } from '../server.ts';
import { unmetCondition } from './conditions.ts';
import { compileConditions, compilePolicy, type Expression, type PolicySpec } from './policy-expressions.ts';
import { findingsOf } from './policy-violations.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] };

/** A server with a policy that is bound, and how to write ConfigMap `a`. */
async function bound(t: TestContext, policy: object, binding: object = {}, options: ApiServerOptions = {}) {
  const bench = await restBench(t, options);
  const make = (plural: string, fields: object) =>
    bench.ask(`POST ${GROUP}/${plural}`, { metadata: { name: 'p' }, ...fields });
  const spec = { matchConstraints: { resourceRules: [RULE] }, ...policy };
  const made = await make('validatingadmissionpolicies', { spec });
  const actions = { policyName: 'p', validationActions: ['Deny'], ...binding };
  const tied = await make('validatingadmissionpolicybindings', { spec: actions });
  const create = (data: object, metadata: object = {}) =>
    bench.ask('POST /api/v1/namespaces/default/configmaps', { metadata: { name: 'a', ...metadata }, data });
  return { ...bench, create, made, tied };
}

const SMALL = { expression: 'size(object.data) < 2' };
const TITLE = "ValidatingAdmissionPolicy 'p' with binding 'p'";

test('what a policy denies is not written', async (t) => {
  const { create, ask } = await bound(t, { validations: [SMALL] });
  const { code, body } = await create({ x: '1', y: '2' });
  const why = `${TITLE} denied request: failed expression: ${SMALL.expression}`;
  assert.deepEqual([code, body.reason, body.message], [422, 'Invalid', `configmaps "a" is forbidden: ${why}`]);
  assert.equal((await create({ x: '1' })).code, 201);
  const patch = await ask('PATCH /api/v1/namespaces/default/configmaps/a', { data: { y: '2' } });
  assert.equal(patch.code, 422);
  assert.equal((await ask('DELETE /api/v1/namespaces/default/configmaps/a')).code, 200);
  assert.equal((await ask('POST /api/v1/namespaces', { metadata: { name: 'other' } })).code, 201);
  assert.equal((await ask(`DELETE ${GROUP}/validatingadmissionpolicybindings/p`)).code, 200);
  assert.equal((await create({ x: '1', y: '2' })).code, 201);
});

test('variables, conditions, messages and reasons; deletions and who asks', async (t) => {
  const { create, ask } = await bound(t, {
    matchConstraints: { resourceRules: [{ ...RULE, operations: ['*'] }] },
    matchConditions: [{ name: 'c', expression: "request.operation != 'UPDATE'" }],
    variables: [
      { name: 'label', expression: "oldObject == null ? 'new' : oldObject.metadata.labels['keep']" },
      { name: 'shown', expression: 'variables.label + request.userInfo.username' },
    ],
    validations: [
      {
        expression: "variables.label != 'yes'",
        messageExpression: "'not ' + request.operation + ' ' + request.name",
        reason: 'Forbidden',
      },
      { expression: "variables.shown != ''", message: 'unseen' },
    ],
  });
  assert.equal((await create({}, { labels: { keep: 'yes' } })).code, 201);
  const { code, body } = await ask('DELETE /api/v1/namespaces/default/configmaps/a');
  assert.deepEqual([code, body.message], [403, `configmaps "a" is forbidden: ${TITLE} denied request: not DELETE a`]);
  const patch = await ask('PATCH /api/v1/namespaces/default/configmaps/a', { metadata: { labels: { keep: 'no' } } });
  assert.equal(patch.code, 200);
  assert.equal((await ask('DELETE /api/v1/namespaces/default/configmaps/a')).code, 200);
});

test('what cannot be evaluated denies, unless the policy ignores it; Warn warns', async (t) => {
  const spec = { validations: [{ expression: "object.data.x == '1'" }] };
  const strict = await bound(t, spec, { validationActions: ['Warn'] });
  const { code, warnings } = await strict.create({ y: '1' });
  assert.equal(code, 201);
  assert.match(warnings.join(), /Validation failed for .* resulted in error: no such key: x/);
  const lenient = await bound(t, { ...spec, failurePolicy: 'Ignore' });
  assert.equal((await lenient.create({ y: '1' })).code, 201);
});

test('selectors choose objects and namespaces', async (t) => {
  const selected = { matchLabels: { strict: 'yes' } };
  const never = [{ expression: 'false' }];
  const { create } = await bound(t, { validations: never }, { matchResources: { objectSelector: selected } });
  assert.equal((await create({})).code, 201);
  assert.equal((await create({}, { name: 'b', labels: { strict: 'yes' } })).code, 422);
  const matchConstraints = { resourceRules: [RULE], namespaceSelector: selected };
  const other = await bound(t, { validations: never, matchConstraints });
  assert.equal((await other.create({})).code, 201);
  await other.ask('PATCH /api/v1/namespaces/default', { metadata: { labels: { strict: 'yes' } } });
  assert.equal((await other.create({}, { name: 'b' })).code, 422);
});

test('policies take values from the objects their bindings name, each once', async (t) => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  const validations = [
    { expression: 'size(object.data) <= int(params.data.most)', messageExpression: 'string(params.data.why)' },
  ];
  const paramRef = { selector: { matchLabels: { limits: 'yes' } }, parameterNotFoundAction: 'Deny' };
  const matchResources = { objectSelector: { matchExpressions: [{ key: 'limits', operator: 'DoesNotExist' }] } };
  const { create, client, made, tied } = await bound(t, { paramKind, validations }, { paramRef, matchResources });
  assert.deepEqual([made.code, tied.code], [201, 201], made.text + tied.text);
  const none = 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction';
  assert.equal((await create({})).body.message, `configmaps "a" is forbidden: ${TITLE} denied request: ${none}`);
  const limit = (name: string, data: { [key: string]: string }) =>
    client.create('ConfigMap', { metadata: { name, namespace: 'default', labels: { limits: 'yes' } }, data });
  await limit('two', { most: '2', why: 'two are enough' });
  assert.equal((await create({ x: '1', y: '2' })).code, 201);
  await limit('one', { most: '1', why: 'one is enough' });
  const { code, body } = await create({ x: '1', y: '2' }, { name: 'b' });
  assert.deepEqual([code, body.message], [422, `configmaps "b" is forbidden: ${TITLE} denied request: one is enough`]);
});

test('parameters that are no use: unknown kinds, cluster-wide kinds with a namespace', async (t) => {
  const validations = [{ expression: 'params == null' }];
  const ref = { name: 'x', parameterNotFoundAction: 'Allow' };
  const unknown = await bound(t, { paramKind: { apiVersion: 'x.io/v1', kind: 'Y' }, validations }, { paramRef: ref });
  assert.match((await unknown.create({})).body.message, /paramKind kind `x.io\/v1, Kind=Y` not known$/);
  const paramKind = { apiVersion: 'v1', kind: 'Node' };
  const wide = await bound(t, { paramKind, validations }, { paramRef: { ...ref, namespace: 'default' } });
  assert.match((await wide.create({})).body.message, /must not be provided for a cluster-scoped `paramKind`$/);
  // Nothing to check with, nothing to check.
  const absent = await bound(t, { paramKind, validations }, { paramRef: ref });
  assert.equal((await absent.create({})).code, 201);
});

test('a binding that audits, and annotations, write into the audit file', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-audit-'));
  const auditFile = path.join(directory, 'audit');
  const auditAnnotations = [
    { key: 'size', valueExpression: "'has ' + string(size(object.data))" },
    { key: 'none', valueExpression: 'null' },
  ];
  const spec = { validations: [SMALL], auditAnnotations };
  const { create } = await bound(t, spec, { validationActions: ['Audit'] }, { auditFile });
  t.after(() => rmSync(directory, { recursive: true }));
  assert.equal((await create({ x: '1', y: '2' })).code, 201);
  const lines = await auditLines(auditFile, /configmaps/);
  const { annotations } = lines.map((line) => JSON.parse(line)).find(({ resource }) => resource === 'configmaps');
  const failure = { message: `failed expression: ${SMALL.expression}`, policy: 'p', binding: 'p', expressionIndex: 0 };
  assert.deepEqual(annotations, {
    'p/size': 'has 2',
    'validation.policy.admission.k8s.io/validation_failure': JSON.stringify([
      { ...failure, validationActions: ['Audit'] },
    ]),
  });
});

test('a variable that cannot be evaluated is an error where it is used', async (t) => {
  const variables = [{ name: 'x', expression: "object.data['x']" }];
  const validations = [{ expression: "size(object.data) == 0 || variables.x == '1'" }];
  const { create } = await bound(t, { variables, validations });
  assert.equal((await create({})).code, 201);
  const why = 'resulted in error: composited variable "x" fails to evaluate: no such key: x';
  assert.ok((await create({ y: '1' }, { name: 'b' })).body.message.endsWith(why));
});

test('expressions and references that are wrong are refused', async (t) => {
  const { made: wrong } = await bound(t, { validations: [{ expression: 'object.' }, { expression: '1 + 1' }] });
  assert.equal(wrong.code, 422);
  assert.match(wrong.body.message, /spec\.validations\[0\]\.expression: Invalid value: "object\.": compilation failed/);
  assert.match(wrong.body.message, /spec\.validations\[1\]\.expression: .* must evaluate to bool/);
  const { made, tied } = await bound(t, { paramKind: { kind: 'X' }, validations: [SMALL] }, { paramRef: {} });
  assert.match(made.body.message, /spec\.paramKind\.apiVersion: Required value/);
  assert.match(tied.body.message, /spec\.paramRef: Required value: one of name or selector must be specified/);
});

test('a policy asks the roles what the writer may do', async (t) => {
  const validations = [
    { expression: "authorizer.requestResource.check('approve').allowed()", message: 'not approved' },
  ];
  const { server, client } = await bound(t, { validations });
  const ann = server.client({ name: 'ann', groups: ['system:authenticated'] });
  const bind = (name: string) =>
    client.create('ClusterRoleBinding', {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ann' }],
    });
  await bind('edit');
  const write = () => ann.create('ConfigMap', { metadata: { name: 'a', namespace: 'default' } });
  await assert.rejects(write, /not approved/);
  const rules = [{ verbs: ['approve'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'] }];
  await client.create('ClusterRole', { metadata: { name: 'approver' }, rules });
  await bind('approver');
  assert.equal((await write()).metadata?.name, 'a');
});

test('expressions speak of what there is: params of a kind, variables before them', async (t) => {
  const { made } = await bound(t, {
    matchConditions: [{ name: 'c', expression: 'variables.a == 1' }],
    variables: [
      { name: 'a', expression: 'variables.b' },
      { name: 'b', expression: '1' },
    ],
    validations: [{ expression: 'params.data.x == variables.c' }, { expression: 'variables.a + variables.b == 2' }],
    auditAnnotations: [{ key: 'k', valueExpression: '1' }],
  });
  const { causes } = made.body.details;
  assert.deepEqual(
    causes.map(({ field, message }: { field: string; message: string }) => [field, message.split('": ')[1]]),
    [
      ['spec.matchConditions[0].expression', 'compilation failed: Unknown variable: variables'],
      ['spec.variables[0].expression', "compilation failed: undefined field 'b'"],
      ['spec.auditAnnotations[0].valueExpression', 'must evaluate to one of [string null_type] but got int'],
      ['spec.validations[0].expression', 'compilation failed: Unknown variable: params'],
    ],
  );
});

test('an expression whose type is not known to be the right one is refused, like those of other types', async () => {
  const spec = (expression: string, field = 'expression') => ({
    validations: [{ expression: 'true', [field]: expression }],
  });
  const whyOf = (policy: PolicySpec) => compilePolicy(policy).faults.map(({ why }) => why);
  const refused: readonly (readonly [policy: PolicySpec, got: string])[] = [
    [spec('object.data.approved'), 'bool but got dyn'],
    [spec('object.?data.orValue(true)'), 'bool but got dyn'],
    [spec('has(object.a) ? true : object.b'), 'bool but got dyn'],
    [spec('[object.a]'), 'bool but got list(dyn)'],
    [spec('object.a', 'messageExpression'), 'string but got dyn'],
    [spec('request.name'), 'bool but got string'],
    [{ matchConditions: [{ expression: 'object.a' }] }, 'bool but got dyn'],
    [{ auditAnnotations: [{ key: 'k', valueExpression: 'object.a' }] }, 'one of [string null_type] but got dyn'],
    [{ variables: [{ name: 'v', expression: 'object.a' }], ...spec('variables.v') }, 'bool but got dyn'],
    [
      { mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'object' } }] },
      'Object but got dyn',
    ],
    [
      { mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[object]' } }] },
      'list(JSONPatch) but got list(dyn)',
    ],
  ];
  for (const [policy, got] of refused) assert.deepEqual(whyOf(policy), [`must evaluate to ${got}`]);
  assert.deepEqual(whyOf(spec('request.nothing')), ['compilation failed: No such key: nothing']);
  assert.equal(compileConditions([{ expression: 'object.a' }]).faults[0]?.why, 'must evaluate to bool but got dyn');
  const names = { v: 'object.a == 1', w: 'variables.v', text: "'a' + object.a", groups: 'request.userInfo.groups' };
  const variables = Object.entries(names).map(([name, expression]) => ({ name, expression }));
  const sound = [
    'request.dryRun',
    'variables.w',
    'variables.?v.orValue(false)',
    "'a' in variables.groups",
    '!object.a',
  ];
  for (const expression of sound) assert.deepEqual(whyOf({ variables, ...spec(expression) }), [], expression);
  for (const text of ['variables.text', 'request.operation', 'request.userInfo.username', 'variables.groups[0]'])
    assert.deepEqual(whyOf({ variables, ...spec(text, 'messageExpression') }), [], text);
});

test('a stored policy denies when what it gives is not true, and when its conditions give no bool', () => {
  const findings = (value: unknown, isStrict: boolean, conditions: readonly Expression[] = []) => {
    const validation = { text: 'x', run: () => value, message: undefined, messageOf: undefined, reason: 'Invalid' };
    const none = { variables: [], annotations: [], mutations: [] };
    return findingsOf({ ...none, conditions, validations: [validation] }, {}, isStrict).violations.length;
  };
  for (const value of ['yes', null, 1n, undefined, false]) assert.equal(findings(value, true), 1);
  assert.equal(findings(true, true), 0);
  const condition = (value: unknown): Expression => ({ text: 'c', run: () => value });
  assert.deepEqual([findings(true, true, [condition('yes')]), findings(false, false, [condition('yes')])], [1, 0]);
  assert.equal(findings(false, true, [condition('yes'), condition(false)]), 0);
  assert.equal(
    unmetCondition([condition('yes')], {}, new Budget(100))?.why,
    "expression 'c' resulted in error: must evaluate to bool",
  );
  const stored = compilePolicy({ validations: [{ expression: 'object.data.approved' }] }).expressions;
  assert.equal(findingsOf(stored, { object: new Map() }, true).violations.length, 1);
});

test('a binding says at least one thing to do, and each once', async (t) => {
  const twice = await bound(t, { validations: [SMALL] }, { validationActions: ['Deny', 'Deny'] });
  assert.match(twice.tied.body.message, /spec.validationActions.*Duplicate value: "Deny"/);
});
