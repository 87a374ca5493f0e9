import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { ROOM_NAMES } from '@podwire/agent/rooms';
import { listenTcp, type Netns, pidsInNetns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { cniRequest, pluginConfig } from '@podwire/pods';
import { heard, startAgentChild, startLonelyAgent, until } from './agent-child.fixture.ts';

const SERVICE = '10.96.0.80:80';
const ip = (line: string): void => void execFileSync('ip', line.split(' '));

/** An HTTP server that says little; close() ends it. */
async function serve(netns: Netns): Promise<{ close(): void }> {
  const server = await listenTcp({ netns, address: '0.0.0.0', port: 8080 });
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nthe endpoint';
  server.on('connection', (socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(answer));
  });
  return server;
}

const health = 'GET /healthz HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n';
const request = 'GET / HTTP/1.1\r\nHost: web.example.com\r\nConnection: close\r\n\r\n';

test('a node of a cluster: Services work, health and metrics are served, SIGTERM leaves the rules', async (t) => {
  const endpoint = '10.244.0.2';
  await withNetns(1, async (netns) => {
    netns.run(() => {
      ip(`addr add ${endpoint}/32 dev lo`);
      ip('route add default dev lo');
    });
    const server = await serve(netns);
    t.after(() => server.close());
    const { cluster, get, end } = await startAgentChild(t, netns, { endpoint, flags: ['--rooms', 'services'] });
    await until(/the endpoint$/, () => heard(netns, SERVICE, request));
    await until(/^podwire_room_ready\{room="services"\} 1$/m, () => get('/metrics'));
    await until(/^kubeproxy_sync_proxy_rules_service_changes_pending 0$/m, () => get('/metrics'));
    assert.match((await get('/metrics')) ?? '', /^kubeproxy_sync_proxy_rules_duration_seconds_count [1-9]/m);
    assert.match((await get('/proxyMode')) ?? '', /nftables$/);
    assert.match((await heard(netns, '127.0.0.1:10256', health)) ?? '', /^HTTP\/1.1 200 /);
    await until(/^kubeproxy_proxy_healthz_total\{code="200"\} 1$/m, () => get('/metrics'));

    await until(/^podwire_api_server_readable 1$/m, () => get('/metrics'));
    cluster.kill('SIGKILL');
    await until(/^podwire_api_server_readable 0$/m, () => get('/metrics'));
    await until(/^\[-\]api-server failed\n {3}cannot read .*\bService\b.*: no answer from the API server/m, () =>
      get('/readyz?verbose'),
    );
    assert.match((await get('/readyz')) ?? '', /^HTTP\/1.1 200 /);

    assert.deepEqual(await end(), [0, null]);
    assert.equal(await get('/livez'), undefined);
    assert.match((await heard(netns, SERVICE, request)) ?? '', /the endpoint$/);
  });
});

test('an agent whose API server is away says so, and ends with code 0 when it is told to', async (t) => {
  await withNetns(1, async (netns) => {
    const { get, end } = startLonelyAgent(t, netns);
    await until(/^HTTP\/1.1 503 [\s\S]*ECONNREFUSED/, () => get('/readyz'));
    assert.match((await get('/proxyMode')) ?? '', /^HTTP\/1.1 404 /);
    assert.deepEqual(await end(), [0, null]);
  });
});

/** A link between them: `eth0` at both ends. */
function wire(node: Netns, outside: Netns): void {
  ip(`link add eth0 netns ${node.name} type veth peer name eth0 netns ${outside.name}`);
  const up = (address: string) => () => {
    ip(`addr add ${address} dev eth0`);
    ip('link set eth0 up');
  };
  outside.run(up('172.30.0.1/24'));
  node.run(up('172.30.0.11/24'));
  node.run(() => ip('route add default via 172.30.0.1'));
}

/** As the container runtime asks for it; the pod's address. */
async function addPod(runDirectory: string, pod: Netns): Promise<string> {
  const identity = 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=c0ffee';
  const env = {
    ...{ CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c0ffee', CNI_NETNS: `/run/netns/${pod.name}`, CNI_IFNAME: 'eth0' },
    ...{ CNI_PATH: '/opt/cni/bin', CNI_ARGS: `IgnoreUnknown=1;${identity}` },
  };
  const { exitCode, stdout } = await cniRequest(path.join(runDirectory, 'cni.sock'), env, pluginConfig());
  assert.equal(exitCode, 0, stdout);
  return JSON.parse(stdout).ips[0].address;
}

/** HAProxy goes on without its agent, so that nobody is cut off. */
function killAll({ inode }: Netns): void {
  for (const pid of pidsInNetns(inode)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended with another one
    }
  }
}

test('all rooms: a pod is wired, finds a Service by name, and is reached from outside', async (t) => {
  await withNetns(3, async (node, outside, pod) => {
    wire(node, outside);
    const { agent, runDirectory, get, end } = await startAgentChild(t, node, { endpoint: '10.244.0.2' });
    try {
      const metrics = (await get('/metrics')) ?? '';
      for (const room of ROOM_NAMES)
        assert.match(metrics, new RegExp(`^podwire_room_ready\\{room="${room}"\\} 1$`, 'm'));
      assert.equal(await addPod(runDirectory, pod), '10.244.0.2/32');
      const server = await serve(pod);
      t.after(() => server.close());
      await until(/the endpoint$/, () => heard(node, SERVICE, request));
      const query = ['+short', '+time=5', '+tries=6', '@10.96.0.10', 'web.default.svc.cluster.local'];
      assert.equal(
        pod.run(() => execFileSync('dig', query, { encoding: 'utf8' })),
        '10.96.0.80\n',
      );
      await until(/^coredns_dns_responses_total\{rcode="NOERROR"\} [1-9]/m, () => get('/metrics'));
      await until(/the endpoint$/, () => heard(outside, '172.30.0.11:30080', request));
      await until(/the endpoint$/, () => heard(outside, '172.30.0.11:80', request));
      assert.deepEqual(await end(), [0, null]);
      assert.match((await heard(outside, '172.30.0.11:30080', request)) ?? '', /the endpoint$/);
    } finally {
      agent.kill('SIGKILL');
      killAll(node);
    }
  });
});
