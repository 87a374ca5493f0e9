import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindNamed } from '@podwire/kube';
import { Authorizer } from '../authorization/authorizer.ts';
import { RbacIndex } from '../authorization/rbac-index.ts';
import { Store } from '../core/store.ts';
import { Budget } from '../custom/cel/budget.ts';
import type { ApiObject } from '../seam.ts';
import type { Attempt } from './attempt.ts';
import { factsOf } from './facts.ts';
import { compileConditions, compilePolicy } from './policy-expressions.ts';

const store = await Store.open({});
const put = (kind: 'ClusterRole' | 'ClusterRoleBinding', name: string, fields: object) =>
  store.put(kind, { apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name }, ...fields } as ApiObject);
const REF = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole' };
const bind = (name: string, subject: object) =>
  put('ClusterRoleBinding', name, { roleRef: { ...REF, name }, subjects: [subject] });
await put('ClusterRole', 'dev', {
  rules: [
    { verbs: ['get', 'scale'], apiGroups: ['apps'], resources: ['deployments', 'deployments/scale'] },
    { verbs: ['use'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'] },
    { verbs: ['get'], nonResourceURLs: ['/healthz'] },
  ],
});
await bind('dev', { kind: 'User', name: 'ann' });
await put('ClusterRole', 'robot', { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] });
await bind('robot', { kind: 'Group', name: 'system:serviceaccounts:default' });
await bind('gone', { kind: 'User', name: 'bob' });

const attempt: Attempt = {
  ...{ operation: 'CREATE', kind: kindNamed('ConfigMap'), user: { name: 'ann', groups: [] }, dryRun: false },
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } },
};
const authorizer = new Authorizer(new RbacIndex(store));

function evaluate(expression: string, user = 'ann'): unknown {
  const { expressions, faults } = compilePolicy({ variables: [{ name: 'x', expression }] });
  assert.deepEqual(faults, []);
  const facts = factsOf({ ...attempt, user: { name: user, groups: [] } }, 'v1', authorizer);
  return new Budget().run(() => expressions.variables[0]?.run(facts));
}

const deployments = "authorizer.group('apps').resource('deployments')";
const ANSWERS: readonly (readonly [expression: string, answer: unknown])[] = [
  [`${deployments}.check('get').allowed()`, true],
  [`${deployments}.check('create').allowed()`, false],
  [`${deployments}.subresource('scale').namespace('default').name('web').check('scale').allowed()`, true],
  [`${deployments}.subresource('status').check('get').allowed()`, false],
  [`${deployments}.fieldSelector('metadata.name=x').labelSelector('a=b').check('get').allowed()`, true],
  [
    `${deployments}.check('get').reason()`,
    'RBAC: allowed by ClusterRoleBinding "dev" of ClusterRole "dev" to User "ann"',
  ],
  [`${deployments}.check('get').errored()`, false],
  [`${deployments}.check('get').error()`, ''],
  ["authorizer.path('/healthz').check('get').allowed()", true],
  ["authorizer.path('/metrics').check('get').allowed()", false],
  ["authorizer.requestResource.check('use').allowed()", true],
  ["authorizer.requestResource.name('b').check('use').allowed()", false],
  ["authorizer.serviceAccount('default', 'x').group('').resource('pods').check('get').allowed()", true],
  ["authorizer.serviceAccount('other', 'x').group('').resource('pods').check('get').allowed()", false],
];

test('roles answer what expressions ask', () => {
  for (const [expression, answer] of ANSWERS) assert.deepEqual(evaluate(expression), answer, expression);
  const why = 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found';
  assert.equal(evaluate(`${deployments}.check('get').reason()`, 'bob'), why);
});

test('what cannot be asked is an error', () => {
  const wrong = (expression: string) => () => evaluate(expression);
  assert.throws(wrong("authorizer.path(' ').check('get').allowed()"), /path must not be empty/);
  assert.throws(wrong("authorizer.group('').resource('').check('get').allowed()"), /resource must not be empty/);
  assert.throws(wrong("authorizer.serviceAccount('a', 'B').path('/').check('get').allowed()"), /service account name/);
  assert.throws(wrong("authorizer.serviceAccount('A', 'b').path('/').check('get').allowed()"), /account namespace/);
});

test('an expression may ask twice', () => {
  const ask = `${deployments}.check('get').allowed()`;
  assert.equal(evaluate(`${ask} && ${ask}`), true);
  assert.throws(() => evaluate(`${ask} && ${ask} && ${ask}`), /cost limit exceeded/);
});

test('types are checked; messages cannot ask', () => {
  const faultOf = (expression: string) => compileConditions([{ expression }]).faults[0]?.why ?? '';
  assert.match(faultOf("authorizer.resource('pods').check('get').allowed()"), /no matching overload .*resource/);
  assert.match(faultOf(`${deployments}.check('get')`), /must evaluate to bool/);
  assert.match(faultOf(`${deployments}.check(1).allowed()`), /no matching overload .*check\(int\)/);
  assert.match(
    faultOf("authorizer.serviceAccount('a', 'b').requestResource.check('get').allowed()"),
    /requestResource/,
  );
  const messageExpression = "authorizer.path('/').check('get').reason()";
  const { faults } = compilePolicy({ validations: [{ expression: 'true', messageExpression }] });
  assert.match(faults[0]?.why ?? '', /Unknown variable: authorizer/);
});
