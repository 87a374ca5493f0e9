/**
 * G5, connect() to the last of 10,000 Services through a node, in modes nftables and ebpf, against an endpoint of it by its
 * own address on the same node, and against iptables with kube-proxy's chains, legacy and nft. One client, blocking, pinned
 * to one CPU; all nodes stay up and take turns. What a node without any rules costs is told beside it. In mode ebpf the pod
 * IP is connected to by sockets that meet no program.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { withSocketPlace } from '../packages/services/src/ebpf/socket-place.fixture.ts';
import { runInside } from './child.ts';
import {
  type ConnectCost,
  type ConnectPath,
  connects,
  podTarget,
  requireAnswer,
  serviceTarget,
  type Target,
  withConnectPath,
} from './connect-path.ts';
import { iptablesShape } from './kube-proxy-shape.ts';
import { type Part, printParts } from './part.ts';
import { informersOf, type RoomOptions, requireReady, servicesRoom } from './service-node.ts';
import { inTurn, median, ratios, spread } from './turns.ts';

const SERVICES = 10_000;
const LAST = SERVICES - 1;
const ROUNDS = 61;
/** Of each contestant in each round. */
const CONNECTS = 200;

const [service, pod] = [serviceTarget(LAST), podTarget(LAST)];
const informers = informersOf(SERVICES);

async function withRoom<T>({ node }: ConnectPath, options: RoomOptions, fn: () => Promise<T>): Promise<T> {
  const room = servicesRoom(node, informers, options);
  try {
    await room.start();
    requireReady(room);
    return await fn();
  } finally {
    await room.stop();
  }
}

const move = (cgroup: string): void => fs.writeFileSync(path.join(cgroup, 'cgroup.procs'), String(process.pid));

const NAMES = {
  bare: 'pod IP, a node without any rules',
  nftPod: 'pod IP, mode nftables',
  nft: 'Service, mode nftables',
  ebpfPod: 'pod IP, mode ebpf',
  ebpf: 'Service, mode ebpf',
  legacy: 'Service, iptables-legacy',
  iptablesNft: 'Service, iptables-nft',
} as const;
type Contestant = keyof typeof NAMES;
type Paths = Readonly<Record<'bare' | 'nftables' | 'ebpf' | 'legacy' | 'iptablesNft', ConnectPath>>;

/** Every node at once, so that contestants can take turns. */
function withPaths<T>(fn: (paths: Paths, cgroup: string) => Promise<T>): Promise<T> {
  return withConnectPath((bare) =>
    withConnectPath((nftables) =>
      withConnectPath((ebpf) =>
        withConnectPath((legacy) =>
          withConnectPath((iptablesNft) => withRules({ bare, nftables, ebpf, legacy, iptablesNft }, fn)),
        ),
      ),
    ),
  );
}

async function withRules<T>(paths: Paths, fn: (paths: Paths, cgroup: string) => Promise<T>): Promise<T> {
  const text = iptablesShape(SERVICES);
  runInside(paths.legacy.node, 'iptables-legacy-restore', [], text);
  runInside(paths.iptablesNft.node, 'iptables-nft-restore', [], text);
  let result: T | undefined;
  await withRoom(paths.nftables, {}, () =>
    withSocketPlace((place) => {
      const podNamespaces = () => [paths.ebpf.client.path];
      const sockets = { cgroup: place.cgroup, bpffs: place.bpffs, podNamespaces };
      return withRoom(paths.ebpf, { proxyMode: 'ebpf', sockets }, async () => {
        move(path.dirname(place.cgroup));
        result = await fn(paths, place.cgroup);
      });
    }),
  );
  return result as T;
}

/** Sockets belong to the cgroup they were made in: only those of mode ebpf meet its programs. */
function inCgroup(cgroup: string): (make: () => number[]) => number[] {
  return (make) => {
    move(cgroup);
    try {
      return make();
    } finally {
      move(path.dirname(cgroup));
    }
  };
}

const us = (values: readonly number[] = []): string => spread(values, 'us');

/** Mode ebpf has rules for packets as well: without them only its programs lead there. */
async function requireSocketsLed(ebpf: ConnectPath, cgroup: string): Promise<void> {
  runInside(ebpf.node, 'nft', ['delete', 'table', 'ip', 'podwire-services']);
  move(cgroup);
  await requireAnswer(ebpf, LAST, service);
  move(path.dirname(cgroup));
}

await withPaths(async (paths, cgroup) => {
  execFileSync('taskset', ['-acp', '0', String(process.pid)]);
  const costs = new Map<Contestant, ConnectCost[]>();
  const contestant = (name: Contestant, way: ConnectPath, target: Target) => () => {
    const within = name === 'ebpf' ? { within: inCgroup(cgroup) } : {};
    const cost = connects(way, target, { count: CONNECTS, ...within });
    costs.set(name, [...(costs.get(name) ?? []), cost]);
    return cost.p50;
  };
  const verify = async (): Promise<void> => {
    await requireAnswer(paths.bare, LAST, pod);
    for (const way of [paths.nftables, paths.ebpf, paths.legacy, paths.iptablesNft])
      for (const target of [pod, service]) await requireAnswer(way, LAST, target);
  };
  await verify();
  const bare = contestant('bare', paths.bare, pod);
  const nft = contestant('nft', paths.nftables, service);
  const ebpf = contestant('ebpf', paths.ebpf, service);
  const nftPod = contestant('nftPod', paths.nftables, pod);
  const ebpfPod = contestant('ebpfPod', paths.ebpf, pod);
  const legacy = contestant('legacy', paths.legacy, service);
  const iptablesNft = contestant('iptablesNft', paths.iptablesNft, service);
  // ten thousand rules take the caches away from whoever comes next, so the close comparisons are made without them
  const near = { ...(await inTurn(ROUNDS, { bare, nftPod, nft })), ...(await inTurn(ROUNDS, { ebpfPod, ebpf })) };
  const far = await inTurn(ROUNDS, { nft, ebpf, legacy, iptablesNft });
  await verify();
  await requireSocketsLed(paths.ebpf, cgroup);
  for (const [name, list] of costs) {
    const middle = (of: (cost: ConnectCost) => number): string => median(list.map(of)).toFixed(1);
    const [p50, p99, cpu] = [middle((cost) => cost.p50), middle((cost) => cost.p99), middle((cost) => cost.cpu)];
    console.log(`${NAMES[name]}: p50 ${p50} us, p99 ${p99} us, ${cpu} us of CPU with the socket's life`);
  }
  const part = (name: string, [peer, ours]: readonly (readonly number[])[], must: number, stretch: number): Part => {
    const pairs = ratios(peer ?? [], ours ?? []);
    const detail = `${ROUNDS} rounds of ${CONNECTS}: ours p50 ${us(ours)}, peer ${us(peer)}, pairs ${spread(pairs, 'x', 2)}`;
    return { name, ratio: median(pairs), must, stretch, detail };
  };
  printParts('g5', [
    part('nftables-pod', [near.nftPod, near.nft], 0.8, 0.91),
    part('nftables-legacy', [far.legacy, far.nft], 2.2, 3),
    part('nftables-iptables-nft', [far.iptablesNft, far.nft], 2.2, 3),
    part('ebpf-pod', [near.ebpfPod, near.ebpf], 0.971, 1),
    part('ebpf-legacy', [far.legacy, far.ebpf], 3, 4),
    part('ebpf-iptables-nft', [far.iptablesNft, far.ebpf], 3, 4),
  ]);
});
