import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { clusterOf } from './testing/cluster-of.fixture.ts';
import { findKubectls, type Kubectl, type KubectlResult, runKubectl } from './testing/kubectl.ts';
import type { Cluster } from './testing/kubectl-cluster.ts';

const kubectls = findKubectls();
/** The newest sends protobuf, the oldest JSON. */
const ends = [...new Set([kubectls[0], kubectls.at(-1)])].filter((one) => one !== undefined);
const FORBIDDEN = 'Error from server (Forbidden):';

interface Kubeconfig {
  users: { name: string; user: object }[];
}

/** The administrator's kubeconfig with a token in place of the certificate. */
async function tokenKubeconfig(cluster: Cluster, token: string): Promise<string> {
  const config = parse(await readFile(cluster.session.kubeconfig, 'utf8')) as Kubeconfig;
  for (const user of config.users) user.user = { token };
  const path = join(cluster.session.home, 'token-kubeconfig');
  await writeFile(path, stringify(config), { mode: 0o600 });
  return path;
}

test('a kubectl is installed', { skip: ends.length > 0 ? false : 'probe kubectl: none is installed' }, () => {
  assert.ok(ends.length > 0);
});

for (const kubectl of ends) describe(`what kubectl 1.${kubectl.minor} may do`, () => checks(kubectl));

function checks(kubectl: Kubectl): void {
  const current = clusterOf(kubectl, async (cluster) => {
    await cluster.client.create('ServiceAccount', { metadata: { name: 'viewer', namespace: 'default' } });
    await cluster.client.create('ConfigMap', { metadata: { name: 'c', namespace: 'default' }, data: { a: '1' } });
    await cluster.ok('create rolebinding viewer --clusterrole view --serviceaccount default:viewer');
  });

  test('a token of an account bound to view reads, and deletes nothing', async () => {
    const token = (await current().ok('create token viewer --duration 20m')).trim();
    const session = { ...current().session, kubeconfig: await tokenKubeconfig(current(), token) };
    const run = (line: string): Promise<KubectlResult> => runKubectl(session, line.split(' '));
    assert.equal((await run('get configmap c -o name')).stdout, 'configmap/c\n');
    assert.match((await run('get pods')).stderr, /No resources found in default namespace/);
    const who = 'User "system:serviceaccount:default:viewer" cannot';
    const cases: readonly (readonly [line: string, message: string])[] = [
      [
        'delete configmap c',
        `configmaps "c" is forbidden: ${who} delete resource "configmaps" in API group "" in the namespace "default"`,
      ],
      [
        'get pods -n kube-system',
        `pods is forbidden: ${who} list resource "pods" in API group "" in the namespace "kube-system"`,
      ],
      [
        'get deployments.apps -A',
        `deployments.apps is forbidden: ${who} list resource "deployments" in API group "apps" at the cluster scope`,
      ],
      [
        'get secret s',
        `secrets "s" is forbidden: ${who} get resource "secrets" in API group "" in the namespace "default"`,
      ],
      ['get nodes', `nodes is forbidden: ${who} list resource "nodes" in API group "" at the cluster scope`],
      [
        'create configmap d',
        `failed to create configmap: configmaps is forbidden: ${who} create resource "configmaps" in API group "" in the namespace "default"`,
      ],
    ];
    for (const [line, message] of cases) {
      const { code, stderr } = await run(line);
      assert.equal(code, 1, line);
      const isWrapped = message.startsWith('failed');
      assert.equal(stderr, isWrapped ? `error: ${message}\n` : `${FORBIDDEN} ${message}\n`, line);
    }
    assert.equal((await run('auth can-i list pods')).stdout, 'yes\n');
    assert.equal((await run('auth can-i delete pods')).stdout, 'no\n');
    assert.match((await run('auth whoami')).stdout, /Username +system:serviceaccount:default:viewer\n/);
    const rights = (await run('auth can-i --list')).stdout;
    assert.match(rights, /^pods +\[\] +\[\] +\[get list watch\]$/m);
    assert.match(rights, /selfsubjectreviews\.authentication\.k8s\.io +\[\] +\[\] +\[create\]/);
    assert.doesNotMatch(rights, /secrets/);
    await current().client.delete('ServiceAccount', { namespace: 'default', name: 'viewer' });
    assert.match((await run('get pods')).stderr, /You must be logged in to the server/);
  });

  test('can-i, for oneself and as others', async () => {
    assert.equal(await current().ok('auth can-i * *'), 'yes\n');
    await current().ok('create clusterrolebinding editors --clusterrole edit --group editors');
    const yes = [
      'create pods --as ann --as-group editors',
      'create pods --subresource exec --as ann --as-group editors',
      'get secrets --as ann --as-group editors',
      'get /healthz --as ann',
    ];
    for (const line of yes) assert.equal(await current().ok(`auth can-i ${line}`), 'yes\n', line);
    const no = [
      'create pods --as ann',
      'create roles --as ann --as-group editors',
      'delete nodes --as ann --as-group editors',
      'get /metrics --as ann',
    ];
    for (const line of no) {
      const { code, stdout } = await current().run(`auth can-i ${line}`);
      assert.match(stdout, /^no/, line);
      assert.equal(code, 1, line);
    }
    const why = await current().fails('get pods --as ann --as-group nobodies');
    assert.match(why, /User "ann" cannot list resource "pods" in API group "" in the namespace "default"/);
  });

  test('impersonation needs the right to', async () => {
    await current().ok('create serviceaccount boss');
    const token = (await current().ok('create token boss')).trim();
    const session = { ...current().session, kubeconfig: await tokenKubeconfig(current(), token) };
    const { stderr } = await runKubectl(session, ['get', 'pods', '--as', 'ann']);
    const who = 'User "system:serviceaccount:default:boss"';
    assert.equal(
      stderr,
      `${FORBIDDEN} users "ann" is forbidden: ${who} cannot impersonate resource "users" in API group "" at the cluster scope\n`,
    );
  });

  test('nobody hands out what they do not have', async () => {
    await current().ok('create clusterrolebinding admins --clusterrole admin --group admins');
    const as = '--as ann --as-group admins';
    await current().ok(`create role reader --verb get,list --resource pods ${as}`);
    await current().ok(`create rolebinding reader --role reader --user bob ${as}`);
    const created = await current().fails(`create role nodes --verb get --resource nodes ${as}`);
    assert.equal(
      created,
      `${FORBIDDEN} roles.rbac.authorization.k8s.io "nodes" is forbidden: user "ann" (groups=["admins" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}\n`,
    );
    const bound = await current().fails(`create rolebinding root --clusterrole cluster-admin --user bob ${as}`);
    assert.match(bound, /attempting to grant RBAC permissions not currently held:\n\{APIGroups:\["\*"\], Resources/);
    assert.equal((await current().run('auth can-i list pods --as bob')).stdout, 'yes\n');
    const changed = await current().fails(
      'patch rolebinding reader --type merge -p {"roleRef":{"name":"other","kind":"Role","apiGroup":"rbac.authorization.k8s.io"}}',
    );
    assert.match(changed, /cannot change roleRef/);
  });

  test('tokens are bound: to audiences, pods and a shortest life', async () => {
    await current().ok('create serviceaccount bound');
    const short = await current().fails('create token bound --duration 1m');
    assert.match(short, /may not specify a duration less than 10 minutes/);
    assert.match(await current().fails('create token nobody'), /serviceaccounts "nobody" not found/);
    await current().client.create('Pod', {
      metadata: { name: 'p', namespace: 'default' },
      spec: { serviceAccountName: 'bound', containers: [{ name: 'c', image: 'i' }] },
    });
    const token = (await current().ok('create token bound --bound-object-kind Pod --bound-object-name p')).trim();
    const review = (more: object = {}) =>
      current().ok('create -o json -f -', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, ...more },
      });
    const { status } = JSON.parse(await review()) as { status: { authenticated: boolean; user: { username: string } } };
    assert.equal(status.authenticated, true);
    assert.equal(status.user.username, 'system:serviceaccount:default:bound');
    assert.match(await review({ audiences: ['elsewhere'] }), /is invalid for the target audiences/);
    await current().client.delete('Pod', { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 });
    assert.match(await review(), /service account token has been invalidated/);
  });

  test('the default roles gather what is labelled for them', async () => {
    await current().ok('create clusterrole extra --verb get --resource nodes');
    await current().ok('label clusterrole extra rbac.authorization.k8s.io/aggregate-to-view=true');
    const rules = () => current().ok('get clusterrole admin -o jsonpath={.rules[*].resources}');
    // they gather while others go on
    for (let i = 0; i < 300 && !(await rules()).includes('"nodes"'); i++) await sleep(100);
    assert.match(await rules(), /"nodes"/);
    assert.match(await rules(), /"rolebindings"/);
    await current().ok('delete clusterrole extra');
    for (let i = 0; i < 300 && (await rules()).includes('"nodes"'); i++) await sleep(100);
    assert.doesNotMatch(await rules(), /"nodes"/);
  });

  test('the issuer tells how to verify its tokens', async () => {
    const { jwks_uri: uri } = JSON.parse(await current().ok('get --raw /.well-known/openid-configuration'));
    assert.equal(uri, 'https://kubernetes.default.svc.cluster.local/openid/v1/jwks');
    const { keys } = JSON.parse(await current().ok('get --raw /openid/v1/jwks'));
    assert.equal(keys[0].alg, 'ES256');
    assert.equal(keys[0].d, undefined);
  });
}
