import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { createLogger } from '@podwire/base';
import { listenTcpFd, type Netns } from '@podwire/kernel';
import { createInformers, type Informers, type KubeClient } from '@podwire/kube';
import { keepAgentTokens } from './agent-tokens.ts';
import { bootstrapCluster } from './bootstrap.ts';
import { buildTopology } from './build.ts';
import type { World } from './check/world.ts';
import { startControlPlane } from './control-plane.ts';
import type { LabConfig } from './lab-config.ts';
import { LabNodes, nodeDirectories } from './lab-nodes.ts';
import { labPaths } from './lab-paths.ts';
import type { NodeThread, NodeWorker } from './node-thread.ts';
import { startOutside } from './outside.ts';
import { startPlayers } from './players/index.ts';
import { createPodStreams, type PodRuntime } from './runtime/index.ts';
import { stopInOrder } from './stop-order.ts';
import { outsideAddress, planTopology, routerAddress } from './topology.ts';

export interface LabOptions {
  readonly config: LabConfig;
  readonly writeLog: (line: string) => void;
  /** One for each node of the configuration, already loading. */
  readonly workers: readonly NodeWorker[];
  /** For a node that comes back. */
  readonly makeWorker: () => NodeWorker;
  /** Called as each part stands. */
  readonly progress: (step: string) => void;
}

/** A running lab: everything of it lives in this process and in namespaces named after it. */
export interface Lab {
  readonly config: LabConfig;
  readonly client: KubeClient;
  readonly nodes: readonly NodeThread[];
  readonly world: World;
  /** Ends a node as a loss of power does, and starts it again. Throw LAB_NODE. */
  takeDown(node: string): Promise<void>;
  bringUp(node: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 *   API server ◀── unix socket, token ── agent threads (one per node, in the node's netns)
 *        ▲  ▲                        ▲ CNI socket
 *        │  └── controllers, roles   │
 *        └───── pod runtimes (one per node, this thread) ──▶ players thread, real processes
 */
export async function startLab({ config, writeLog, workers, makeWorker, progress }: LabOptions): Promise<Lab> {
  const paths = labPaths(config.name);
  const logger = createLogger({ write: writeLog });
  for (const directory of [paths.run, paths.state]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const netnses = buildTopology(config.name, planTopology(config));
  const at = (role: string): Netns => {
    const netns = netnses.get(role);
    if (!netns) throw new Error(`there is no namespace for ${role}`);
    return netns;
  };
  const outside = await startOutside(at('outside'), outsideAddress(config));
  progress('network');

  const runtimes = new Map<string, PodRuntime>();
  const streams = createPodStreams(runtimes, () => informers);
  const server = await startApiServer({
    directory: path.join(paths.state, 'api'),
    serviceCidrs: config.cluster.serviceCidrs,
    nodePortRange: config.cluster.nodePortRange,
    advertise: { address: routerAddress(config), port: 6443 },
    servingNames: [routerAddress(config)],
    clusterName: config.name,
    streams,
  });
  for (const message of server.repairs) logger.error('an allocation of a Service was wrong', { message });
  await listen(server, config, at('router'));
  writeFileSync(paths.kubeconfig, server.kubeconfig(`https://127.0.0.1:${config.apiPort}`), { mode: 0o600 });
  const client = server.client();
  const informers: Informers = createInformers(client);
  await bootstrapCluster(client, config);
  const tokens = keepAgentTokens(server, nodeDirectories(config));
  progress('API server');

  const control = await startControlPlane({ server, config, informers, logger });
  const players = await startPlayers({ logger: logger.child({ part: 'players' }) });
  const nodes = new LabNodes({
    config,
    client,
    informers,
    players,
    logger,
    runtimes,
    makeWorker,
    netns: at,
    credentials: server,
  });
  progress('control plane');

  await nodes.register();
  await nodes.join(workers);
  progress('nodes');
  return {
    config,
    client,
    get nodes() {
      return nodes.threads;
    },
    takeDown: (name) => nodes.takeDown(name),
    bringUp: (name) => nodes.bringUp(name),
    world: {
      config,
      client,
      informers,
      netns: at,
      podNetns: (namespace, name) => {
        const found = [...runtimes.values()]
          .map((runtime) => runtime.sandboxNetns(namespace, name))
          .find((netns) => netns !== undefined);
        if (!found) throw new Error(`pod ${namespace}/${name} has no sandbox`);
        return found;
      },
      exec: (namespace, pod, container, command) =>
        execInPod(streams, informers, { namespace, pod, container, command }),
      servicePlans: () =>
        Promise.all(
          nodes.threads.map(async (node) =>
            (await node.plan('services')).flatMap(({ entries }) => entries.map(({ what }) => what)),
          ),
        ),
      idle: async () => void (await Promise.all(nodes.threads.map((node) => node.idle()))),
    },
    stop: () =>
      stopInOrder([
        [() => control.stop(), () => tokens.stop()],
        nodes.threads.map((node) => () => node.stop()),
        [...runtimes.values()].map((runtime) => () => runtime.stop()),
        [() => players.stop()],
        [() => outside.close(), () => informers.stop()],
        [() => server.close()],
      ]),
  };
}

async function listen(server: ApiServer, config: LabConfig, router: Netns): Promise<void> {
  await Promise.all([
    server.listenUnix(labPaths(config.name).apiSocket),
    server.listenUnix(labPaths(config.name).agentSocket, { tokens: true }),
    server.listenHttps({ address: '127.0.0.1', port: config.apiPort }),
    server.listenHttps({ fd: listenTcpFd({ netns: router, address: routerAddress(config), port: 6443 }) }),
  ]);
}

interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
}

async function execInPod(
  streams: ReturnType<typeof createPodStreams>,
  informers: Informers,
  { namespace, pod, container, command }: ExecRequest,
): Promise<{ code: number; stdout: string }> {
  const uid = informers.of('Pod').get(pod, namespace)?.metadata?.uid ?? '';
  const session = await streams.exec({ namespace, name: pod, uid }, { container, command, tty: false, stdin: false });
  session.stderr.resume();
  let stdout = '';
  for await (const chunk of session.stdout) stdout += chunk;
  return { code: await session.exit, stdout };
}
