/**
 *   kubectl ──▶ 127.0.0.1 ──▶ API server ──▶ node-1, node-2, node-3 ──▶ pods        host-gw, ptp
 *                                                 ▲
 *   outside ── router ────────────────────────────┘
 *
 * The life of a lab as its user sees it: up, kubectl, crash, up again, down.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { findKubectl } from '../packages/cli/src/kubectl.ts';
import { eventually, type Ran, run, start, TestLab } from './podwire.ts';

const lab = new TestLab();
const binary = findKubectl();
const noKubectl = binary ? false : 'probe kubectl: there is none on PATH or in the usual places';
const kubectl = (args: string[], input = ''): Promise<Ran> =>
  run(binary ?? '', args, { input, env: { KUBECONFIG: lab.kubeconfig } });

before(async () => {
  const up = await lab.up();
  assert.equal(up.code, 0, `${up.stdout}\n${up.stderr}`);
  assert.doesNotMatch(up.stdout, /FAILED/);
  for (const row of ['pod to pod', 'ClusterIP', 'NodePort', 'DNS', 'NetworkPolicy', 'Ingress', 'masqueraded'])
    assert.match(up.stdout, new RegExp(`ok +.*${row}`));
});
after(() => lab.down());

test('up twice says so and changes nothing', async () => {
  const again = await lab.up();
  assert.deepEqual([again.code, /is running already/.test(again.stdout)], [0, true]);
});

test('status has every room of every node ready, as text and as JSON', async () => {
  const text = await lab.run('status');
  assert.match(text.stdout, /^NODE +FABRIC/);
  const json = JSON.parse((await lab.run('status', '-o', 'json')).stdout);
  assert.equal(json.nodes.length, 3);
  assert.ok(
    json.nodes.every(
      (n: { rooms: { ready: boolean }[] }) => n.rooms.length === 7 && n.rooms.every((room) => room.ready),
    ),
    JSON.stringify(json.nodes),
  );
  assert.deepEqual(json.errors, []);
});

test('plan says why, diff finds nothing', async () => {
  const plan = await lab.run('plan', 'fabric', '--node', 'node-1');
  assert.match(plan.stdout, /node-1 {2}fabric {2}.*10\.244\.\d\.0\/24.*# .*node-2/);
  const diff = await lab.run('diff');
  assert.deepEqual([diff.code, diff.stdout.trim()], [0, 'the kernel is as planned']);
});

test('kubectl: get, describe, scale, watch, logs, exec, delete', { skip: noKubectl }, async () => {
  assert.match((await kubectl(['get', 'nodes', '-o', 'wide'])).stdout, /node-3 +Ready/);
  const pods = await kubectl(['get', 'pods', '-l', 'app=front']);
  assert.match(pods.stdout, /^NAME +READY +STATUS +RESTARTS +AGE\nfront-\S+ +2\/2 +Running/);
  const front = /front-\S+/.exec(pods.stdout)?.[0] ?? '';
  assert.match((await kubectl(['describe', 'pod', front])).stdout, /Started container web/);
  assert.match(
    (await kubectl(['exec', front, '-c', 'caller', '--', 'wget', '-q', '-O', '-', 'http://stock/hostname'])).stdout,
    /^stock-/,
  );
  assert.equal((await kubectl(['exec', front, '-c', 'caller', '--', 'sh', '-c', 'exit 7'])).code, 7);
  assert.equal((await kubectl(['exec', front, '-c', 'caller', '--', 'hostname'])).stdout.trim(), front);
  assert.match(
    (await kubectl(['exec', front, '-c', 'caller', '--', 'cat', '/etc/resolv.conf'])).stdout,
    /search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/,
  );
  await eventually(
    () => kubectl(['logs', front, '-c', 'caller', '--tail=4']),
    (log) => /stock-/.test(log.stdout) && log.stdout.includes(front),
  );

  const watch = start(binary ?? '', ['get', 'pods', '-w', '--no-headers'], { KUBECONFIG: lab.kubeconfig });
  let seen = '';
  watch.stdout?.on('data', (chunk) => {
    seen += chunk;
  });
  const seenBy = (wanted: RegExp) =>
    eventually(
      async () => seen,
      (text) => wanted.test(text),
    );
  await seenBy(/stock-/);
  assert.match(
    (await kubectl(['scale', 'deployment', 'stock', '--replicas=5'])).stdout,
    /deployment\.apps\/stock scaled/,
  );
  assert.match(
    (await kubectl(['rollout', 'status', 'deployment', 'stock', '--timeout=300s'])).stdout,
    /successfully rolled out/,
  );
  await seenBy(/stock-\S+ +0\/1 +Pending[\s\S]*stock-\S+ +1\/1 +Running/);
  watch.kill();
  await once(watch, 'close');
  await eventually(
    () =>
      kubectl([
        'get',
        'endpointslices',
        '-l',
        'kubernetes.io/service-name=stock',
        '-o',
        'jsonpath={.items[*].endpoints[*].addresses[0]}',
      ]),
    (ran) => ran.stdout.split(' ').length === 5,
  );

  assert.match((await kubectl(['delete', 'pod', front, '--grace-period=0', '--force'])).stdout, /deleted/);
  assert.equal((await kubectl(['rollout', 'status', 'deployment', 'front', '--timeout=300s'])).code, 0);
});

test('an invalid manifest gets the usual error with the field path and changes nothing', {
  skip: noKubectl,
}, async () => {
  const service = (port: number) =>
    `apiVersion: v1\nkind: Service\nmetadata: {name: wrong}\nspec: {ports: [{port: ${port}}]}\n`;
  const refused = await kubectl(['apply', '-f', '-'], service(0));
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /The Service "wrong" is invalid: \n\* spec\.ports\[0\]\.port: Invalid value: 0: must be between 1 and 65535, inclusive/,
  );
  assert.match((await kubectl(['get', 'service', 'wrong'])).stderr, /NotFound/);
});

test('a container that ends is restarted with backoff, a failing readiness probe takes a pod out of its Service', {
  skip: noKubectl,
}, async () => {
  const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: crash}
spec: {containers: [{name: c, image: busybox, command: [sh, -c, "exit 3"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: flip, labels: {app: flip}}
spec:
  containers:
    - {name: c, image: busybox, command: [sleep, "600"], readinessProbe: {exec: {command: [test, -e, /tmp/podwire-${lab.name}]}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {name: flip}
spec: {selector: {app: flip}, ports: [{port: 80}]}
`;
  assert.equal((await kubectl(['apply', '-f', '-'], manifest)).code, 0);
  await eventually(
    () => kubectl(['get', 'pod', 'crash']),
    (ran) => /CrashLoopBackOff|Error/.test(ran.stdout),
  );
  await eventually(
    () =>
      kubectl(['get', 'pod', 'crash', '-o', 'jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}']),
    (ran) => ran.stdout === '3',
  );
  const ready = () =>
    kubectl([
      'get',
      'endpointslices',
      '-l',
      'kubernetes.io/service-name=flip',
      '-o',
      'jsonpath={.items[*].endpoints[*].conditions.ready}',
    ]);
  await eventually(ready, (ran) => ran.stdout === 'false');
  assert.equal((await kubectl(['exec', 'flip', '--', 'touch', `/tmp/podwire-${lab.name}`])).code, 0);
  await eventually(ready, (ran) => ran.stdout === 'true');
  await kubectl(['exec', 'flip', '--', 'rm', `/tmp/podwire-${lab.name}`]);
  assert.equal((await kubectl(['delete', 'pod', 'crash', 'flip', '--grace-period=0', '--force'])).code, 0);
});

test('an unknown image with ports is played and an event says so', { skip: noKubectl }, async () => {
  assert.equal((await kubectl(['run', 'strange', '--image=example.com/strange:1', '--port=7000'])).code, 0);
  assert.equal((await kubectl(['wait', 'pod/strange', '--for=condition=Ready', '--timeout=300s'])).code, 0);
  await eventually(
    () => kubectl(['describe', 'pod', 'strange']),
    (ran) => /ImagePlayed/.test(ran.stdout),
  );
  const address = (await kubectl(['get', 'pod', 'strange', '-o', 'jsonpath={.status.podIP}'])).stdout;
  assert.match((await lab.inNetns('node-1', 'wget', '-q', '-O', '-', `http://${address}:7000/`)).stdout, /strange/);
});

test('kill -9 of the daemon: up keeps the objects, everything works again', { timeout: 900_000 }, async () => {
  const pid = Number(readFileSync(`/run/podwire/${lab.name}/daemon.pid`, 'utf8').split(' ')[0]);
  process.kill(pid, 'SIGKILL');
  const up = await lab.up();
  assert.equal(up.code, 0, `${up.stdout}\n${up.stderr}`);
  assert.match(up.stdout, /keeping its objects/);
  const status = JSON.parse((await lab.run('status', '-o', 'json')).stdout) as { pods: { name: string }[] };
  assert.ok(status.pods.some((pod) => pod.name.startsWith('stock-')));
});

test('kill -9 and down: nothing is left', async () => {
  const pid = Number(readFileSync(`/run/podwire/${lab.name}/daemon.pid`, 'utf8').split(' ')[0]);
  process.kill(pid, 'SIGKILL');
  assert.equal((await lab.down()).code, 0);
  assert.deepEqual(
    (existsSync('/run/netns') ? readdirSync('/run/netns') : []).filter((name) => name.startsWith(`pw-${lab.name}-`)),
    [],
  );
  assert.deepEqual(
    [`/run/podwire/${lab.name}`, `/var/lib/podwire/${lab.name}`].filter((d) => existsSync(d)),
    [],
  );
  assert.equal(readFileSync('/proc/self/mounts', 'utf8').includes(`pw-${lab.name}-`), false);
  const processes = await run('ps', ['-eo', 'args']);
  assert.doesNotMatch(processes.stdout, new RegExp(`podwire/${lab.name}|daemon\\.ts ${lab.name}`));
});
