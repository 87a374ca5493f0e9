import { type Logger, type MetricFamily, PodwireError } from '@podwire/base';
import {
  type ClusterConfig,
  createInformers,
  type Informers,
  type InformersOptions,
  type KubeClient,
  type PlanEntry,
  type Room,
  type RoomContext,
  type RoomStatus,
} from '@podwire/kube';
import { createRooms, ROOM_NAMES, type RoomName, type Rooms } from './rooms.ts';

export interface AgentOptions {
  readonly nodeName: string;
  readonly config: ClusterConfig;
  readonly client: KubeClient;
  readonly runDirectory: string;
  readonly stateDirectory: string;
  readonly logger: Logger;
  /** Absent: all. */
  readonly rooms?: readonly RoomName[];
  /** Told what of the API server cannot be read. */
  readonly onFailure?: InformersOptions['onFailure'];
}

/** The node daemon: the rooms of one node, in the network namespace the calling thread lives in. */
export interface Agent {
  readonly nodeName: string;
  status(): readonly RoomStatus[];
  /** What the rooms count beside the facts of their status. */
  metrics(): readonly MetricFamily[];
  plan(room?: string): readonly RoomEntries[];
  diff(room?: string): Promise<readonly RoomEntries[]>;
  /** How Services are balanced; undefined without that room. */
  readonly proxyMode: ClusterConfig['proxyMode'] | undefined;
  /** Goes over to another way to balance Services, without losing connections; throws SERVICES_MODE_REFUSED, also without that room. */
  setProxyMode(mode: ClusterConfig['proxyMode']): Promise<void>;
  /** Resolves when all rooms have put into force what they have seen. */
  idle(): Promise<void>;
  /** Stops watching; what is in the kernel stays. */
  stop(): Promise<void>;
}

export interface RoomEntries {
  readonly room: string;
  readonly entries: readonly PlanEntry[];
  /** What cannot be had of what is asked; of a plan only. */
  readonly problems?: readonly string[];
}

/**
 * Starts the rooms and resolves when each has tried to be in force.
 *
 *   informers ─┬─▶ fabric ── routes, VXLAN        ┌─ a pod's ADD returns only when
 *              ├─▶ pods ──── CNI socket ──────────┤  policy has seen the pod
 *              ├─▶ policy ── nft podwire-policy ◀─┘
 *              ├─▶ services ─ nft podwire-services
 *              ├─▶ dns ────── 10.96.0.10:53 on lo
 *              ├─▶ ingress ── HAProxy :80 :443
 *              └─▶ loadbalancer ─ addresses on the uplink
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { nodeName, config, client, runDirectory, stateDirectory, logger, onFailure } = options;
  const informers = createInformers(client, onFailure && { onFailure });
  const shared = { nodeName, config, client, informers, runDirectory, stateDirectory };
  const context = (room: RoomName): RoomContext => ({ ...shared, logger: logger.child({ room }) });
  const rooms = await createRooms(options.rooms ?? ROOM_NAMES, context);
  await Promise.all(rooms.all.map((room) => room.start()));
  rooms.services?.podsChanged();
  return agentOf(nodeName, rooms, informers);
}

function agentOf(nodeName: string, { all: rooms, services }: Rooms, informers: Informers): Agent {
  const chosen = (name: string | undefined): readonly Room[] =>
    rooms.filter((room) => name === undefined || room.name === name);
  return {
    nodeName,
    status: () => rooms.map((room) => room.status()),
    metrics: () => rooms.flatMap((room) => room.metrics?.() ?? []),
    plan: (name) => chosen(name).map(planOf),
    diff: (name) => Promise.all(chosen(name).map(async (room) => ({ room: room.name, entries: await room.diff() }))),
    get proxyMode() {
      return services?.mode;
    },
    setProxyMode: async (mode) => {
      if (!services) throw new PodwireError('SERVICES_MODE_REFUSED', `the room services does not run on ${nodeName}`);
      await services.setMode(mode);
    },
    idle: async () => void (await Promise.all(rooms.map((room) => room.idle()))),
    stop: async () => {
      await Promise.all(rooms.map((room) => room.stop()));
      informers.stop();
    },
  };
}

function planOf(room: Room): RoomEntries {
  const { errors, limits = [] } = room.status();
  return { room: room.name, entries: room.plan(), problems: [...errors, ...limits] };
}
