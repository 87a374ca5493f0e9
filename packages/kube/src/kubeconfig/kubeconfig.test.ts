import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { contextOf } from './context.ts';
import { findContext } from './find-context.ts';
import { inClusterContext } from './in-cluster.ts';
import { readKubeconfig } from './read.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function directoryOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-kubeconfig-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

const FULL = `
apiVersion: v1
kind: Config
current-context: main
contexts:
- name: main
  context: { cluster: c, user: u, namespace: web }
clusters:
- name: c
  cluster:
    server: https://10.0.0.1:6443/k8s/clusters/c-1/
    certificate-authority-data: ${base64(PEM)}
    tls-server-name: api.example
    proxy-url: http://proxy.example:3128
    extensions:
    - name: client.authentication.k8s.io/exec
      extension: { audience: a }
users:
- name: u
  user:
    client-certificate: pki/user.crt
    client-key: pki/user.key
    as: jane
    as-groups: [dev]
    as-user-extra: { reason: [test] }
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: ./bin/login
      args: [--now]
      env: [{ name: REGION, value: "1" }]
      provideClusterInfo: true
`;

test('a context says where to go and as whom; paths are relative to its file', async (t) => {
  const directory = directoryOf(t, { 'a/config': FULL });
  const { name, namespace, endpoint } = await findContext({ file: path.join(directory, 'a/config') });
  assert.deepEqual([name, namespace], ['main', 'web']);
  const plain = JSON.parse(JSON.stringify(endpoint));
  assert.deepEqual(plain, {
    url: 'https://10.0.0.1:6443/k8s/clusters/c-1',
    ca: PEM,
    serverName: 'api.example',
    proxyUrl: 'http://proxy.example:3128',
    certFile: path.join(directory, 'a/pki/user.crt'),
    keyFile: path.join(directory, 'a/pki/user.key'),
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      command: path.join(directory, 'a/bin/login'),
      args: ['--now'],
      env: { REGION: '1' },
      interactiveMode: 'IfAvailable',
      provideClusterInfo: true,
      clusterConfig: { audience: 'a' },
    },
    impersonate: { user: 'jane', groups: ['dev'], extra: { reason: ['test'] } },
  });
});

test('of several files the first wins, entry by entry, and files that are not there are left out', async (t) => {
  const directory = directoryOf(t, {
    first: `
clusters: [{ name: red, cluster: { server: "https://red-1" } }]
users: [{ name: red, user: { token: one } }]
contexts: [{ name: red, context: { cluster: red, user: red } }]`,
    second: `
current-context: blue
clusters: [{ name: red, cluster: { server: "https://red-2", tls-server-name: x } }, { name: blue, cluster: { server: "https://blue" } }]
users: [{ name: red, user: { username: two } }]
contexts: [{ name: blue, context: { cluster: blue } }]`,
    third: 'current-context: red',
  });
  const KUBECONFIG = ['first', 'none', 'second', '', 'third']
    .map((name) => name && path.join(directory, name))
    .join(':');
  const config = await readKubeconfig({ env: { KUBECONFIG } });
  assert.equal(config.files.length, 3);
  const { endpoint, name } = contextOf(config);
  assert.deepEqual([name, endpoint.url, endpoint.token], ['blue', 'https://blue', undefined]);
  const red = contextOf(config, 'red').endpoint;
  assert.deepEqual([red.url, red.serverName, red.token, red.username], ['https://red-1', undefined, 'one', undefined]);
});

const one = (cluster: string, user: string): string => `
current-context: x
contexts: [{ name: x, context: { cluster: x, user: x } }]
clusters: [{ name: x, cluster: ${cluster} }]
users: [{ name: x, user: ${user} }]`;
const GOOD = '{ server: "https://h" }';

test('what is wrong is told with file, field and what to do', async (t) => {
  const cases: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    empty: ['', /contexts: there are none; name another file/],
    unset: ['contexts: [{ name: x }]', /current-context: is not set; choose one of x with kubectl/],
    list: ['- a', /not a map of fields/],
    yaml: ['a: [', /it is no YAML/],
    context: ['current-context: other\ncontexts: [{ name: x }]', /there is no context other; there are: x/],
    reference: [
      'current-context: x\ncontexts: [{ name: x, context: { cluster: z } }]',
      /contexts\[x\]\.cluster: there is no cluster z/,
    ],
    nameless: ['clusters: [{}]', /clusters\[0\]\.name: is missing/],
    server: [one('{}', '{}'), /clusters\[x\]\.server: is ""/],
    socks: [
      one('{ server: "https://h", proxy-url: "socks5://p" }', '{}'),
      /proxy-url: .*http:\/\/ and https:\/\/ proxies/,
    ],
    ca: [
      one('{ server: "https://h", certificate-authority-data: AAAA }', '{}'),
      /certificate-authority-data: is not PEM/,
    ],
    insecure: [
      one('{ server: "https://h", insecure-skip-tls-verify: true, certificate-authority: f }', '{}'),
      /contradicts/,
    ],
    key: [one(GOOD, '{ client-certificate: f }'), /needs client-key too/],
    both: [one(GOOD, '{ username: u, token: t }'), /goes not with a token/],
    as: [one(GOOD, '{ as-groups: [g] }'), /users\[x\]\.as: is missing/],
    provider: [one(GOOD, '{ auth-provider: { name: gcp } }'), /not supported since Kubernetes 1\.26/],
    version: [one(GOOD, '{ exec: { apiVersion: v9, command: c } }'), /exec\.apiVersion: is "v9"/],
    mode: [
      one(GOOD, '{ exec: { apiVersion: client.authentication.k8s.io/v1, command: c } }'),
      /interactiveMode: is ""/,
    ],
  };
  const directory = directoryOf(t, Object.fromEntries(Object.entries(cases).map(([name, [text]]) => [name, text])));
  for (const [name, [, message]] of Object.entries(cases)) {
    const file = path.join(directory, name);
    const failure = { code: 'KUBE_BAD_KUBECONFIG', message };
    await assert.rejects(findContext({ file, env: {} }), failure, name);
    await assert.rejects(findContext({ file, env: {} }), (error: Error) => error.message.includes(file));
  }
  await assert.rejects(findContext({ env: { HOME: '/none' } }), /kubeconfig \(none\): there is none; set KUBECONFIG/);
  const none = findContext({ env: { HOME: '/none' }, flag: '--kubeconfig' });
  await assert.rejects(none, /there is none; name one with --kubeconfig, set KUBECONFIG to/);
  await assert.rejects(findContext({ file: '/none' }), /kubeconfig \/none: it cannot be read/);
});

test('a pod finds the server by its environment and service account', async (t) => {
  const directory = directoryOf(t, { token: 't', 'ca.crt': PEM, namespace: 'web\n' });
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443', HOME: directory };
  const found = await findContext({ env, directory });
  assert.deepEqual(found, inClusterContext({ env, directory }));
  assert.deepEqual(found, {
    name: 'in-cluster',
    endpoint: {
      url: 'https://[fd00::1]:443',
      tokenFile: path.join(directory, 'token'),
      caFile: path.join(directory, 'ca.crt'),
    },
    namespace: 'web',
  });
  assert.throws(() => inClusterContext({ env: {}, directory }), /this is no pod/);
  assert.throws(() => inClusterContext({ env, directory: '/none' }), /automountServiceAccountToken/);
});
