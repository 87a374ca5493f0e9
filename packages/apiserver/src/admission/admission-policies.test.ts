import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { restBench } from '../core/rest.fixture.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] };

/** A server with a policy that is bound, and how to write ConfigMap `a`. */
async function bound(t: TestContext, policy: object, binding: object = {}) {
  const bench = await restBench(t);
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

test('expressions that cannot be compiled are refused, and what is not enforced is told', async (t) => {
  const { made, tied } = await bound(
    t,
    { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'params == null' }] },
    { paramRef: { name: 'x' } },
  );
  for (const { code, warnings } of [made, tied]) {
    assert.equal(code, 201);
    assert.match(warnings.join(), /does not enforce policies with parameters/);
  }
  const { made: wrong } = await bound(t, { validations: [{ expression: 'object.' }, { expression: '1 + 1' }] });
  assert.equal(wrong.code, 422);
  assert.match(wrong.body.message, /spec\.validations\[0\]\.expression: Invalid value: "object\.": compilation failed/);
  assert.match(wrong.body.message, /spec\.validations\[1\]\.expression: .* must evaluate to a bool/);
});
