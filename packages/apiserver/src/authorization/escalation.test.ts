import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import { createKubeClient, type KubeClient } from '@podwire/kube';
import type { ClusterRole, PolicyRule } from 'kubernetes-types/rbac/v1.js';
import { parse } from 'yaml';
import { startApiServer } from '../server.ts';

const apiGroup = 'rbac.authorization.k8s.io';
const RBAC: PolicyRule = {
  verbs: ['create', 'update', 'patch', 'delete', 'get'],
  apiGroups: [apiGroup],
  resources: ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'],
};
const PODS: PolicyRule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
const NODES: PolicyRule = { verbs: ['get'], apiGroups: [''], resources: ['nodes'] };
const FORBIDDEN = { code: 'KUBE_FORBIDDEN' };

/** A server, its administrator, and a client of ann, who has the rules everywhere. */
async function bench(t: TestContext, rules: PolicyRule[]): Promise<{ admin: KubeClient; ann: KubeClient }> {
  const tokens = { ann: { name: 'ann', groups: [] } };
  const cidrs = { serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] } as const;
  const server = await startApiServer({ ...cidrs, tokens });
  const url = `https://127.0.0.1:${await server.listenHttps({ address: '127.0.0.1', port: 0 })}`;
  const config = parse(server.kubeconfig(url)) as { clusters: { cluster: Record<string, string> }[] };
  const ca = Buffer.from(config.clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString();
  const ann = createKubeClient({ url, ca, token: 'ann' });
  t.after(async () => {
    await ann.close();
    await server.close();
  });
  const admin = server.client();
  await admin.create('ClusterRole', { metadata: { name: 'of-ann' }, rules });
  await admin.create('ClusterRoleBinding', {
    metadata: { name: 'of-ann' },
    roleRef: { apiGroup, kind: 'ClusterRole', name: 'of-ann' },
    subjects: [{ kind: 'User', name: 'ann', apiGroup }],
  });
  return { admin, ann };
}

const roleOf = (name: string, ...rules: PolicyRule[]): ClusterRole => ({ metadata: { name }, rules });
const bindingOf = (name: string, role: string, user = 'bob') => ({
  metadata: { name, namespace: 'default' },
  roleRef: { apiGroup, kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'User', name: user, apiGroup }],
});

test('roles: only of rules one has, whichever way they are written', async (t) => {
  const { admin, ann } = await bench(t, [RBAC, PODS]);
  await ann.create('ClusterRole', roleOf('pods', PODS));
  await assert.rejects(ann.create('ClusterRole', roleOf('nodes', NODES)), FORBIDDEN);
  await assert.rejects(ann.create('ClusterRole', roleOf('all', { ...PODS, verbs: ['*'] })), FORBIDDEN);
  const stored = await ann.get('ClusterRole', { name: 'pods' });
  await assert.rejects(ann.update('ClusterRole', { ...stored, rules: [NODES] }), FORBIDDEN);
  await assert.rejects(ann.patch('ClusterRole', { name: 'pods' }, { rules: [NODES] }), FORBIDDEN);
  const applied = { apiVersion: `${apiGroup}/v1`, kind: 'ClusterRole', ...roleOf('new', NODES) };
  await assert.rejects(ann.patch('ClusterRole', { name: 'new' }, applied, { type: 'apply' }), FORBIDDEN);
  // What somebody else gave may be kept, and taken.
  await admin.create('ClusterRole', roleOf('given', NODES, PODS));
  await ann.patch('ClusterRole', { name: 'given' }, { metadata: { labels: { a: 'b' } } });
  await ann.patch('ClusterRole', { name: 'given' }, { rules: [PODS] });
  await assert.rejects(ann.patch('ClusterRole', { name: 'given' }, { rules: [NODES] }), FORBIDDEN);
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
  await assert.rejects(ann.create('ClusterRole', { ...roleOf('gathers'), aggregationRule }), FORBIDDEN);
  await assert.rejects(ann.patch('ClusterRole', { name: 'pods' }, { aggregationRule }), FORBIDDEN);
});

test('bindings: only of roles whose rules one has', async (t) => {
  const { admin, ann } = await bench(t, [RBAC, PODS]);
  await admin.create('ClusterRole', roleOf('pods', PODS));
  await ann.create('RoleBinding', bindingOf('pods', 'pods'));
  await assert.rejects(ann.create('RoleBinding', bindingOf('root', 'cluster-admin', 'ann')), FORBIDDEN);
  await assert.rejects(ann.create('RoleBinding', bindingOf('none', 'no-such')), { code: 'KUBE_NOT_FOUND' });
  await admin.create('RoleBinding', bindingOf('given', 'cluster-admin'));
  const subjects = [{ kind: 'User', name: 'ann', apiGroup }];
  const key = { namespace: 'default', name: 'given' };
  await assert.rejects(ann.patch('RoleBinding', key, { subjects }), FORBIDDEN);
  await ann.patch('RoleBinding', key, { metadata: { labels: { a: 'b' } } });
});

test('escalate and bind are verbs one may have', async (t) => {
  const escalate = { verbs: ['escalate'], apiGroups: [apiGroup], resources: ['clusterroles'] };
  const bind = { verbs: ['bind'], apiGroups: [apiGroup], resources: ['clusterroles'], resourceNames: ['view'] };
  const { ann } = await bench(t, [RBAC, escalate, bind]);
  await ann.create('ClusterRole', roleOf('nodes', NODES));
  await ann.create('RoleBinding', bindingOf('view', 'view'));
  await assert.rejects(ann.create('RoleBinding', bindingOf('edit', 'edit')), FORBIDDEN);
});

test('roles that gather each other come to rest', async (t) => {
  const { admin } = await bench(t, []);
  const gathering = (name: string, from: string): ClusterRole => ({
    metadata: { name, labels: { name } },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { name: from } }, { matchLabels: { leaf: from } }] },
    rules: [NODES],
  });
  await admin.create('ClusterRole', { ...roleOf('leaf', PODS), metadata: { name: 'leaf', labels: { leaf: 'c' } } });
  for (const [name, from] of ['ab', 'bc', 'ca'].map((pair) => [...pair] as [string, string]))
    await admin.create('ClusterRole', gathering(name, from));
  const deadline = Date.now() + 30_000;
  for (const name of ['a', 'b', 'c']) {
    for (;;) {
      const role = await admin.get('ClusterRole', { name });
      if (JSON.stringify(role?.rules) === JSON.stringify([PODS])) break;
      assert.ok(Date.now() < deadline, `${name}: ${JSON.stringify(role?.rules)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  const { resourceVersion } = await admin.list('ClusterRole');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await admin.list('ClusterRole')).resourceVersion, resourceVersion);
});

test('admin has what edit has, and edit what view has, which is no secrets', async (t) => {
  const { admin } = await bench(t, []);
  const rules = async (name: string) => (await admin.get('ClusterRole', { name }))?.rules ?? [];
  const [view, edit, all] = await Promise.all(['view', 'edit', 'admin'].map(rules));
  const includes = (outer: PolicyRule[] = [], inner: PolicyRule[] = []) =>
    inner.every((one) => outer.some((other) => JSON.stringify(other) === JSON.stringify(one)));
  assert.ok(view?.length && includes(edit, view) && includes(all, edit));
  assert.ok(!includes(view, edit));
  assert.ok(!JSON.stringify(view).includes('secrets'));
});
