import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { createLogger, type Logger } from '@podwire/base';
import { listenTcpFd, type Netns } from '@podwire/kernel';
import { createInformers, type Informers, type KubeClient } from '@podwire/kube';
import { keepAgentTokens } from './agent-tokens.ts';
import { bootstrapCluster } from './bootstrap.ts';
import { buildTopology } from './build.ts';
import type { World } from './check/world.ts';
import { createCniClient } from './cni-client.ts';
import { startControlPlane } from './control-plane.ts';
import type { LabConfig } from './lab-config.ts';
import { labPaths } from './lab-paths.ts';
import type { NodeThread, NodeWorker } from './node-thread.ts';
import { startOutside } from './outside.ts';
import { type Players, startPlayers } from './players/index.ts';
import { createPodRuntime, createPodStreams, type PodRuntime } from './runtime/index.ts';
import { stopInOrder } from './stop-order.ts';
import { netnsName, outsideAddress, planTopology, routerAddress } from './topology.ts';

export interface LabOptions {
  readonly config: LabConfig;
  readonly writeLog: (line: string) => void;
  /** One for each node of the configuration, already loading. */
  readonly workers: readonly NodeWorker[];
  /** Called as each part stands. */
  readonly progress: (step: string) => void;
}

/** A running lab: everything of it lives in this process and in namespaces named after it. */
export interface Lab {
  readonly config: LabConfig;
  readonly client: KubeClient;
  readonly nodes: readonly NodeThread[];
  readonly world: World;
  stop(): Promise<void>;
}

/**
 *   API server ◀── unix socket, token ── agent threads (one per node, in the node's netns)
 *        ▲  ▲                        ▲ CNI socket
 *        │  └── controllers, roles   │
 *        └───── pod runtimes (one per node, this thread) ──▶ players thread, real processes
 */
export async function startLab({ config, writeLog, workers, progress }: LabOptions): Promise<Lab> {
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
  for (const node of config.nodes)
    runtimes.set(
      node.name,
      await startRuntime({
        node,
        config,
        client,
        informers,
        players,
        logger,
        netns: at(node.name),
        credentials: server,
      }),
    );
  progress('control plane');

  // Nodes are registered first, so that every room finds its own; pods wait for the CNI socket.
  await Promise.all([...runtimes.values()].map((runtime) => runtime.start()));
  const nodes = await Promise.all(workers.map((worker, i) => startNode(worker, config, config.nodes[i]?.name ?? '')));
  progress('nodes');
  return {
    config,
    client,
    nodes,
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
      idle: async () => void (await Promise.all(nodes.map((node) => node.idle()))),
    },
    stop: () =>
      stopInOrder([
        [() => control.stop(), () => tokens.stop()],
        nodes.map((node) => () => node.stop()),
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

/** Makes what agents keep their files in, and returns where their tokens belong. */
function nodeDirectories({ name, nodes }: LabConfig): string[] {
  return nodes.map((node) => {
    const { run, state, tokenFile } = labPaths(name).node(node.name);
    for (const directory of [run, state]) mkdirSync(directory, { recursive: true, mode: 0o700 });
    return tokenFile;
  });
}

interface RuntimeParts {
  readonly node: LabConfig['nodes'][number];
  readonly config: LabConfig;
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly players: Players;
  readonly logger: Logger;
  readonly netns: Netns;
  readonly credentials: ApiServer;
}

function startRuntime(parts: RuntimeParts): Promise<PodRuntime> {
  const { node, config, netns, logger, ...rest } = parts;
  const paths = labPaths(config.name);
  return createPodRuntime({
    ...rest,
    nodeName: node.name,
    nodeAddress: node.address,
    nodeNetns: netns,
    zone: node.zone,
    config: config.cluster,
    cni: createCniClient(paths.node(node.name).cniSocket, parts.informers),
    directory: path.join(paths.node(node.name).run, 'pods'),
    netnsPrefix: netnsName(config.name, 'pod'),
    logger: logger.child({ part: 'runtime', node: node.name }),
  });
}

async function startNode(worker: NodeWorker, config: LabConfig, nodeName: string): Promise<NodeThread> {
  const paths = labPaths(config.name);
  const { run, state, tokenFile } = paths.node(nodeName);
  return await worker.start({
    nodeName,
    netns: netnsName(config.name, nodeName),
    config: config.cluster,
    apiSocket: paths.agentSocket,
    tokenFile,
    runDirectory: run,
    stateDirectory: state,
  });
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
