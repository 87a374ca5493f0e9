import { nthAddress, type Prefix, selectorMatches } from '@podwire/base';
import { TYPE } from '@podwire/dns';
import { outsideAddress } from '../topology.ts';
import { dnsAsk, httpGet, httpsGet, SILENCE, tcpOutcome, udpAsk } from './exchange.ts';
import { CHECK_NAMESPACE, INGRESS_HOST } from './fixture.ts';
import { type Check, echoPods, expect, type Place, pod, service, type World } from './world.ts';

/** netexec's /clientip answers `address:port` of the client. */
const seenAddress = async (from: Place, address: string, port = 8080): Promise<string> => {
  const { body } = await httpGet(from.netns, { address, port }, '/clientip');
  return body.slice(0, body.lastIndexOf(':'));
};

async function podToPod(world: World): Promise<string> {
  const pods = [...echoPods(world), pod(world, 'stranger')];
  for (const from of pods) {
    for (const to of pods) {
      if (from === to) continue;
      const seen = await seenAddress(from, to.address);
      expect(seen === from.address, `${to.name} saw ${seen} instead of ${from.name}'s own ${from.address}`);
    }
  }
  return `${pods.length * (pods.length - 1)} pairs, source address kept`;
}

async function deployment(world: World): Promise<string> {
  const found = await world.client.get('Deployment', { namespace: CHECK_NAMESPACE, name: 'spread' });
  const pods = world.informers
    .of('Pod')
    .list()
    .filter((one) => one.metadata?.namespace === CHECK_NAMESPACE && one.metadata.labels?.app === 'spread');
  const nodes = new Set(pods.map((one) => one.spec?.nodeName));
  const wanted = world.config.nodes.length;
  expect(nodes.size === wanted, `${wanted} replicas are on ${[...nodes].join(', ')} only`);
  expect(
    found?.status?.availableReplicas === wanted,
    `${found?.status?.availableReplicas ?? 0} of ${wanted} are available`,
  );
  const { netns } = pod(world, 'stranger');
  for (const one of pods) {
    const { body } = await httpGet(netns, { address: one.status?.podIP ?? '', port: 8080 }, '/hostname');
    expect(body === one.metadata?.name, `${one.metadata?.name} answered as ${body}`);
  }
  return `${wanted} replicas, one on each node, all answer`;
}

/** A pod that is not ready serves on its own address and gets nothing through its Service. */
async function readiness(world: World): Promise<string> {
  const unready = pod(world, 'never-ready');
  const { netns } = pod(world, 'stranger');
  const direct = await httpGet(netns, { address: unready.address, port: 8080 }, '/hostname');
  expect(direct.body === 'never-ready', `the unready pod itself answered ${direct.body}`);
  const address = service(world, 'echo').spec.clusterIP;
  for (let i = 0; i < 20; i++) {
    const { body } = await httpGet(netns, { address, port: 80 }, '/hostname');
    expect(body !== 'never-ready', `${address}:80 reached a pod that is not ready`);
  }
  return '20 requests, none reached the pod that is not ready';
}

async function localhost(world: World): Promise<string> {
  const { code, stdout } = await world.exec(CHECK_NAMESPACE, 'echo-1', 'shell', [
    'wget',
    '-q',
    '-O',
    '-',
    'http://localhost:8080/hostname',
  ]);
  expect(
    code === 0 && stdout.trim() === 'echo-1',
    `wget from the second container exited ${code} with "${stdout.trim()}"`,
  );
  return 'the second container reached localhost:8080';
}

async function clusterIp(world: World): Promise<string> {
  const pods = echoPods(world);
  const address = service(world, 'echo').spec.clusterIP;
  const reached = new Set<string>();
  let requests = 0;
  // endpoints are drawn: by chance one is left out of so many requests once in 10^12 checks
  for (let i = 0; i < 12 || (i < 30 && reached.size < pods.length); i++) {
    for (const from of pods) {
      requests++;
      reached.add((await httpGet(from.netns, { address, port: 80 }, '/hostname')).body);
    }
  }
  expect(reached.size === pods.length, `${requests} requests to ${address}:80 reached only ${[...reached].join(', ')}`);
  const udp = await udpAsk(
    pods[0]?.netns ?? world.netns('router'),
    { address, port: 81 },
    Buffer.from('echo over-udp'),
  );
  expect(udp?.toString() === 'over-udp', `UDP ${address}:81 answered ${udp?.toString() ?? 'nothing'}`);
  return `TCP spread over ${reached.size} endpoints, UDP answers`;
}

async function affinity(world: World): Promise<string> {
  const address = service(world, 'sticky').spec.clusterIP;
  const from = pod(world, 'echo-1');
  const reached = new Set<string>();
  for (let i = 0; i < 12; i++) reached.add((await httpGet(from.netns, { address, port: 80 }, '/hostname')).body);
  expect(reached.size === 1, `ClientIP affinity, yet 12 requests reached ${[...reached].join(', ')}`);
  return `12 requests, all to ${[...reached][0]}`;
}

async function refused(world: World): Promise<string> {
  const address = service(world, 'empty').spec.clusterIP;
  const { outcome, ms } = await tcpOutcome(pod(world, 'echo-1').netns, { address, port: 80 });
  expect(outcome === 'ECONNREFUSED', `a Service without endpoints gave ${outcome} after ${ms.toFixed(0)} ms`);
  return `refused in ${ms.toFixed(1)} ms`;
}

async function nodePort(world: World): Promise<string> {
  const port = service(world, 'node-port').spec.ports?.[0]?.nodePort;
  expect(port !== undefined, 'the NodePort Service has no nodePort');
  for (const { address } of world.config.nodes) {
    const { status, body } = await httpGet(world.netns('outside'), { address, port }, '/hostname');
    expect(status === 200 && body.startsWith('echo-'), `${address}:${port} answered ${status} ${body}`);
  }
  return `:${port} answers on ${nodesOf(world)} from outside`;
}

async function dns(world: World): Promise<string> {
  const { dnsAddress, clusterDomain, serviceCidrs } = world.config.cluster;
  const { netns } = pod(world, 'echo-1');
  const name = `echo.${CHECK_NAMESPACE}.svc.${clusterDomain}`;
  const address = service(world, 'echo').spec.clusterIP;
  const answers = async (question: string, type: number) =>
    (await dnsAsk(netns, dnsAddress, question, type)).answers.map((a) => a.data);
  const a = await answers(name, TYPE.A);
  expect(
    a.some((d) => d.kind === 'address' && d.address === address),
    `${name} is not ${address}`,
  );
  const srv = await answers(`_http._tcp.${name}`, TYPE.SRV);
  expect(
    srv.some((d) => d.kind === 'srv' && d.port === 80 && d.target.replace(/\.$/, '') === name),
    `no SRV for _http._tcp.${name}`,
  );
  const ptr = await answers(`${address.split('.').reverse().join('.')}.in-addr.arpa`, TYPE.PTR);
  expect(
    ptr.some((d) => d.kind === 'name' && d.name.replace(/\.$/, '') === name),
    `no PTR for ${address}`,
  );
  const outer = await answers('www.outside.example', TYPE.A);
  expect(
    outer.some((d) => d.kind === 'address' && d.address === outsideAddress(world.config)),
    'www.outside.example was not forwarded to the resolver outside',
  );
  const kubernetes = nthAddress(serviceCidrs[0] as Prefix, 1);
  const short = await world.exec(CHECK_NAMESPACE, 'echo-1', 'shell', ['getent', 'hosts', 'kubernetes.default']);
  expect(short.stdout.startsWith(kubernetes), `getent hosts kubernetes.default said "${short.stdout.trim()}"`);
  return 'A, SRV, PTR, search list, forwarding';
}

async function policy(world: World): Promise<string> {
  const target = { address: pod(world, 'guarded').address, port: 8080 };
  const friend = await tcpOutcome(pod(world, 'echo-1').netns, target);
  expect(friend.outcome === 'open', `the allowed pod got ${friend.outcome}`);
  const denied = [
    ['a pod the policy does not allow', pod(world, 'stranger').netns, target],
    ['a port the policy does not allow', pod(world, 'echo-1').netns, { ...target, port: 8099 }],
    ['egress under default deny', pod(world, 'guarded').netns, { address: pod(world, 'echo-1').address, port: 8080 }],
  ] as const;
  const outcomes = await Promise.all(denied.map(([, from, to]) => tcpOutcome(from, to, SILENCE)));
  for (const [i, [who]] of denied.entries())
    expect(outcomes[i]?.outcome === 'ETIMEDOUT', `${who} got ${outcomes[i]?.outcome}`);
  return 'allowed peer passes; other peer, other port and egress are dropped';
}

async function ingress(world: World): Promise<string> {
  const outside = world.netns('outside');
  const port = world.config.cluster.ingressHttpPort;
  const ingresses = world.informers.of('Ingress').list();
  const hasDefault = ingresses.some((one) => one.spec?.defaultBackend !== undefined);
  for (const { address } of world.config.nodes) {
    const hit = await httpGet(outside, { address, port }, '/hostname', INGRESS_HOST);
    expect(
      hit.status === 200 && hit.body.startsWith('echo-'),
      `http://${INGRESS_HOST}/hostname by ${address} answered ${hit.status} ${hit.body}`,
    );
    const other = await httpGet(outside, { address, port }, '/other', INGRESS_HOST);
    expect(hasDefault || other.status === 404, `a path without rule answered ${other.status} by ${address}`);
  }
  return `host and path rule answer on ${nodesOf(world)}, ${hasDefault ? 'the default backend' : '404'} otherwise`;
}

async function masquerade(world: World): Promise<string> {
  const { body } = await httpGet(pod(world, 'echo-1').netns, { address: outsideAddress(world.config), port: 80 });
  const node = world.config.nodes[0]?.address;
  expect(body.includes(`"client":"${node}"`), `outside saw ${body}, not the node's ${node}`);
  return `outside sees the node ${node}`;
}

async function podsHidden(world: World): Promise<string> {
  const target = { address: pod(world, 'echo-1').address, port: 8080 };
  const { outcome } = await tcpOutcome(world.netns('outside'), target, SILENCE);
  expect(
    outcome === 'ENETUNREACH' || outcome === 'EHOSTUNREACH' || outcome === 'ETIMEDOUT',
    `outside got ${outcome} from a pod address`,
  );
  return `outside has no way to a pod address (${outcome})`;
}

async function hairpin(world: World): Promise<string> {
  const address = service(world, 'echo').spec.clusterIP;
  const from = pod(world, 'echo-1');
  const tries = 20 * world.config.nodes.length;
  for (let i = 0; i < tries; i++) {
    if ((await httpGet(from.netns, { address, port: 80 }, '/hostname')).body === 'echo-1')
      return `echo-1 reached itself through ${address}`;
  }
  return expect(false, `in ${tries} requests echo-1 never reached itself through its own Service`) as never;
}

/** TLS to the kubernetes Service; without a certificate the server knows it says 401. */
async function apiFromPod(world: World): Promise<string> {
  const address = nthAddress(world.config.cluster.serviceCidrs[0] as Prefix, 1);
  const { status, body } = await httpsGet(pod(world, 'echo-1').netns, { address, port: 443 }, '/api/v1/pods');
  expect(
    status === 401 && body.includes('"kind":"Status"'),
    `https://${address}/api/v1/pods answered ${status} ${body}`,
  );
  return `https://${address} answers, and only to who it knows`;
}

/** Pods a NetworkPolicy guards may rightly be silent to the check's own pods. */
function guarded(world: World, namespace: string | undefined, labels: Record<string, string> | undefined): boolean {
  return world.informers
    .of('NetworkPolicy')
    .list()
    .some(
      ({ metadata, spec }) =>
        metadata?.namespace === namespace &&
        (spec?.policyTypes ?? ['Ingress']).includes('Ingress') &&
        selectorMatches(spec?.podSelector ?? {}, labels),
    );
}

/** Every TCP port of every Service that has ready endpoints and no policy in front of them. */
async function userServices(world: World): Promise<string> {
  const { netns } = pod(world, 'echo-1');
  let [asked, behindPolicy] = [0, 0];
  for (const { metadata, spec } of world.informers.of('Service').list()) {
    const slices = world.informers
      .of('EndpointSlice')
      .list()
      .filter(
        (slice) =>
          slice.metadata?.namespace === metadata?.namespace &&
          slice.metadata?.labels?.['kubernetes.io/service-name'] === metadata?.name,
      );
    const ready = slices
      .flatMap((slice) => slice.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready !== false);
    if (ready.length === 0 || !spec?.clusterIP || spec.clusterIP === 'None') continue;
    if (
      spec.selector &&
      guarded(
        world,
        metadata?.namespace,
        world.informers.of('Pod').get(ready[0]?.targetRef?.name ?? '', metadata?.namespace)?.metadata?.labels,
      )
    ) {
      behindPolicy++;
      continue;
    }
    for (const { port } of (spec.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP')) {
      asked++;
      const { outcome } = await tcpOutcome(netns, { address: spec.clusterIP, port });
      expect(outcome === 'open', `Service ${metadata?.namespace}/${metadata?.name} port ${port} gave ${outcome}`);
    }
  }
  return `${asked} ports answer; ${behindPolicy} Services behind a NetworkPolicy not asked`;
}

export const CHECKS: readonly Check[] = [
  { name: 'pod to pod, same and every node', prove: podToPod },
  { name: 'Deployment spread over nodes', prove: deployment },
  { name: 'containers share localhost', prove: localhost },
  { name: 'ClusterIP, TCP and UDP', prove: clusterIp },
  { name: 'readiness respected', prove: readiness },
  { name: 'ClientIP affinity', prove: affinity },
  { name: 'Service without endpoints', prove: refused },
  { name: 'pod to itself by its Service', prove: hairpin },
  { name: 'NodePort from outside', prove: nodePort },
  { name: 'DNS', prove: dns },
  { name: 'NetworkPolicy', prove: policy },
  { name: 'Ingress from outside', prove: ingress },
  { name: 'pod to outside, masqueraded', prove: masquerade },
  { name: 'outside cannot reach pods', prove: podsHidden },
  { name: 'API server from a pod', prove: apiFromPod },
  { name: 'all Services', prove: userServices },
];

function nodesOf({ config: { nodes } }: World): string {
  return nodes.length === 1 ? '1 node' : `${nodes.length} nodes`;
}
