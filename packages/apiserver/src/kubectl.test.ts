import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeClient } from '@podwire/kube';
import { clusterOf } from './testing/cluster-of.fixture.ts';
import { findKubectls, startKubectl } from './testing/kubectl.ts';
import type { Cluster } from './testing/kubectl-cluster.ts';

/** What kubectl of each minor is put through: everything for the newest, the protocols for the others. */
const kubectls = findKubectls();
const BIG = 300_000;

const container = { name: 'c', image: 'nginx:1' };
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [container] } };
const deployment = (spec: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas: 2, selector: { matchLabels: labels }, template, ...spec },
});
const service = (port: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: labels, ports: [port] },
});

async function makeRunningPod(client: KubeClient): Promise<void> {
  await client.create('Node', {
    metadata: { name: 'node-1' },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  });
  await client.create('Pod', {
    metadata: { name: 'p', namespace: 'default', labels },
    spec: { nodeName: 'node-1', containers: [{ ...container, ports: [{ containerPort: 80 }] }] },
  });
  await client.patch(
    'Pod',
    { namespace: 'default', name: 'p' },
    {
      status: {
        phase: 'Running',
        podIP: '10.244.0.2',
        podIPs: [{ ip: '10.244.0.2' }],
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'Initialized', status: 'True' },
        ],
        containerStatuses: [
          {
            name: 'c',
            image: 'nginx:1',
            imageID: '',
            ready: true,
            restartCount: 0,
            state: { running: { startedAt: '2030-01-01T00:00:00Z' } },
          },
        ],
      },
    },
    { subresource: 'status' },
  );
}

/** Short: what differs between kubectl versions. */
function protocolTests(cluster: () => Cluster): void {
  test('apply: created, unchanged, configured; get; delete', async () => {
    const it = cluster();
    assert.equal(await it.ok('apply -f -', deployment()), 'deployment.apps/web created\n');
    assert.equal(await it.ok('apply -f -', deployment()), 'deployment.apps/web unchanged\n');
    assert.equal(await it.ok('apply -f -', deployment({ replicas: 3 })), 'deployment.apps/web configured\n');
    assert.match(await it.ok('get deploy'), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/3 +0 +0 +\d+s\n$/);
    assert.match(await it.ok('delete deploy web'), /^deployment\.apps "web" deleted/);
  });

  test('logs, exec with input and exit code, port-forward', async () => {
    const it = cluster();
    assert.equal(await it.ok('logs p --tail=2'), 'two\nthree\n');
    const run = await it.run('exec -i p -- cat', 'x'.repeat(BIG));
    assert.equal(run.stdout.length, BIG);
    assert.match(run.stderr, /careful/);
    assert.equal(run.code, 7);
    assert.match(await it.fails('exec p -- missing'), /executable file not found in \$PATH/);
    assert.equal(await it.ok('exec p -- date -u'), 'ran date -u\n');
    await assertPortForward(it);
  });

  test('an unknown field is refused with its path and changes nothing', async () => {
    const it = cluster();
    const error = await it.fails('apply -f -', deployment({ replcas: 2 }));
    assert.match(
      error,
      /Error from server \(BadRequest\): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec\.replcas"/,
    );
    assert.match(await it.fails('get deploy web'), /deployments\.apps "web" not found/);
  });
}

async function assertPortForward(it: Cluster): Promise<void> {
  const echo = createServer((socket) => void socket.on('error', () => {}).pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const target = (echo.address() as AddressInfo).port;
  const forward = startKubectl(it.session, ['port-forward', '--address', '127.0.0.1', 'pod/p', `:${target}`]);
  try {
    const [line] = (await once(forward.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const local = Number(/127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1]);
    for (let n = 0; n < 2; n++) assert.equal(await echoed(local), BIG);
  } finally {
    forward.kill();
    await once(forward, 'close');
    echo.close();
  }
}

async function echoed(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  let length = 0;
  socket.write(Buffer.alloc(BIG, 'z'));
  for await (const chunk of socket) {
    length += (chunk as Buffer).length;
    if (length >= BIG) break;
  }
  return length;
}

/** Longer: what is the same for all versions and not in the matrix. */
function fullTests(cluster: () => Cluster): void {
  test('describe, events', async () => {
    const it = cluster();
    const pod = await it.client.get('Pod', { namespace: 'default', name: 'p' });
    await it.client.create('Event', {
      metadata: { name: 'p.1', namespace: 'default' },
      type: 'Normal',
      reason: 'Started',
      message: 'Started container c',
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'default', uid: pod?.metadata?.uid ?? '' },
      firstTimestamp: new Date().toISOString(),
      lastTimestamp: new Date().toISOString(),
      count: 1,
    });
    const text = await it.ok('describe pod p');
    for (const expected of [/^Node: +node-1/m, /^Status: +Running/m, /Normal +Started +\d+s +Started container c/])
      assert.match(text, expected);
    assert.match(
      await it.ok('get events'),
      /LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\d+s +Normal +Started +pod\/p +Started container c/,
    );
    assert.match(await it.ok('events'), /Started container c/);
    assert.match(await it.ok('describe node node-1'), /Non-terminated Pods: +\(1 in total\)/);
  });

  test('invalid manifests: the message with the field path, and nothing changed', async () => {
    const it = cluster();
    const refused: [object, string][] = [
      [
        deployment({ replicas: 'two' }),
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
      ],
      [
        deployment({ selector: { matchLabels: { app: 'other' } } }),
        'The Deployment "web" is invalid: spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
      [service({ port: 0 }), '* spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
      [
        service({ port: 80, nodePort: 30000 }),
        'The Service "web" is invalid: spec.ports[0].nodePort: Forbidden: may not be used when `type` is \'ClusterIP\'',
      ],
      [
        { ...service({ port: 80 }), metadata: { name: 'Web_' } },
        "The Service \"Web_\" is invalid: metadata.name: Invalid value: \"Web_\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ],
      [
        {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: 'web' },
          spec: { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/40' } }] }] },
        },
        'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0/40": must be a valid CIDR value',
      ],
    ];
    for (const [manifest, message] of refused) {
      const error = await it.fails('apply -f -', manifest);
      assert.ok(error.includes(message), error);
    }
    assert.match(await it.fails('apply -f -', 'kind: {'), /error parsing STDIN/);
    for (const kind of ['deploy', 'svc', 'netpol']) assert.equal((await it.run(`get ${kind}`)).stdout, '', kind);
  });

  test('Ingress of the old versions is taken and stored as v1', async () => {
    const it = cluster();
    const backend = { serviceName: 'a', servicePort: 80 };
    const old = {
      apiVersion: 'networking.k8s.io/v1beta1',
      kind: 'Ingress',
      metadata: { name: 'old' },
      spec: { rules: [{ host: 'a.test', http: { paths: [{ path: '/', backend }] } }] },
    };
    assert.equal(await it.ok('apply -f -', old), 'ingress.networking.k8s.io/old created\n');
    assert.equal(await it.ok('apply -f -', old), 'ingress.networking.k8s.io/old unchanged\n');
    assert.match(
      await it.ok('apply -f -', { ...old, apiVersion: 'extensions/v1beta1' }),
      /ingress\.extensions\/old configured/,
    );
    assert.equal(
      (await it.client.get('Ingress', { namespace: 'default', name: 'old' }))?.apiVersion,
      'networking.k8s.io/v1',
    );
    const listed = await it.run('get ing');
    assert.match(listed.stdout, /old +<none> +a\.test +80/);
    assert.equal(listed.stderr, '');
  });

  test('logs -f ends with the container; attach', async () => {
    const it = cluster();
    const following = it.ok('logs -f p --tail=1');
    for (let i = 0; i < 3000 && it.pods.followers === 0; i++) await delay(10);
    it.pods.endLog('four');
    assert.equal(await following, 'three\nfour\n');
    assert.match(await it.fails('logs p -c nothing'), /container nothing is not valid for pod p/);
    assert.equal(await it.ok('attach p'), 'ran attached\n');
  });
}

if (kubectls.length === 0) {
  test('kubectl', { skip: 'probe kubectl: no kubectl of 1.29 or newer on PATH or in a Google Cloud SDK' }, () => {});
}
for (const [index, kubectl] of kubectls.entries()) {
  describe(`kubectl 1.${kubectl.minor}`, () => {
    const current = clusterOf(kubectl, ({ client }) => makeRunningPod(client));
    protocolTests(current);
    if (index === 0) fullTests(current);
  });
}
