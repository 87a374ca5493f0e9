/**
 *   outside ── router ─┬─ node-1 ─ cni0 ─ pods      vxlan between the nodes, pods on a bridge
 *                      ├─ node-2 ─ cni0 ─ pods
 *                      └─ node-3 ─ cni0 ─ pods
 *
 * The manifests of ../shared/examples, as they stand, on the backend and wiring that are not the default.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT } from '../tools/steps.ts';
import { eventually, TestLab } from './podwire.ts';

const EXAMPLES = path.resolve(ROOT, '../shared/examples');
const skip = existsSync(EXAMPLES) ? false : `probe examples: ${EXAMPLES} is not there`;
const lab = new TestLab();

interface Status {
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly node: string;
    readonly address: string;
    readonly ready: boolean;
  }[];
}
const status = async (): Promise<Status> => JSON.parse((await lab.run('status', '-o', 'json')).stdout);
const podsNamed = async (prefix: string) => (await status()).pods.filter((pod) => pod.name.startsWith(prefix));
const anyPod = async (prefix: string): Promise<string> => (await podsNamed(prefix))[0]?.name ?? '';
const fetchFrom = async (host: string): Promise<string> =>
  (
    await lab.inNetns(
      'outside',
      'wget',
      '-q',
      '-O',
      '-',
      '--header',
      `Host: ${host.split('/')[0]}`,
      `http://172.30.0.12/${host.split('/').slice(1).join('/')}`,
    )
  ).stdout.trim();

before(async () => {
  if (skip) return;
  const files = ['two-services.yaml', 'fanout-ingress-v1beta1.yaml', 'policy.yaml', 'expose.yaml'].flatMap((file) => [
    '-f',
    path.join(EXAMPLES, file),
  ]);
  const up = await lab.up('--backend', 'vxlan', '--wiring', 'bridge', ...files);
  assert.equal(up.code, 0, `${up.stdout}\n${up.stderr}`);
});
after(() => lab.down());

test('A calls B by name, http and grpc port; the sidecar reaches localhost', { skip }, async () => {
  const a = await anyPod('my-app-a');
  for (const url of [
    'http://my-service-b/hostname',
    'http://my-service-b.default.svc.cluster.local/hostname',
    'http://my-service-b:9000/',
  ]) {
    assert.match((await lab.exec(a, 'wget', '-q', '-O', '-', url)).stdout, /my-app-b/, url);
  }
  const b = await anyPod('my-app-b');
  assert.equal(
    (await lab.run('exec', b, '-c', 'sidecar', '--', 'wget', '-q', '-O', '-', 'http://localhost:8080/hostname')).stdout,
    b,
  );
  assert.ok(
    (await podsNamed('my-app-b')).every((pod) => pod.ready),
    'the sidecar ended',
  );
});

test('the historical Ingress: host, host and path, default backend', { skip }, async () => {
  assert.deepEqual(
    [
      await fetchFrom('foo.mydomain.com/'),
      await fetchFrom('mydomain.com/bar/x'),
      await fetchFrom('elsewhere.example/'),
    ],
    ['foo', 'bar', 'other'],
  );
});

test('NodePort, LoadBalancer address and host port from outside', { skip }, async () => {
  const ask = async (target: string): Promise<string> =>
    (await lab.inNetns('outside', 'wget', '-q', '-T', '10', '-t', '3', '-O', '-', `http://${target}/hostname`)).stdout;
  assert.match(await ask('172.30.0.11:30080'), /^shop-/);
  await eventually(
    () => ask('172.30.0.192'),
    (answer) => answer.startsWith('shop-'),
  );
  const onHost = (await podsNamed('on-the-host'))[0];
  const node = `172.30.0.${10 + Number(onHost?.node.split('-')[1])}`;
  assert.equal(await ask(`${node}:18080`), 'on-the-host');
});

test('the policy example: only tellers reach the vault, and only its ports', { skip, timeout: 900_000 }, async () => {
  const manifest = `${lab.name}-bank.yaml`;
  const pod = (name: string, namespace: string, labels: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: {${labels}}}
spec:
  containers:
    - {name: web, image: agnhost, args: [netexec, --http-port=8080], ports: [{name: http, containerPort: 8080}, {name: low, containerPort: 9005}, {name: high, containerPort: 9011}]}
    - {name: shell, image: busybox, command: [sleep, "600"]}
---`;
  const { writeFileSync, rmSync } = await import('node:fs');
  writeFileSync(
    `/tmp/${manifest}`,
    `${pod('vault', 'bank', 'app: vault')}${pod('teller', 'bank', 'app: teller')}${pod('clerk', 'bank', 'app: clerk')}
apiVersion: v1
kind: Namespace
metadata: {name: revision, labels: {tier: audit}}
---${pod('auditor', 'revision', 'role: auditor')}${pod('intern', 'revision', 'role: intern')}`,
  );
  try {
    const { applyManifests, readManifests } = await import('../packages/cli/src/manifests.ts');
    await applyManifests(`/run/podwire/${lab.name}/api.sock`, readManifests([`/tmp/${manifest}`]));
  } finally {
    rmSync(`/tmp/${manifest}`);
  }
  const names = ['vault', 'teller', 'clerk', 'auditor', 'intern'];
  await eventually(status, ({ pods }) => names.every((name) => pods.find((p) => p.name === name)?.ready));
  const vault = (await podsNamed('vault'))[0]?.address;
  const reach = async (namespace: string, from: string, port: number, seconds = 2): Promise<boolean> =>
    (
      await lab.run(
        'exec',
        '-n',
        namespace,
        '-c',
        'shell',
        from,
        '--',
        'wget',
        '-q',
        '-T',
        String(seconds),
        '-t',
        '1',
        '-O',
        '/dev/null',
        `http://${vault}:${port}/`,
      )
    ).code === 0;
  // The tellers' own egress is denied by default-deny, as the example has it: only pods outside the namespace can ask.
  assert.deepEqual(
    [
      await reach('revision', 'auditor', 8080, 60),
      await reach('revision', 'auditor', 9005, 60),
      await reach('revision', 'auditor', 9011),
      await reach('revision', 'intern', 8080),
      await reach('bank', 'teller', 8080),
      await reach('bank', 'clerk', 8080),
    ],
    [true, true, false, false, false, false],
  );
  assert.match(
    (
      await lab.run(
        'exec',
        '-n',
        'bank',
        '-c',
        'shell',
        'vault',
        '--',
        'getent',
        'hosts',
        'kubernetes.default.svc.cluster.local',
      )
    ).stdout,
    /10\.96\.0\.1/,
  );
});

test('all promises hold on vxlan and bridge', { skip, timeout: 900_000 }, async () => {
  const check = await lab.run('check');
  assert.equal(check.code, 0, check.stdout);
});
