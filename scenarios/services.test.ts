/**
 *   client-1 ─ node-1 (zone-1) ─┬─ node-2 (zone-2) ─ client-2       each node also has a pod of web
 *                               └─ node-3 (zone-3) ─ client-3
 *
 * Services as their user sees them: topology hints, names in the cluster set, and the proxy mode changed under a connection
 * that goes on.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { applyManifests, readManifests } from '../packages/cli/src/manifests.ts';
import { createKubeClient, kindNamed } from '../packages/kube/src/index.ts';
import { eventually, podwire, TestLab } from './podwire.ts';

const lab = new TestLab();
const directory = mkdtempSync(path.join(tmpdir(), 'podwire-services-'));
const apiSocket = `/run/podwire/${lab.name}/api.sock`;
const NODES = ['node-1', 'node-2', 'node-3'];

const daemon = (name: string, container: string) => `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [${container}]}
---`;
const service = (spec: string, annotations = '{}') => `
apiVersion: v1
kind: Service
metadata: {name: web, annotations: ${annotations}}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]${spec}}
---`;
const workloads = `${daemon('web', '{name: c, image: agnhost, args: [netexec, --http-port=8080], ports: [{name: http, containerPort: 8080}]}')}${daemon('client', '{name: c, image: busybox, command: [sleep, "3600"]}')}`;
const write = (name: string, text: string): string => {
  const file = path.join(directory, name);
  writeFileSync(file, text);
  return file;
};
const apply = (text: string) => applyManifests(apiSocket, readManifests([write('apply.yaml', text)]));

interface Status {
  readonly pods: readonly { readonly name: string; readonly node: string }[];
  readonly nodes: readonly {
    readonly rooms: readonly { readonly room: string; readonly facts: { mode?: string } }[];
  }[];
}
const status = async (): Promise<Status> => JSON.parse((await lab.run('status', '-o', 'json')).stdout);
let pods: Status['pods'] = [];
const podOn = (node: string, of: string): string =>
  pods.find((pod) => pod.node === node && pod.name.startsWith(of))?.name ?? '';

/** Which nodes answer a client of a node, asked some times. */
async function answering(node: string, url = 'http://web/hostname'): Promise<string[]> {
  const command = `for i in 1 2 3 4 5 6 7 8; do wget -q -T 10 -t 2 -O - ${url}; echo; done`;
  const { stdout } = await lab.exec(podOn(node, 'client'), 'sh', '-c', command);
  const names = new Set(stdout.split('\n').filter((line) => line !== ''));
  return [...names].map((name) => pods.find((pod) => pod.name === name)?.node ?? name).sort();
}
const distribution = async (): Promise<string[][]> => {
  const seen: string[][] = [];
  for (const node of NODES) seen.push(await answering(node));
  return seen;
};

/** By chance some requests may all be answered by two of three. */
const answeredByAll = (node: string) =>
  eventually(
    () => answering(node),
    (seen) => JSON.stringify(seen) === JSON.stringify(NODES),
  );

before(async () => {
  const up = await lab.up('--no-check', '-f', write('web.yaml', `${workloads}${service('')}`));
  assert.equal(up.code, 0, `${up.stdout}\n${up.stderr}`);
  pods = (await status()).pods;
});
after(async () => {
  await lab.down();
  rmSync(directory, { recursive: true, force: true });
});

test('trafficDistribution and topology-mode: every client is answered on its own node or zone', {
  timeout: 900_000,
}, async () => {
  await answeredByAll('node-1');
  const own = NODES.map((node) => [node]);
  for (const [spec, annotations] of [
    [', trafficDistribution: PreferSameZone', '{}'],
    [', trafficDistribution: PreferSameNode', '{}'],
    ['', '{service.kubernetes.io/topology-mode: Auto}'],
  ] as const) {
    await apply(service(spec, annotations));
    await eventually(distribution, (seen) => JSON.stringify(seen) === JSON.stringify(own));
  }
  const plan = await lab.run('plan', 'services', '--node', 'node-2');
  assert.match(
    plan.stdout,
    /left out: \S+ is meant for zone-1, \S+ is meant for zone-3 {2}# Service default\/web port http/,
  );
  await apply(service(''));
  await answeredByAll('node-3');
});

test('the plan of a dump is that of the agents, for someone who may only read the dump', async () => {
  const client = createKubeClient({ socketPath: apiSocket });
  const kinds = ['Node', 'Service', 'EndpointSlice', 'Pod'] as const;
  const items = [];
  for (const kind of kinds)
    for (const object of (await client.list(kind)).items)
      items.push({ ...object, kind, apiVersion: kindNamed(kind).apiVersion });
  client.close();
  const dump = write('dump.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const offline = await podwire(['plan', 'services', '-f', dump]);
  assert.equal(offline.stdout, (await lab.run('plan', 'services')).stdout);
  assert.match(offline.stdout, /Service default\/web port http/);
});

test('an exported Service is reached by its name in the cluster set', async () => {
  await apply(`
apiVersion: multicluster.x-k8s.io/v1beta1
kind: ServiceExport
metadata: {name: web, namespace: default}
`);
  await eventually(
    () => answering('node-2', 'http://web.default.svc.clusterset.local/hostname'),
    (seen) => seen.length > 0 && seen.every((node) => NODES.includes(node)),
  );
});

/** A client of the Service that sends a line every 50 ms over one connection, and counts what comes back. */
function converse(address: string): { readonly child: ChildProcess; replies(): number } {
  const script = `
    const socket = require('node:net').connect({ host: '${address}', port: 80 });
    const timer = setInterval(() => socket.write('GET /hostname HTTP/1.1\\\\r\\\\nHost: web\\\\r\\\\n\\\\r\\\\n'), 50);
    let rest = '';
    socket.on('data', (data) => {
      rest += data;
      const parts = rest.split('HTTP/1.1 200');
      for (let i = 1; i < parts.length; i++) console.log('reply');
      rest = '';
    });
    socket.on('error', (error) => { console.log('error ' + error.message); process.exit(1); });
    socket.on('close', () => { console.log('closed'); process.exit(1); });
  `.replaceAll('\\\\', '\\');
  const child = spawn('ip', ['netns', 'exec', `pw-${lab.name}-node-1`, process.execPath, '-e', script]);
  let seen = '';
  child.stdout.on('data', (data) => {
    seen += data;
  });
  return {
    child,
    replies: () => {
      assert.doesNotMatch(seen, /error|closed/);
      return seen.split('reply').length - 1;
    },
  };
}

test('the proxy mode changes while a connection goes on, and back', { timeout: 900_000 }, async () => {
  const plan = (await lab.run('plan', 'services', '--node', 'node-1')).stdout;
  const address = /cluster IP (\S+) tcp 80 .*Service default\/web/.exec(plan)?.[1] ?? '';
  const { child, replies } = converse(address);
  try {
    await eventually(
      async () => replies(),
      (count) => count > 5,
    );
    for (const mode of ['iptables', 'userspace', 'ebpf', 'nftables']) {
      const changed = await lab.run('proxy-mode', mode);
      assert.equal(changed.code, 0, changed.stderr + changed.stdout);
      assert.equal(changed.stdout.split('\n').filter((line) => new RegExp(`^node-\\d +${mode}$`).test(line)).length, 3);
      const before = replies();
      await eventually(
        async () => replies(),
        (count) => count > before + 5,
      );
      await answeredByAll('node-2');
      const modes = (await status()).nodes.map(
        ({ rooms }) => rooms.find(({ room }) => room === 'services')?.facts.mode,
      );
      assert.deepEqual(modes, [mode, mode, mode]);
      assert.equal((await lab.run('diff', 'services')).stdout.trim(), 'the kernel is as planned');
    }
  } finally {
    child.kill();
    await once(child, 'close');
  }
});

test('one node alone; a mode there is not; what a mode cannot do', async () => {
  const one = await lab.run('proxy-mode', 'iptables', '--node', 'node-2');
  assert.deepEqual([one.code, one.stdout.trim()], [0, 'NODE     PROXY-MODE\nnode-2   iptables']);
  assert.match((await lab.run('proxy-mode')).stdout, /node-1 {3}nftables\nnode-2 {3}iptables\nnode-3 {3}nftables/);
  const wrong = await lab.run('proxy-mode', 'magic');
  assert.deepEqual([wrong.code, /choose one of: nftables, /.test(wrong.stderr)], [2, true]);
  const ipvs = await lab.run('proxy-mode', 'ipvs', '--node', 'node-3');
  if (ipvs.code === 0) assert.match(ipvs.stdout, /node-3 {3}ipvs/);
  else
    assert.match(
      ipvs.stdout,
      /node-3 {3}nftables\n\nrefused\nnode-3: mode ipvs is not in force, nftables goes on: .*\n$/,
    );
  await answeredByAll('node-3');
  await apply(service('', '{podwire.io/balance: maglev}'));
  await eventually(
    async () => (await lab.run('proxy-mode')).stdout,
    (text) => /limits\nnode-2 services: Service default\/web: balance maglev is not in mode iptables/.test(text),
  );
  assert.match((await lab.run('up', '--proxy-mode', 'ebpf')).stdout, /podwire proxy-mode ebpf --name/);
});
