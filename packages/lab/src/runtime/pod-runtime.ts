import fs from 'node:fs';
import type { Duplex } from 'node:stream';
import { type Logger, messageOf } from '@podwire/base';
import { connectTcp, type Netns } from '@podwire/kernel';
import {
  type ClusterConfig,
  type Informers,
  isPodOver,
  type KubeClient,
  type Pod,
  type StoreEvent,
} from '@podwire/kube';
import type { Players } from '../players/players.ts';
import { createBuiltinEngine } from './builtin-engine.ts';
import type { Cni } from './cni.ts';
import type { ContainerEngine } from './container-engine.ts';
import { registerNode, startHeartbeat } from './node-object.ts';
import { PodActor } from './pod-actor.ts';
import type { PodContext, PodCredentials } from './pod-context.ts';
import { parseResolver, type ResolverConfig } from './resolver-file.ts';
import { apiEvents, type EventSink } from './runtime-event.ts';

/** Of a connection to the node, in ms. */
const CONNECT_TIMEOUT = 10_000;

export interface PodRuntimeOptions {
  readonly nodeName: string;
  readonly nodeAddress: string;
  /** Probes start here; host-network pods live here. The runtime does not close it. */
  readonly nodeNetns: Netns;
  readonly zone?: string;
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly config: ClusterConfig;
  readonly cni: Cni;
  readonly players: Players;
  /** For files and logs of pods; made 0700, emptied at start. */
  readonly directory: string;
  /** What PersistentVolumeClaims keep: one for all nodes of a lab, made when it is needed. */
  readonly claims: string;
  /** Sandboxes are named `<prefix>-<10 hex digits>`. */
  readonly netnsPrefix: string;
  readonly logger: Logger;
  /** Default: written to the API in the background. */
  readonly events?: EventSink;
  /** Absent: pods get no credentials. */
  readonly credentials?: PodCredentials;
  /** Default: the built-in one. */
  readonly engine?: ContainerEngine;
}

/** The kubelet's part for one node. */
export interface PodRuntime {
  readonly nodeName: string;
  /** Registers the node and begins to run its pods; resolves when both are under way. */
  start(): Promise<void>;
  /** Ends all containers at once and removes their namespaces; neither the API nor CNI is told: the node goes too. */
  stop(): Promise<void>;
  pod(uid: string): PodActor | undefined;
  /** To a port at the address of the node. */
  connect(port: number): Promise<Duplex>;
  /** The namespace of a running pod. */
  sandboxNetns(namespace: string, name: string): Netns | undefined;
}

/** Nothing runs before start(). */
export async function createPodRuntime(options: PodRuntimeOptions): Promise<PodRuntime> {
  fs.rmSync(options.directory, { recursive: true, force: true });
  fs.mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  return new NodePodRuntime(options);
}

class NodePodRuntime implements PodRuntime {
  readonly nodeName: string;
  readonly #options: PodRuntimeOptions;
  readonly #context: PodContext;
  readonly #actors = new Map<string, PodActor>();
  #stopping = false;
  #unsubscribe: () => void = () => {};
  #heartbeat: { stop(): void } | undefined;

  constructor(options: PodRuntimeOptions) {
    this.nodeName = options.nodeName;
    this.#options = options;
    const { cni } = options;
    const del: Cni['del'] = async (attachment) => (this.#stopping ? undefined : cni.del(attachment));
    this.#context = contextOf({ ...options, cni: { add: (attachment) => cni.add(attachment), del } });
  }

  async start(): Promise<void> {
    const { client, informers, nodeAddress, zone, logger } = this.#options;
    const facts = {
      name: this.nodeName,
      address: nodeAddress,
      runtimeVersion: this.#context.engine.version,
      ...(zone ? { zone } : {}),
    };
    await registerNode(client, facts, new Date());
    this.#heartbeat = startHeartbeat(client, this.nodeName, logger);
    const pods = informers.of('Pod');
    await Promise.all([pods.synced, informers.of('Service').synced]);
    this.#unsubscribe = pods.subscribe((event) => this.#onPod(event));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#unsubscribe();
    this.#heartbeat?.stop();
    await Promise.all([...this.#actors.values()].map((actor) => actor.vanish()));
    this.#actors.clear();
  }

  pod(uid: string): PodActor | undefined {
    return this.#actors.get(uid);
  }

  connect(port: number): Promise<Duplex> {
    const { nodeNetns: netns, nodeAddress: address } = this.#options;
    return connectTcp({ netns, address, port, timeout: CONNECT_TIMEOUT });
  }

  sandboxNetns(namespace: string, name: string): Netns | undefined {
    for (const actor of this.#actors.values()) {
      const { metadata } = actor.pod;
      if (metadata?.namespace === namespace && metadata.name === name && !metadata.deletionTimestamp)
        return actor.sandbox?.netns;
    }
    return undefined;
  }

  #onPod(event: StoreEvent<Pod>): void {
    if (event.type === 'deleted') {
      this.#forget(event.object);
      return;
    }
    const pod = event.object;
    // A watch that was interrupted may show a successor of the same name as a change.
    if (event.type === 'modified' && event.previous.metadata?.uid !== pod.metadata?.uid) this.#forget(event.previous);
    if (pod.spec?.nodeName !== this.nodeName) return;
    const uid = pod.metadata?.uid ?? '';
    const actor = this.#actors.get(uid);
    if (actor) actor.update(pod);
    else if (!isOver(pod)) this.#adopt(uid, pod);
  }

  #adopt(uid: string, pod: Pod): void {
    const actor = new PodActor(pod, this.#context);
    this.#actors.set(uid, actor);
    actor.start();
  }

  #forget(pod: Pod): void {
    const uid = pod.metadata?.uid ?? '';
    const actor = this.#actors.get(uid);
    if (!actor) return;
    actor.vanish().then(
      () => this.#actors.delete(uid),
      (error) =>
        this.#options.logger.error('pod not cleaned up', { pod: pod.metadata?.name, reason: messageOf(error) }),
    );
  }
}

/** A pod that was over before this process began needs nothing but, once deleted, to go. */
function isOver(pod: Pod): boolean {
  return isPodOver(pod) && !pod.metadata?.deletionTimestamp;
}

function contextOf(options: PodRuntimeOptions): PodContext {
  const { nodeName, nodeAddress, client, informers, config, logger } = options;
  return {
    nodeName,
    nodeAddress,
    client,
    informers,
    config,
    logger,
    engine: options.engine ?? createBuiltinEngine(options.players),
    directory: options.directory,
    claims: options.claims,
    credentials: options.credentials,
    events: options.events ?? apiEvents(client, nodeName),
    sandbox: {
      config,
      cni: options.cni,
      netnsPrefix: options.netnsPrefix,
      nodeNetns: options.nodeNetns,
      nodeAddress,
      nodeResolver: nodeResolver(config),
      onError: (what, error) => logger.error('sandbox not removed cleanly', { step: what, reason: messageOf(error) }),
    },
  };
}

/** The node's own resolver: the cluster's upstreams, or what the machine uses. */
function nodeResolver(config: ClusterConfig): ResolverConfig {
  if (config.upstreamResolvers.length > 0) return { nameservers: config.upstreamResolvers, searches: [], options: [] };
  return parseResolver(fs.existsSync('/etc/resolv.conf') ? fs.readFileSync('/etc/resolv.conf', 'utf8') : '');
}
