import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes } from '../authorization/attributes.ts';
import { Authorizer } from '../authorization/authorizer.ts';
import { RbacIndex } from '../authorization/rbac-index.ts';
import { Store } from '../core/store.ts';
import { actingUser } from './impersonation.ts';

const root = { name: 'root', groups: ['system:masters'] };
const authorizer = new Authorizer(new RbacIndex(await Store.open({})));
const acting = (...headers: string[]) => actingUser(root, headers, authorizer);

test('without the headers one is oneself', () => {
  assert.equal(acting('Accept', 'x', 'X-Impersonate-User', 'y'), root);
});

test('users with groups, uid and more; nothing of the impersonator stays', () => {
  const found = acting(
    ...['Impersonate-User', 'ann', 'impersonate-group', 'a, b', 'Impersonate-Group', 'c'],
    ...['Impersonate-Uid', '7', 'Impersonate-Extra-Acme.com%2Fproject', 'x'],
  );
  assert.deepEqual(found, {
    name: 'ann',
    groups: ['a, b', 'c', 'system:authenticated'],
    uid: '7',
    extra: { 'acme.com/project': ['x'] },
  });
});

test('a service account has its groups; nobody is somebody', () => {
  assert.deepEqual(acting('Impersonate-User', 'system:serviceaccount:a:b').groups, [
    'system:serviceaccounts',
    'system:serviceaccounts:a',
    'system:authenticated',
  ]);
  assert.deepEqual(acting('Impersonate-User', 'system:anonymous').groups, ['system:unauthenticated']);
});

test('groups without a user are a mistake', () => {
  assert.throws(() => acting('Impersonate-Group', 'system:masters'), { code: 'KUBE_API' });
  assert.throws(() => acting('Impersonate-User', ''), { code: 'KUBE_API' });
});

test('each of them has to be allowed', () => {
  const asked: Attributes[] = [];
  const watched = { require: (_user: unknown, one: Attributes) => void asked.push(one) } as unknown as Authorizer;
  const headers = ['Impersonate-User', 'system:serviceaccount:a:b', 'Impersonate-Group', 'g'];
  actingUser({ name: 'x', groups: [] }, [...headers, 'Impersonate-Uid', '7', 'Impersonate-Extra-K', 'v'], watched);
  assert.deepEqual(
    asked.map(({ verb, resource }) => [verb, resource?.group, resource?.resource, resource?.namespace, resource?.name]),
    [
      ['impersonate', '', 'serviceaccounts', 'a', 'b'],
      ['impersonate', '', 'groups', '', 'g'],
      ['impersonate', 'authentication.k8s.io', 'uids', '', '7'],
      ['impersonate', 'authentication.k8s.io', 'userextras', '', 'v'],
    ],
  );
  assert.throws(() => actingUser({ name: 'x', groups: [] }, headers, authorizer), { code: 'KUBE_FORBIDDEN' });
});
