import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { ApiServer } from '@podwire/apiserver';
import { type Logger, PodwireError } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { Informers, KubeClient } from '@podwire/kube';
import { createCniClient } from './cni-client.ts';
import type { LabConfig } from './lab-config.ts';
import { labPaths } from './lab-paths.ts';
import type { NodeThread, NodeWorker } from './node-thread.ts';
import type { Players } from './players/index.ts';
import { createPodRuntime, type PodRuntime } from './runtime/index.ts';
import { netnsName } from './topology.ts';

export interface LabNodesParts {
  readonly config: LabConfig;
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly players: Players;
  readonly credentials: ApiServer;
  readonly logger: Logger;
  readonly netns: (role: string) => Netns;
  readonly makeWorker: () => NodeWorker;
  /** By node; the streams of kubectl look for pods here. */
  readonly runtimes: Map<string, PodRuntime>;
}

/** The nodes of a lab: each a pod runtime in this thread and an agent in one of its own. */
export class LabNodes {
  readonly #parts: LabNodesParts;
  readonly #threads: NodeThread[] = [];
  readonly #down = new Set<string>();

  constructor(parts: LabNodesParts) {
    this.#parts = parts;
  }

  /** In the order of the configuration; those of nodes that are down answer that their agent ended. */
  get threads(): readonly NodeThread[] {
    return this.#threads;
  }

  /** Registers all nodes, so that every room finds its own; pods wait for the CNI socket. */
  async register(): Promise<void> {
    const { nodes } = this.#parts.config;
    await Promise.all(nodes.map(({ name }) => this.#makeRuntime(name)));
    await Promise.all(nodes.map(({ name }) => this.#parts.runtimes.get(name)?.start()));
  }

  /** Starts the agents; there is a worker for each node. */
  async join(workers: readonly NodeWorker[]): Promise<void> {
    const { nodes } = this.#parts.config;
    const threads = await Promise.all(workers.map((worker, i) => this.#startAgent(worker, nodes[i]?.name ?? '')));
    this.#threads.push(...threads);
  }

  /**
   * As when a machine loses power: agent, pods and heartbeats end and nobody is told. Links, rules and routes of the node stay,
   * as nothing removes them. Throws LAB_NODE when it is down already.
   */
  async takeDown(name: string): Promise<void> {
    if (this.#down.has(name)) throw new PodwireError('LAB_NODE', `node ${name} is down already; start it with up`);
    this.#down.add(name);
    await Promise.all([this.#threads[this.#indexOf(name)]?.stop(), this.#parts.runtimes.get(name)?.stop()]);
  }

  /** The machine is back: the runtime registers its node and goes on with what the API says is on it. */
  async bringUp(name: string): Promise<void> {
    if (!this.#down.has(name)) throw new PodwireError('LAB_NODE', `node ${name} is not down`);
    await this.#makeRuntime(name);
    await this.#parts.runtimes.get(name)?.start();
    this.#threads[this.#indexOf(name)] = await this.#startAgent(this.#parts.makeWorker(), name);
    this.#down.delete(name);
  }

  #indexOf(name: string): number {
    return this.#parts.config.nodes.findIndex((node) => node.name === name);
  }

  async #makeRuntime(name: string): Promise<void> {
    const { config, netns, logger, runtimes, makeWorker: _, ...shared } = this.#parts;
    const node = config.nodes[this.#indexOf(name)];
    if (!node) throw new PodwireError('LAB_NODE', `there is no node ${name}`);
    const { run, cniSocket } = labPaths(config.name).node(name);
    const runtime = await createPodRuntime({
      ...shared,
      nodeName: name,
      nodeAddress: node.address,
      nodeNetns: netns(name),
      zone: node.zone,
      config: config.cluster,
      cni: createCniClient(cniSocket, shared.informers),
      directory: path.join(run, 'pods'),
      claims: labPaths(config.name).claims,
      netnsPrefix: netnsName(config.name, 'pod'),
      logger: logger.child({ part: 'runtime', node: name }),
    });
    runtimes.set(name, runtime);
  }

  #startAgent(worker: NodeWorker, nodeName: string): Promise<NodeThread> {
    const { config } = this.#parts;
    const { run, state, tokenFile } = labPaths(config.name).node(nodeName);
    return worker.start({
      nodeName,
      netns: netnsName(config.name, nodeName),
      config: config.cluster,
      apiSocket: labPaths(config.name).agentSocket,
      tokenFile,
      runDirectory: run,
      stateDirectory: state,
    });
  }
}

/** Makes what agents keep their files in, and returns where their tokens belong. */
export function nodeDirectories({ name, nodes }: LabConfig): string[] {
  return nodes.map((node) => {
    const { run, state, tokenFile } = labPaths(name).node(node.name);
    for (const directory of [run, state]) mkdirSync(directory, { recursive: true, mode: 0o700 });
    return tokenFile;
  });
}
