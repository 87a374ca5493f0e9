import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { connectTcp } from '@podwire/kernel';
import { httpGet, udpExchange } from '../players/exchange.ts';
import { isReady, NODE_ADDRESS, startNode, type TestNode } from './node.fixture.ts';

const AGNHOST = 'registry.k8s.io/e2e-test-images/agnhost:2.53';
const netexec = { name: 'web', image: AGNHOST, args: ['netexec', '--http-port=8080', '--udp-port=8081'] };
const busybox = (command: string[]) => ({ name: 'shell', image: 'busybox:1.36', command });

/** A shell that is ready when it is prepared to be told to end. */
function trapping(action: string, more: object = {}) {
  const command = ['sh', '-c', `trap "${action}" TERM; touch /state-of-pod/trap; while :; do sleep 0.05; done`];
  const readinessProbe = { exec: { command: ['test', '-e', '/state-of-pod/trap'] }, periodSeconds: 1 };
  const volumeMounts = [{ name: 'state', mountPath: '/state-of-pod' }];
  return {
    containers: [{ ...busybox(command), readinessProbe, volumeMounts, ...more }],
    volumes: [{ name: 'state', emptyDir: {} }],
  };
}

function get(
  node: TestNode,
  address: string | undefined,
  path: string,
  port = 8080,
): Promise<{ status: number; body: string }> {
  return httpGet({ netns: node.netns, address: address ?? '', port, timeout: 60_000 }, { path });
}

async function execute(
  node: TestNode,
  name: string,
  container: string,
  command: string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const uid = node.informers.of('Pod').get(name, 'default')?.metadata?.uid ?? '';
  const session = await node.streams.exec(
    { namespace: 'default', name, uid },
    { container, command, tty: false, stdin: false },
  );
  let [stdout, stderr] = ['', ''];
  session.stdout.on('data', (chunk) => (stdout += chunk));
  session.stderr.on('data', (chunk) => (stderr += chunk));
  return { code: await session.exit, stdout, stderr };
}

test('a played pod becomes ready, answers, and goes without a trace', async (t) => {
  const node = await startNode(t);
  await node.run('warm', { containers: [{ name: 'c', image: 'pause' }] });
  await node.until('warm', isReady);
  const begun = performance.now();
  await node.run('web', {
    containers: [
      {
        ...netexec,
        ports: [
          { name: 'http', containerPort: 8080 },
          { name: 'grpc', containerPort: 9000 },
        ],
        readinessProbe: { httpGet: { path: '/healthz', port: 'http' as unknown as string }, periodSeconds: 1 },
      },
    ],
  });
  const pod = await node.until('web', isReady);
  const took = performance.now() - begun;
  t.diagnostic(`created to Ready: ${took.toFixed(1)} ms`);
  const ip = pod.status?.podIP;
  assert.equal(pod.status?.phase, 'Running');
  assert.equal(pod.status?.hostIP, NODE_ADDRESS);
  assert.match(pod.status?.containerStatuses?.[0]?.containerID ?? '', /^podwire:\/\/[0-9a-f]{64}$/);
  assert.equal((await get(node, ip, '/hostname')).body, 'web');
  assert.match((await get(node, ip, '/clientip')).body, new RegExp(`^${NODE_ADDRESS}:\\d+$`));
  assert.match((await get(node, ip, '/', 9000)).body, /^pod: web\nnamespace: default\n/);
  assert.equal(
    await udpExchange({ netns: node.netns, address: ip ?? '', port: 8081, timeout: 60_000 }, 'hostname'),
    'web',
  );
  assert.deepEqual(JSON.parse((await get(node, ip, '/shell?cmd=hostname')).body), { output: 'web\n' });

  assert.equal(node.sandboxes().length, 2);
  await node.client.delete('Pod', { namespace: 'default', name: 'web' });
  await node.gone('web');
  assert.equal(node.sandboxes().length, 1);
});

test("a real process has the pod's names, environment and localhost", async (t) => {
  const node = await startNode(t);
  await node.client.create('ConfigMap', {
    metadata: { name: 'settings', namespace: 'default' },
    data: { colour: 'green' },
  });
  await node.run('both', {
    hostname: 'one',
    subdomain: 'two',
    containers: [
      netexec,
      {
        ...busybox([
          'sh',
          '-c',
          'echo $GREETING from $(hostname); while sleep 0.2; do wget -q -O - http://localhost:8080/hostname && echo; done',
        ]),
        env: [
          { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
          { name: 'GREETING', value: 'hello $(COLOUR) $$(COLOUR)' },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        ],
      },
    ],
  });
  const pod = await node.until('both', isReady);
  const run = async (...command: string[]) => (await execute(node, 'both', 'shell', command)).stdout;
  assert.equal(await run('hostname'), 'one\n');
  assert.match(
    await run('cat', '/etc/resolv.conf'),
    /^nameserver 10\.96\.0\.10\nsearch default\.svc\.cluster\.local svc\.cluster\.local cluster\.local\noptions ndots:5\n$/,
  );
  assert.match(
    await run('cat', '/etc/hosts'),
    new RegExp(`${pod.status?.podIP}\tone\\.two\\.default\\.svc\\.cluster\\.local\tone\n`),
  );
  assert.equal(await run('sh', '-c', 'echo $IP $KUBERNETES_SERVICE_HOST'), `${pod.status?.podIP} 10.96.0.1\n`);
  const uid = pod.metadata?.uid ?? '';
  const logs = await node.streams.logs(
    { namespace: 'default', name: 'both', uid },
    { container: 'shell', follow: true, timestamps: true },
  );
  let text = '';
  for await (const chunk of logs) {
    text += chunk;
    if (/Z one\n/.test(text)) break;
  }
  assert.match(text, /^20\S+Z hello green \$\(COLOUR\) from one\n20\S+Z one\n/);
});

test('exec tells exit codes, and agnhost connect is played', async (t) => {
  const node = await startNode(t);
  // A resolver that refuses at once: there is no DNS here.
  const dns = { dnsPolicy: 'None', dnsConfig: { nameservers: ['127.0.0.1'] } };
  await node.run('web', { ...dns, containers: [netexec] });
  const pod = await node.until('web', isReady);
  assert.deepEqual(await execute(node, 'web', 'web', ['sh', '-c', 'echo out; echo err >&2; exit 7']), {
    code: 7,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  const target = `${pod.status?.podIP}`;
  assert.equal((await execute(node, 'web', 'web', ['/agnhost', 'connect', `${target}:8080`, '--timeout=60s'])).code, 0);
  assert.deepEqual(await execute(node, 'web', 'web', ['/agnhost', 'connect', `${target}:99`, '--timeout=60s']), {
    code: 1,
    stdout: '',
    stderr: 'REFUSED\n',
  });
  assert.match(
    (await execute(node, 'web', 'web', ['/agnhost', 'connect', 'no.such.name:80', '--timeout=60s'])).stderr,
    /^DNS: /,
  );
  await assert.rejects(execute(node, 'web', 'web', ['no-such-program']), { code: 'LAB_CONTAINER_START' });
  const session = await node.streams.exec(
    { namespace: 'default', name: 'web', uid: pod.metadata?.uid ?? '' },
    { container: 'web', command: ['cat'], tty: true, stdin: true },
  );
  session.stdin.end('typed\n');
  let echoed = '';
  for await (const chunk of session.stdout) echoed += chunk;
  assert.equal(echoed, 'typed\r\ntyped\r\n');
  assert.equal(await session.exit, 0);
});

test("port-forward reaches the pod's localhost", async (t) => {
  const node = await startNode(t);
  await node.run('page', { containers: [{ name: 'nginx', image: 'nginx:1.27' }] });
  const pod = await node.until('page', isReady);
  const socket = await node.streams.portForward(
    { namespace: 'default', name: 'page', uid: pod.metadata?.uid ?? '' },
    80,
  );
  socket.write('GET / HTTP/1.0\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  assert.match(text, /Welcome to nginx!.*default\/page on node-1/s);
});

test('a crashing container is restarted at once, then backs off', async (t) => {
  const node = await startNode(t);
  await node.run('crash', { containers: [busybox(['sh', '-c', 'echo run; exit 3'])] });
  const pod = await node.until(
    'crash',
    (p) => p.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
  );
  const [status] = pod.status?.containerStatuses ?? [];
  assert.equal(status?.restartCount, 1);
  assert.equal(status?.lastState?.terminated?.exitCode, 3);
  assert.equal(status?.lastState?.terminated?.reason, 'Error');
  assert.match(
    status?.state?.waiting?.message ?? '',
    /^back-off 10s restarting failed container=shell pod=crash_default\(/,
  );
  assert.equal(pod.status?.phase, 'Running');
  const previous = await node.streams.logs(
    { namespace: 'default', name: 'crash', uid: pod.metadata?.uid ?? '' },
    { container: 'shell', follow: false, previous: true },
  );
  let text = '';
  for await (const chunk of previous) text += chunk;
  assert.equal(text, 'run\n');
});

test('init containers run in order, and a pod that never restarts succeeds or fails', async (t) => {
  const node = await startNode(t);
  await node.run('done', {
    restartPolicy: 'Never',
    initContainers: [
      { ...busybox(['sh', '-c', 'exit 0']), name: 'first' },
      { ...busybox(['true']), name: 'second' },
    ],
    containers: [busybox(['sh', '-c', 'sleep 0.1; echo fine'])],
  });
  const done = await node.until('done', (p) => p.status?.phase === 'Succeeded');
  assert.deepEqual(
    done.status?.initContainerStatuses?.map((c) => c.state?.terminated?.reason),
    ['Completed', 'Completed'],
  );
  await node.run('bad', {
    restartPolicy: 'Never',
    initContainers: [{ ...busybox(['false']), name: 'first' }],
    containers: [netexec],
  });
  const bad = await node.until('bad', (p) => p.status?.phase === 'Failed');
  assert.equal(bad.status?.containerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
  for (let i = 0; node.sandboxes().length > 0; i++) {
    assert.ok(i < 3000, 'sandboxes of finished pods stay');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('probes: not ready while failing, restarted when dead', async (t) => {
  const node = await startNode(t);
  await node.run('probed', {
    containers: [
      {
        ...netexec,
        readinessProbe: { exec: { command: ['sh', '-c', 'exit 1'] }, periodSeconds: 1, failureThreshold: 1 },
        livenessProbe: {
          tcpSocket: { port: 8080 as unknown as string },
          periodSeconds: 1,
          timeoutSeconds: 20,
          failureThreshold: 1,
        },
      },
    ],
  });
  const running = await node.until('probed', (p) => p.status?.containerStatuses?.[0]?.started === true);
  assert.equal(isReady(running), false);
  await node.run('dead', {
    containers: [
      {
        ...busybox(['sleep', '100']),
        livenessProbe: { tcpSocket: { port: 1 as unknown as string }, periodSeconds: 1, failureThreshold: 1 },
      },
    ],
  });
  const dead = await node.until('dead', (p) => (p.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
  assert.equal(dead.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 143);
  assert.equal(
    (await node.until('probed', (p) => p.metadata?.name === 'probed')).status?.containerStatuses?.[0]?.restartCount,
    0,
  );
});

test('a grpc probe and a grpc client are answered by the echo player', async (t) => {
  const node = await startNode(t);
  await node.run('unknown', {
    containers: [
      {
        name: 'api',
        image: 'example.com/shop/api:7',
        ports: [{ containerPort: 9000 }],
        readinessProbe: { grpc: { port: 9000 } },
      },
    ],
  });
  const { status } = await node.until('unknown', isReady);
  const socket = await connectTcp({ netns: node.netns, address: status?.podIP ?? '', port: 9000 });
  socket.write('not HTTP');
  const [echoed] = await once(socket, 'data');
  assert.equal(String(echoed), 'not HTTP');
  socket.destroy();
  let events: string[] = [];
  for (let i = 0; i < 1500 && !events.some((e) => e.startsWith('ImagePlayed')); i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    events = (await node.client.list('Event', { namespace: 'default' })).items.map((e) => `${e.reason}: ${e.message}`);
  }
  assert.ok(
    events.includes('ImagePlayed: Image "example.com/shop/api:7" is played by a built-in echo server on 9000/TCP'),
    events.join('\n'),
  );
  assert.ok(events.includes('Started: Started container api'));
});

test("the players' thread is replaced and its listeners come back", async (t) => {
  const node = await startNode(t);
  await node.run('web', { containers: [netexec] });
  const pod = await node.until('web', isReady);
  await node.players.restart();
  let answer = '';
  for (let i = 0; i < 1500 && answer === ''; i++) {
    answer = await get(node, pod.status?.podIP, '/hostname').then(
      (a) => a.body,
      () => '',
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(answer, 'web');
  assert.equal((await node.until('web', isReady)).status?.containerStatuses?.[0]?.restartCount, 0);
});

test('termination: SIGTERM first, SIGKILL after the grace period; host network uses the node', async (t) => {
  const node = await startNode(t);
  await node.run('stubborn', {
    terminationGracePeriodSeconds: 1,
    ...trapping(''),
  });
  await node.until('stubborn', isReady);
  await node.run('host', {
    hostNetwork: true,
    containers: [{ ...netexec, args: ['netexec', '--http-port=8088', '--udp-port=-1'] }],
  });
  const host = await node.until('host', isReady);
  assert.equal(host.status?.podIP, NODE_ADDRESS);
  assert.equal((await get(node, NODE_ADDRESS, '/hostname', 8088)).body, 'host');
  const begun = performance.now();
  await node.client.delete('Pod', { namespace: 'default', name: 'stubborn' });
  await node.gone('stubborn');
  const took = performance.now() - begun;
  // A second of grace, not the thirty of pods that do not say.
  assert.ok(took > 900 && took < 25_000, `${took} ms`);
  await node.client.delete('Pod', { namespace: 'default', name: 'host' });
  await node.gone('host');
  await assert.rejects(connectTcp({ netns: node.netns, address: NODE_ADDRESS, port: 8088, timeout: 1000 }), {
    code: 'KERNEL_CONNECT',
  });
});

test('seconds beyond what a timer takes are long, not nothing', async (t) => {
  const node = await startNode(t);
  await node.run('patient', {
    activeDeadlineSeconds: 2_147_484,
    terminationGracePeriodSeconds: 2_147_484,
    ...trapping('exit 7', {
      livenessProbe: { exec: { command: ['sh', '-c', 'exit 1'] }, periodSeconds: 2_147_484, failureThreshold: 5 },
    }),
  });
  await node.until('patient', isReady);
  await new Promise((resolve) => setTimeout(resolve, 1500)); // the first liveness probe is after a second
  const pod = await node.until('patient', () => true);
  assert.deepEqual([pod.status?.phase, pod.status?.containerStatuses?.[0]?.restartCount], ['Running', 0]);
  await node.client.delete('Pod', { namespace: 'default', name: 'patient' });
  const ended = await node.until('patient', (p) => p.status?.containerStatuses?.[0]?.state?.terminated !== undefined);
  assert.equal(ended.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 7);
  await node.gone('patient');
});

test('a log that cannot be written loses lines and an event says so; the pod lives', async (t) => {
  const node = await startNode(t);
  await node.run('chatty', { containers: [busybox(['sh', '-c', 'while :; do echo x; sleep 0.05; done'])] });
  const { metadata } = await node.until('chatty', isReady);
  rmSync(path.join(node.directory, metadata?.uid ?? ''), { recursive: true });
  let dropped: string[] = [];
  for (let i = 0; i < 1500 && dropped.length === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { items } = await node.client.list('Event', { namespace: 'default' });
    dropped = items.filter((e) => e.reason === 'LogDropped').map((e) => e.message ?? '');
  }
  assert.match(dropped.join(), /^the log of container shell cannot be written, lines are lost: ENOENT/);
  const pod = await node.until('chatty', () => true);
  assert.equal(pod.status?.containerStatuses?.[0]?.restartCount, 0);
});
