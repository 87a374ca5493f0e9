import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { findKubectls, type Kubectl, type KubectlResult, runKubectl } from './testing/kubectl.ts';
import { Cluster } from './testing/kubectl-cluster.ts';

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
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start(kubectl);
    await cluster.client.create('ServiceAccount', { metadata: { name: 'viewer', namespace: 'default' } });
    await cluster.client.create('ConfigMap', { metadata: { name: 'c', namespace: 'default' }, data: { a: '1' } });
    await cluster.ok('create rolebinding viewer --clusterrole view --serviceaccount default:viewer');
  });
  after(() => cluster.stop());

  test('a token of an account bound to view reads, and deletes nothing', async () => {
    const token = (await cluster.ok('create token viewer --duration 20m')).trim();
    const session = { ...cluster.session, kubeconfig: await tokenKubeconfig(cluster, token) };
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
    await cluster.client.delete('ServiceAccount', { namespace: 'default', name: 'viewer' });
    assert.match((await run('get pods')).stderr, /You must be logged in to the server/);
  });

  test('can-i, for oneself and as others', async () => {
    assert.equal(await cluster.ok('auth can-i * *'), 'yes\n');
    await cluster.ok('create clusterrolebinding editors --clusterrole edit --group editors');
    const yes = [
      'create pods --as ann --as-group editors',
      'create pods --subresource exec --as ann --as-group editors',
      'get secrets --as ann --as-group editors',
      'get /healthz --as ann',
    ];
    for (const line of yes) assert.equal(await cluster.ok(`auth can-i ${line}`), 'yes\n', line);
    const no = [
      'create pods --as ann',
      'create roles --as ann --as-group editors',
      'delete nodes --as ann --as-group editors',
      'get /metrics --as ann',
    ];
    for (const line of no) {
      const { code, stdout } = await cluster.run(`auth can-i ${line}`);
      assert.match(stdout, /^no/, line);
      assert.equal(code, 1, line);
    }
    const why = await cluster.fails('get pods --as ann --as-group nobodies');
    assert.match(why, /User "ann" cannot list resource "pods" in API group "" in the namespace "default"/);
  });

  test('impersonation needs the right to', async () => {
    await cluster.ok('create serviceaccount boss');
    const token = (await cluster.ok('create token boss')).trim();
    const session = { ...cluster.session, kubeconfig: await tokenKubeconfig(cluster, token) };
    const { stderr } = await runKubectl(session, ['get', 'pods', '--as', 'ann']);
    const who = 'User "system:serviceaccount:default:boss"';
    assert.equal(
      stderr,
      `${FORBIDDEN} users "ann" is forbidden: ${who} cannot impersonate resource "users" in API group "" at the cluster scope\n`,
    );
  });

  test('nobody hands out what they do not have', async () => {
    await cluster.ok('create clusterrolebinding admins --clusterrole admin --group admins');
    const as = '--as ann --as-group admins';
    await cluster.ok(`create role reader --verb get,list --resource pods ${as}`);
    await cluster.ok(`create rolebinding reader --role reader --user bob ${as}`);
    const created = await cluster.fails(`create role nodes --verb get --resource nodes ${as}`);
    assert.equal(
      created,
      `${FORBIDDEN} roles.rbac.authorization.k8s.io "nodes" is forbidden: user "ann" (groups=["admins" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}\n`,
    );
    const bound = await cluster.fails(`create rolebinding root --clusterrole cluster-admin --user bob ${as}`);
    assert.match(bound, /attempting to grant RBAC permissions not currently held:\n\{APIGroups:\["\*"\], Resources/);
    assert.equal((await cluster.run('auth can-i list pods --as bob')).stdout, 'yes\n');
    const changed = await cluster.fails(
      'patch rolebinding reader --type merge -p {"roleRef":{"name":"other","kind":"Role","apiGroup":"rbac.authorization.k8s.io"}}',
    );
    assert.match(changed, /cannot change roleRef/);
  });

  test('tokens are bound: to audiences, pods and a shortest life', async () => {
    await cluster.ok('create serviceaccount bound');
    const short = await cluster.fails('create token bound --duration 1m');
    assert.match(short, /may not specify a duration less than 10 minutes/);
    assert.match(await cluster.fails('create token nobody'), /serviceaccounts "nobody" not found/);
    await cluster.client.create('Pod', {
      metadata: { name: 'p', namespace: 'default' },
      spec: { serviceAccountName: 'bound', containers: [{ name: 'c', image: 'i' }] },
    });
    const token = (await cluster.ok('create token bound --bound-object-kind Pod --bound-object-name p')).trim();
    const review = (more: object = {}) =>
      cluster.ok('create -o json -f -', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, ...more },
      });
    const { status } = JSON.parse(await review()) as { status: { authenticated: boolean; user: { username: string } } };
    assert.equal(status.authenticated, true);
    assert.equal(status.user.username, 'system:serviceaccount:default:bound');
    assert.match(await review({ audiences: ['elsewhere'] }), /is invalid for the target audiences/);
    await cluster.client.delete('Pod', { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 });
    assert.match(await review(), /service account token has been invalidated/);
  });

  test('the default roles gather what is labelled for them', async () => {
    await cluster.ok('create clusterrole extra --verb get --resource nodes');
    await cluster.ok('label clusterrole extra rbac.authorization.k8s.io/aggregate-to-view=true');
    const rules = await cluster.ok('get clusterrole admin -o jsonpath={.rules[*].resources}');
    assert.match(rules, /"nodes"/);
    assert.match(rules, /"rolebindings"/);
    await cluster.ok('delete clusterrole extra');
    assert.doesNotMatch(await cluster.ok('get clusterrole admin -o jsonpath={.rules[*].resources}'), /"nodes"/);
  });

  test('the issuer tells how to verify its tokens', async () => {
    const { jwks_uri: uri } = JSON.parse(await cluster.ok('get --raw /.well-known/openid-configuration'));
    assert.equal(uri, 'https://kubernetes.default.svc.cluster.local/openid/v1/jwks');
    const { keys } = JSON.parse(await cluster.ok('get --raw /openid/v1/jwks'));
    assert.equal(keys[0].alg, 'ES256');
    assert.equal(keys[0].d, undefined);
  });
}
