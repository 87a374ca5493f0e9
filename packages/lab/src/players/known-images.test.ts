import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerPlan, ContainerRequest } from './container-plan.ts';
import { imageName } from './image.ts';
import { planContainer } from './known-images.ts';

const onHost = (program: string): boolean => ['sh', 'bash', 'sleep', 'curl'].includes(program);

function plan(image: string, request: Partial<ContainerRequest> = {}): ContainerPlan {
  return planContainer({ image, command: [], args: [], env: {}, ports: [], ...request }, onHost);
}

/** `TCP/80 welcome` and so on, or the kind of what is not played. */
function listeners(image: string, request: Partial<ContainerRequest> = {}): string[] {
  const planned = plan(image, request);
  return planned.kind === 'play'
    ? planned.listeners.map((l) => `${l.protocol}/${l.port} ${l.app.app}`)
    : [planned.kind];
}

const tcp = (containerPort: number) => ({ containerPort, protocol: 'TCP' }) as const;

test('images are known by their last path component', () => {
  const names = [
    'nginx',
    'docker.io/library/nginx:1.27',
    'localhost:5000/a/nginx@sha256:00',
    'nginx:1.27@sha256:00',
  ].map(imageName);
  assert.deepEqual(new Set(names), new Set(['nginx']));
  assert.deepEqual(listeners('docker.io/library/nginx:1.27'), ['TCP/80 welcome']);
  assert.deepEqual(listeners('mynginx'), ['placeholder']);
});

test('agnhost', () => {
  const image = 'registry.k8s.io/e2e-test-images/agnhost:2.53';
  assert.deepEqual(listeners(image, { args: ['netexec'] }), ['TCP/8080 netexec', 'UDP/8081 netexec']);
  assert.deepEqual(listeners(image, { args: ['netexec', '--http-port', '80', '--udp-port=-1'] }), ['TCP/80 netexec']);
  assert.deepEqual(listeners(image, { command: ['/agnhost', 'netexec'], args: ['--http-port=81', '--udp-port=82'] }), [
    'TCP/81 netexec',
    'UDP/82 netexec',
  ]);
  assert.deepEqual(listeners(image, { args: ['serve-hostname', '--http=false', '--tcp', '--udp', '--port=9'] }), [
    'TCP/9 hostname',
    'UDP/9 hostname',
  ]);
  assert.deepEqual(listeners(image, { args: ['serve-hostname'] }), ['TCP/9376 hostname']);
  assert.deepEqual(
    listeners(image, {
      args: ['porter'],
      env: { SERVE_PORT_80: 'a', SERVE_UDP_PORT_81: 'b', SERVE_TLS_PORT_82: 'c', SERVE_PORT_99999: 'd' },
    }),
    ['TCP/80 text', 'UDP/81 text'],
  );
  assert.deepEqual(listeners(image, { args: ['pause'], ports: [tcp(80)] }), []);
  assert.deepEqual(listeners(image), []);
  assert.deepEqual(plan(image, { args: ['netexec', '--no-such'] }), {
    kind: 'exit',
    code: 1,
    message: 'Error: unknown flag: --no-such',
  });
  assert.equal(plan(image, { args: ['no-such'] }).kind, 'exit');
  assert.deepEqual(plan(image, { args: ['connect', '10.0.0.1:80', '--timeout=1500ms'] }), {
    kind: 'connect',
    request: { target: '10.0.0.1:80', protocol: 'tcp', timeout: 1500, udpData: 'hostname' },
  });
  const sctp = plan(image, { args: ['netexec', '--sctp-port=9'] });
  assert.deepEqual(sctp.kind === 'play' && sctp.notes, ['agnhost netexec: --sctp-port is ignored, no SCTP is played']);
});

test('a declared TCP port that nobody listens on is given to the echo player', () => {
  const ports = [tcp(8080), tcp(9000), { containerPort: 9001, protocol: 'UDP' } as const];
  assert.deepEqual(listeners('agnhost', { args: ['netexec', '--udp-port=-1'], ports }), [
    'TCP/8080 netexec',
    'TCP/9000 echo',
  ]);
});

test('http-echo', () => {
  assert.deepEqual(listeners('hashicorp/http-echo', { args: ['-listen=:8080', '-text=foo'] }), ['TCP/8080 text']);
  assert.equal(plan('hashicorp/http-echo').kind, 'exit');
  assert.deepEqual(listeners('hashicorp/http-echo', { env: { ECHO_TEXT: 'x' } }), ['TCP/5678 text']);
});

test('shells and commands are processes, if the host has them', () => {
  assert.deepEqual(plan('busybox:1.36'), { kind: 'process', argv: ['sh'] });
  assert.deepEqual(plan('busybox', { args: ['sleep', '5'] }), { kind: 'process', argv: ['sleep', '5'] });
  assert.deepEqual(plan('curlimages/curl', { args: ['-s', 'a'] }), { kind: 'process', argv: ['curl', '-s', 'a'] });
  assert.deepEqual(plan('nginx', { command: ['sh', '-c', 'x'] }), { kind: 'process', argv: ['sh', '-c', 'x'] });
  assert.deepEqual(plan('example.com/any', { command: ['sleep'], args: ['1'] }), {
    kind: 'process',
    argv: ['sleep', '1'],
  });
  assert.equal(plan('alpine', { command: ['no-such'] }).kind, 'unstartable');
});

test('an unknown image is an echo server on its ports, or a placeholder', () => {
  assert.deepEqual(
    listeners('example.com/any', {
      ports: [tcp(80), { containerPort: 53, protocol: 'UDP' }, { containerPort: 7, protocol: 'SCTP' }],
    }),
    ['TCP/80 echo', 'UDP/53 echo'],
  );
  assert.deepEqual(listeners('example.com/any', { command: ['/server'], ports: [tcp(80)] }), ['TCP/80 echo']);
  assert.equal(plan('example.com/any').kind, 'placeholder');
  assert.equal(plan('constructor').kind, 'placeholder');
});
