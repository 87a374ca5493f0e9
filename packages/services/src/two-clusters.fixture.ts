import { execFileSync } from 'node:child_process';
import { listenTcp, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';

/*
 *   10.244.1.5 ──┐                                              ┌── 10.245.1.5
 *   10.244.1.6 ──┴── east 172.30.0.1 ──── 172.30.0.2 west ──────┴── 10.245.1.6
 *
 * One node of each of two clusters, which reach each other's pods by routes. Every pod answers at TCP port 8080.
 */
export const NODES = {
  east: { address: '172.30.0.1', podCidr: '10.244.0.0/16', pods: ['10.244.1.5', '10.244.1.6'] },
  west: { address: '172.30.0.2', podCidr: '10.245.0.0/16', pods: ['10.245.1.5', '10.245.1.6'] },
} as const;
export type ClusterName = keyof typeof NODES;
export type PodAddress = (typeof NODES)[ClusterName]['pods'][number];

const NAMES: readonly ClusterName[] = ['east', 'west'];
const PODS = NAMES.flatMap((node) => NODES[node].pods.map((address, i) => ({ node, address, link: `pod${i}` })));

export interface TwoNodes {
  readonly nodes: Readonly<Record<ClusterName, Netns>>;
  readonly pods: Readonly<Record<PodAddress, Netns>>;
}

export function withTwoNodes(fn: (world: TwoNodes) => Promise<void>): Promise<void> {
  return withNetns(2 + PODS.length, async (east, west, ...netns) => {
    const nodes = { east, west } as TwoNodes['nodes'];
    const pods = Object.fromEntries(PODS.map(({ address }, i) => [address, netns[i]])) as TwoNodes['pods'];
    wireNodes(nodes);
    for (const pod of PODS) wirePod(nodes[pod.node], pods[pod.address], pod);
    const servers = await Promise.all(PODS.map(({ address }) => serve(pods[address], address)));
    try {
      await fn({ nodes, pods });
    } finally {
      for (const server of servers) server.close();
    }
  });
}

function ip({ name = '' }: Netns, line: string): void {
  execFileSync('ip', ['-n', name, ...line.split(' ')]);
}

function wireNodes(nodes: TwoNodes['nodes']): void {
  ip(nodes.east, `link add wire type veth peer name wire netns ${nodes.west.name}`);
  for (const [here, there] of [NAMES, [...NAMES].reverse()] as [ClusterName, ClusterName][]) {
    const { name = '' } = nodes[here];
    execFileSync('ip', ['netns', 'exec', name, 'sysctl', '-qw', 'net/ipv4/ip_forward=1']);
    ip(nodes[here], `addr add ${NODES[here].address}/24 dev wire`);
    ip(nodes[here], 'link set wire up');
    ip(nodes[here], `route add ${NODES[there].podCidr} via ${NODES[there].address}`);
    // packets for services come here
    ip(nodes[here], `route add default via ${NODES[there].address}`);
  }
}

function wirePod(node: Netns, pod: Netns, { address, link, node: cluster }: (typeof PODS)[number]): void {
  const { address: gateway } = NODES[cluster];
  ip(node, `link add ${link} type veth peer name eth0 netns ${pod.name}`);
  ip(node, `link set ${link} up`);
  ip(node, `route add ${address} dev ${link}`);
  ip(pod, `addr add ${address}/32 dev eth0`);
  ip(pod, 'link set eth0 up');
  ip(pod, `route add ${gateway} dev eth0`);
  ip(pod, `route add default via ${gateway}`);
}

/** Says who answers and whom it sees. */
async function serve(netns: Netns, address: string) {
  const server = await listenTcp({ netns, address, port: 8080 });
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.end(`${address} sees ${socket.remoteAddress}`);
  });
  return server;
}
