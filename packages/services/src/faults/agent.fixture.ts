/** A program for tests: the services room of a node in a process of its own, which can be killed at any instant. */
import { flushCompileCache } from 'node:module';
import { createLogger } from '@podwire/base';
import { openNetns } from '@podwire/kernel';
import type { ClusterConfig, EndpointSlice, KubeClient, Node, RoomStatus, Service } from '@podwire/kube';
import { createInformers, createKubeClient } from '@podwire/kube';
import { FakeInformers } from '@podwire/kube/testing';
import { createServicesRoom } from '../controller.ts';
import '../ebpf/ebpf-proxy.ts';
import '../iptables/iptables-proxy.ts';
import type { ServicesRoom } from '../services-room.ts';

/** Where the room is, and what it follows. */
export interface AgentSetup {
  readonly netns: string;
  readonly config: Partial<ClusterConfig>;
  readonly runDirectory: string;
  readonly sockets?: { readonly cgroup: string; readonly bpffs: string; readonly podNamespaces: readonly string[] };
  /** The unix socket of an API server; absent: objects come with requests. */
  readonly api?: string;
}

/** Objects that are put, by kind, and objects that go. */
export interface ObjectChanges {
  readonly nodes?: readonly Node[];
  readonly services?: readonly Service[];
  readonly slices?: readonly EndpointSlice[];
  readonly gone?: {
    readonly services?: readonly Service[];
    readonly slices?: readonly EndpointSlice[];
  };
}

/** The first has a setup. The changes of one request are one transaction. */
export interface AgentRequest {
  readonly setup?: AgentSetup;
  readonly changes?: ObjectChanges;
}

const informers = new FakeInformers();
let room: ServicesRoom | undefined;

function take({ nodes = [], services = [], slices = [], gone = {} }: ObjectChanges): void {
  for (const node of nodes) informers.put('Node', node);
  for (const service of services) informers.put('Service', service);
  for (const slice of slices) informers.put('EndpointSlice', slice);
  for (const slice of gone.slices ?? []) informers.remove('EndpointSlice', slice);
  for (const service of gone.services ?? []) informers.remove('Service', service);
}

function createRoom({ netns, config, runDirectory, sockets, api }: AgentSetup): ServicesRoom {
  const client = api === undefined ? ({} as KubeClient) : createKubeClient({ socketPath: api });
  return createServicesRoom({
    netns: openNetns(netns),
    nodeName: 'node-1',
    config: config as ClusterConfig,
    client,
    informers: api === undefined ? informers : createInformers(client),
    logger: createLogger({ level: process.env.VERBOSE ? 'debug' : 'error' }),
    runDirectory,
    stateDirectory: '/nonexistent',
    ...(sockets && { sockets: { ...sockets, podNamespaces: () => sockets.podNamespaces } }),
  });
}

async function answer({ setup, changes = {} }: AgentRequest): Promise<RoomStatus> {
  take(changes);
  if (setup) {
    room = createRoom(setup);
    await room.start();
  }
  if (!room) throw new Error('the first request has a setup');
  await room.idle();
  return room.status();
}

// whoever is killed writes no cache
flushCompileCache();
process.on('disconnect', () => process.exit());
process.on('message', async (request: AgentRequest) => process.send?.(await answer(request)));
process.send?.('loaded');
