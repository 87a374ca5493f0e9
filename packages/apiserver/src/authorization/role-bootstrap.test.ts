import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import { startApiServer } from '../server.ts';
import { DEFAULT_BINDINGS, DEFAULT_ROLES, parseRule } from './default-roles.ts';

const NODES: PolicyRule = { verbs: ['get'], apiGroups: [''], resources: ['nodes'] };
const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

test('every line of a default role is a rule, and every binding has a role', () => {
  for (const [name, { rules = [], gathers }] of Object.entries(DEFAULT_ROLES)) {
    assert.ok(gathers || rules.length > 0, name);
    for (const line of rules) {
      const { verbs, apiGroups = [], resources = [], nonResourceURLs = [] } = parseRule(line);
      const words = [...verbs, ...apiGroups, ...resources, ...nonResourceURLs];
      assert.ok(
        words.every((word) => /^[-a-z0-9.*/]*$/.test(word)),
        `${name}: ${line}`,
      );
      assert.equal(nonResourceURLs.length > 0, resources.length === 0, `${name}: ${line}`);
    }
  }
  for (const name of Object.keys(DEFAULT_BINDINGS)) assert.ok(DEFAULT_ROLES[name], name);
});

test('a start gives back what was taken and keeps what was added', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'podwire-roles-'));
  t.after(() => rm(directory, { recursive: true }));
  const start = () =>
    startApiServer({ directory, serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
  const first = await start();
  const client = first.client();
  const before = await client.get('ClusterRole', { name: 'system:discovery' });
  await client.patch('ClusterRole', { name: 'system:discovery' }, { rules: [NODES] });
  await client.patch('ClusterRoleBinding', { name: 'system:basic-user' }, { subjects: null });
  await client.delete('ClusterRole', { name: 'view' });
  const mine = { rules: [NODES], metadata: { annotations: { [AUTOUPDATE]: 'false' } } };
  await client.patch('ClusterRole', { name: 'system:monitoring' }, mine);
  await first.close();
  const second = await start();
  const rulesOf = async (name: string) => (await second.client().get('ClusterRole', { name }))?.rules ?? [];
  const paths = (rules: PolicyRule[] = []) => rules.flatMap(({ nonResourceURLs = [] }) => nonResourceURLs).sort();
  const discovery = await rulesOf('system:discovery');
  assert.deepEqual(discovery[0], NODES);
  assert.deepEqual(paths(discovery), paths(before?.rules));
  assert.deepEqual(await rulesOf('system:monitoring'), [NODES]);
  assert.ok((await rulesOf('view')).length > 5);
  const binding = await second.client().get('ClusterRoleBinding', { name: 'system:basic-user' });
  assert.deepEqual(binding?.subjects, DEFAULT_BINDINGS['system:basic-user']);
  await second.close();
});

test('a start where nothing is missing writes nothing', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'podwire-roles-'));
  t.after(() => rm(directory, { recursive: true }));
  const revisions: string[] = [];
  for (let i = 0; i < 2; i++) {
    const server = await startApiServer({
      directory,
      serviceCidrs: [parsePrefix('10.96.0.0/12')],
      nodePortRange: [30000, 32767],
    });
    revisions.push((await server.client().list('ClusterRole')).resourceVersion);
    await server.close();
  }
  assert.equal(revisions[0], revisions[1]);
});
