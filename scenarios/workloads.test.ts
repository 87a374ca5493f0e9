/**
 *   kubectl on a terminal ──▶ API server ──▶ node-1, node-2, node-3 ──▶ pods        host-gw, ptp
 *   agents, as podwire-agent ───▲   ▲─── controllers, as podwire-controllers
 *
 * What workloads need of a cluster besides its network: identities, terminals, files, Jobs, and the loss of a node.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { tellDaemon } from '../packages/cli/src/control-client.ts';
import { findKubectl } from '../packages/cli/src/kubectl.ts';
import { createKubeClient } from '../packages/kube/src/index.ts';
import { eventually, type Ran, run, start, TestLab } from './podwire.ts';
import { TerminalUser } from './terminal.ts';

const lab = new TestLab();
const directory = mkdtempSync(path.join(tmpdir(), 'podwire-workloads-'));
const binary = findKubectl() ?? '';
const skip = binary ? false : 'probe kubectl: there is none on PATH or in the usual places';
const env = { KUBECONFIG: lab.kubeconfig };
const kubectl = (args: string[], input = ''): Promise<Ran> => run(binary, args, { input, env });
const runDirectory = `/run/podwire/${lab.name}`;

const MANIFEST = `
apiVersion: v1
kind: Pod
metadata: {name: shell}
spec:
  nodeName: node-1
  containers: [{name: c, image: busybox, command: [sh, -c, "echo started; sleep 3600"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: console}
spec:
  nodeName: node-1
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: busybox, tty: true, stdin: true, command: [sh, -c, 'while read l; do echo "got $l"; done']}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      tolerations:
        - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
        - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
      topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}
      containers: [{name: c, image: agnhost, args: [netexec, --http-port=8080], ports: [{containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`;

before(async () => {
  if (skip) return;
  const manifest = path.join(directory, 'workloads.yaml');
  writeFileSync(manifest, MANIFEST);
  const up = await lab.up('--no-check', '-f', manifest);
  assert.equal(up.code, 0, `${up.stdout}\n${up.stderr}`);
});
after(async () => {
  await lab.down();
  rmSync(directory, { recursive: true, force: true });
});

test('an agent is not administrator: no Secrets, no Deployments, and nobody without a token', { skip }, async () => {
  const socketPath = `${runDirectory}/agents.sock`;
  const tokenFile = `${runDirectory}/node-1/token`;
  assert.equal(statSync(tokenFile).mode & 0o777, 0o600);
  const agent = createKubeClient({ socketPath, tokenFile });
  const nobody = createKubeClient({ socketPath });
  const forbidden = { code: 'KUBE_FORBIDDEN' };
  try {
    assert.equal((await agent.list('Node')).items.length, 3);
    await assert.rejects(agent.list('Secret'), forbidden);
    await assert.rejects(agent.get('Secret', { namespace: 'kube-system', name: 'any' }), forbidden);
    await assert.rejects(agent.patch('Deployment', { namespace: 'default', name: 'web' }, { spec: {} }), forbidden);
    await assert.rejects(agent.delete('Node', { name: 'node-2' }), forbidden);
    await assert.rejects(nobody.list('Node'), { message: /^Unauthorized: / });
  } finally {
    agent.close();
    nobody.close();
  }
});

test("a pod's programs are its service account", { skip }, async () => {
  const as = await kubectl([
    'exec',
    'shell',
    '--',
    binary,
    'auth',
    'whoami',
    '-o',
    'jsonpath={.status.userInfo.username}',
  ]);
  assert.equal(as.stdout, 'system:serviceaccount:default:default', as.stderr);
  assert.match((await kubectl(['exec', 'shell', '--', binary, 'get', 'pods'])).stderr, /cannot list resource "pods"/);
});

test('kubectl exec -it on a terminal: size, echo, Ctrl-C, exit code', { skip, timeout: 900_000 }, async () => {
  const user = new TerminalUser(binary, ['exec', '-it', 'shell', '--', 'sh'], env);
  try {
    await user.type("PS1='ready> '; stty size\n", /31 97\r\nready> $/);
    user.resize(120, 40);
    await eventually(
      () =>
        user.type('stty size\n', /\d+ \d+\r\nready> $/).then(() =>
          user.type('stty size\n', /40 120\r\n/, 2).then(
            () => true,
            () => false,
          ),
        ),
      Boolean,
    );
    await user.type('cat\n', /cat\r\n/);
    await user.type('hello\n', /hello\r\nhello\r\n/);
    await user.type('\x03', /\^C[\s\S]*ready> $/);
    assert.equal(await user.leave('exit 7\n'), 7);
  } finally {
    user.end();
  }
  const attached = new TerminalUser(binary, ['attach', '-it', 'console'], env);
  try {
    await eventually(
      () =>
        attached.type('knock\n', /got knock\r\n/, 2).then(
          () => true,
          () => false,
        ),
      Boolean,
    );
  } finally {
    attached.end();
  }
});

test('kubectl cp, logs -f and port-forward', { skip, timeout: 900_000 }, async () => {
  const [there, back] = [path.join(directory, 'there'), path.join(directory, 'back')];
  const bytes = Buffer.alloc(300_000, 'podwire ');
  writeFileSync(there, bytes);
  const inside = `/tmp/${lab.name}-in-the-pod`;
  assert.equal((await kubectl(['cp', there, `shell:${inside}`])).code, 0);
  assert.equal(existsSync(inside), false, "a pod wrote to the machine's files");
  assert.equal((await kubectl(['cp', `shell:${inside}`, back])).code, 0);
  assert.deepEqual(readFileSync(back), bytes);

  const text = (child: ReturnType<typeof start>): (() => string) => {
    let seen = '';
    child.stdout?.on('data', (chunk) => (seen += chunk));
    return () => seen;
  };
  const logs = start(binary, ['logs', '-f', 'shell'], env);
  const forward = start(binary, ['port-forward', 'service/web', ':80'], env);
  try {
    const [logged, forwarded] = [text(logs), text(forward)];
    await eventually(
      async () => logged(),
      (seen) => seen.includes('started'),
    );
    const line = await eventually(
      async () => forwarded(),
      (seen) => /127\.0\.0\.1:\d+/.test(seen),
    );
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
    assert.match(await get(`http://127.0.0.1:${port}/hostname`), /^web-/);
  } finally {
    logs.kill();
    forward.kill();
  }
});

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk)).on('end', () => resolve(body));
      })
      .on('error', reject);
  });
}

test('Jobs: retried until they succeed, failed when they never do; logs stay', { skip, timeout: 900_000 }, async () => {
  const job = (name: string, spec: string, template: string): string => `
apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec: {${spec}, template: {spec: {${template}}}}
---`;
  // The first try leaves a mark in the volume of the pod, whose container is started again.
  const retried = `restartPolicy: OnFailure, volumes: [{name: v, emptyDir: {}}], containers: [{name: c, image: busybox,
    command: [sh, -c, 'test -e /mark-of-job/first && echo second && exit 0; touch /mark-of-job/first; exit 3'],
    volumeMounts: [{name: v, mountPath: /mark-of-job}]}]`;
  const never = "restartPolicy: Never, containers: [{name: c, image: busybox, command: [sh, -c, 'exit 5']}]";
  const many = `restartPolicy: Never, initContainers: [{name: i, image: busybox, command: ['true']}], containers: [{name: c, image: busybox, command: [sh, -c, 'echo index $JOB_COMPLETION_INDEX']}]`;
  const manifest = `${job('retried', 'backoffLimit: 4', retried)}${job('hopeless', 'backoffLimit: 0', never)}${job('many', 'completions: 3, parallelism: 2, completionMode: Indexed', many)}`;
  const applied = await kubectl(['apply', '-f', '-'], manifest);
  assert.equal(applied.code, 0, applied.stderr);
  for (const [name, condition] of [
    ['retried', 'Complete'],
    ['many', 'Complete'],
    ['hopeless', 'Failed'],
  ] as const) {
    const waited = await kubectl(['wait', `job/${name}`, `--for=condition=${condition}`, '--timeout=300s']);
    assert.equal(waited.code, 0, `${name}: ${waited.stderr}`);
  }
  assert.equal((await kubectl(['logs', 'job/retried'])).stdout, 'second\n');
  assert.match(
    (await kubectl(['get', 'pods', '-l', 'job-name=retried', '--no-headers'])).stdout,
    /0\/1 +Completed +1 /,
  );
  assert.match((await kubectl(['get', 'pods', '-l', 'job-name=hopeless', '--no-headers'])).stdout, /0\/1 +Error +0 /);
  const code = 'jsonpath={.items[0].status.containerStatuses[0].state.terminated.exitCode}';
  assert.equal((await kubectl(['get', 'pods', '-l', 'job-name=hopeless', '-o', code])).stdout, '5');
  const indexes = (await kubectl(['logs', '-l', 'job-name=many', '--prefix=false'])).stdout.trim().split('\n').sort();
  assert.deepEqual(indexes, ['index 0', 'index 1', 'index 2']);
});

const CONTROLLED = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: '@every 1s'
  concurrencyPolicy: Forbid
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox, command: ['true']}]}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  volumeClaimTemplates:
    - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - {name: c, image: busybox, command: [sh, -c, 'hostname > /data-of-db/name && exec sleep 3600'], volumeMounts: [{name: data, mountPath: /data-of-db}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`;

test('CronJobs, claims of StatefulSets, and what custom resources own', { skip, timeout: 900_000 }, async () => {
  const applied = await kubectl(['apply', '-f', '-'], CONTROLLED);
  assert.equal(applied.code, 0, applied.stderr);
  const rolledOut = await kubectl(['rollout', 'status', 'statefulset/db', '--timeout=300s']);
  assert.equal(rolledOut.code, 0, rolledOut.stderr);
  assert.equal((await kubectl(['exec', 'db-1', '--', 'cat', '/data-of-db/name'])).stdout, 'db-1\n');
  const bound = await kubectl(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc', '--all', '--timeout=300s']);
  assert.equal(bound.code, 0, bound.stderr);
  const claims = (await kubectl(['get', 'pvc', '--no-headers'])).stdout;
  assert.match(claims, /^data-db-0 +Bound +pvc-\S+ +1Gi +RWO +directory[\s\S]*\ndata-db-1 +Bound/);

  const widget = 'apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: owner}\n';
  assert.equal((await kubectl(['apply', '-f', '-'], widget)).code, 0);
  const uid = (await kubectl(['get', 'widget', 'owner', '-o', 'jsonpath={.metadata.uid}'])).stdout;
  const reference = `{apiVersion: example.com/v1, kind: Widget, name: owner, uid: ${uid}}`;
  const owned = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned, ownerReferences: [${reference}]}\n`;
  assert.equal((await kubectl(['apply', '-f', '-'], owned)).code, 0);
  assert.equal((await kubectl(['delete', 'widget', 'owner', '--timeout=300s'])).code, 0);
  assert.equal((await kubectl(['wait', '--for=delete', 'configmap/owned', '--timeout=300s'])).code, 0);

  const succeeded = ['get', 'cronjob', 'tick', '-o', 'jsonpath={.status.lastSuccessfulTime}'];
  await eventually(async () => (await kubectl(succeeded)).stdout, Boolean);
  assert.equal((await kubectl(['delete', 'cronjob/tick', 'statefulset/db', '--timeout=300s'])).code, 0);
});

interface Status {
  readonly pods: readonly { name: string; node: string; ready: boolean; reason?: string }[];
  readonly services: readonly { name: string; externalAddresses: readonly string[] }[];
}
const status = async (): Promise<Status> => JSON.parse((await lab.run('status', '-o', 'json')).stdout);

test('status: why a pod is not ready, and where Services are from outside', { skip, timeout: 900_000 }, async () => {
  const waiting =
    'spec: {containers: [{name: c, image: busybox, command: [sleep, "9"], envFrom: [{configMapRef: {name: none}}]}]}';
  const huge = 'spec: {containers: [{name: c, image: pause, resources: {requests: {cpu: "1000"}}}]}';
  const pods = `apiVersion: v1\nkind: Pod\nmetadata: {name: waiting}\n${waiting}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: huge}\n${huge}\n`;
  assert.equal((await kubectl(['apply', '-f', '-'], pods)).code, 0);
  const reason = ({ pods: all }: Status, name: string): string => all.find((pod) => pod.name === name)?.reason ?? '';
  const seen = await eventually(
    status,
    (now) => /CreateContainerConfigError/.test(reason(now, 'waiting')) && /Insufficient cpu/.test(reason(now, 'huge')),
  );
  assert.match(reason(seen, 'waiting'), /configmap "none" not found/);
  assert.match(seen.services.find(({ name }) => name === 'web')?.externalAddresses[0] ?? '', /^172\.30\.0\.\d+$/);
  assert.match((await lab.run('status')).stdout, /huge +not ready .*Insufficient cpu/);
  await kubectl(['delete', 'pod', 'waiting', 'huge', '--now']);
});

test('a node that is lost: not ready, no endpoints, its pods evicted; and back', {
  skip,
  timeout: 900_000,
}, async () => {
  const lost = 'node-3';
  const endpoints = async (): Promise<string> =>
    (
      await kubectl([
        'get',
        'endpointslices',
        '-l',
        'kubernetes.io/service-name=web',
        '-o',
        'jsonpath={range .items[*].endpoints[?(@.conditions.ready==true)]}{.nodeName}{"\\n"}{end}',
      ])
    ).stdout;
  const web = async (): Promise<string[]> =>
    (await kubectl(['get', 'pods', '-l', 'app=web', '--no-headers', '-o', 'wide'])).stdout.trim().split('\n');
  await eventually(endpoints, (nodes) => nodes.includes(lost));
  await tellDaemon(lab.name, `/node?node=${lost}&state=down`);
  await eventually(
    async () => (await kubectl(['get', 'nodes'])).stdout,
    (text) => /node-3 +NotReady/.test(text),
  );
  await eventually(endpoints, (nodes) => !nodes.includes(lost) && nodes.trim().split('\n').length === 3);
  const running = (await web()).filter((line) => / 1\/1 +Running/.test(line) && !line.includes(lost));
  assert.equal(running.length, 3, (await web()).join('\n'));

  await tellDaemon(lab.name, `/node?node=${lost}&state=up`);
  await eventually(
    async () => (await kubectl(['get', 'nodes'])).stdout,
    (text) => /node-3 +Ready/.test(text),
  );
  await eventually(web, (lines) => lines.length === 3 && lines.every((line) => / 1\/1 +Running/.test(line)));
  assert.equal((await kubectl(['scale', 'deployment', 'web', '--replicas=6'])).code, 0);
  await eventually(endpoints, (nodes) => nodes.includes(lost));
  const check = await lab.run('check');
  assert.equal(check.code, 0, check.stdout);
  // Nobody asked for more than the roles of agents and controllers give.
  assert.doesNotMatch(readFileSync(`${runDirectory}/daemon.log`, 'utf8'), /forbidden/i);
});
