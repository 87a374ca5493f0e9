import type { Logger, MetricFamily, Outcome } from '@podwire/base';
import type { KubeClient } from './client.ts';
import type { ClusterConfig } from './cluster-config.ts';
import type { Informers } from './informer/informers.ts';

/** What the agent gives to every room of a node. */
export interface RoomContext {
  readonly nodeName: string;
  readonly config: ClusterConfig;
  readonly client: KubeClient;
  /** Shared, one list-watch per kind and node. */
  readonly informers: Informers;
  readonly logger: Logger;
  /** A directory only root can enter, made by the agent, emptied when the agent is uninstalled; e.g. /run/podwire/lab/node-1. */
  readonly runDirectory: string;
  /** As runDirectory, but kept over a reboot. */
  readonly stateDirectory: string;
}

/** One thing a room wants in the kernel, HAProxy or elsewhere, and why. Ordered and stable, for golden files and `podwire plan`. */
export interface PlanEntry {
  /** What it is, e.g. `route 10.244.1.0/24 via 172.30.0.12`. */
  readonly what: string;
  /** Why it exists, naming API objects, e.g. `Node node-2 has podCIDR 10.244.1.0/24`. */
  readonly why: string;
}

export interface RoomStatus {
  readonly room: string;
  readonly ready: boolean;
  /** Empty when all is well; otherwise what is wrong, with what, why and what to do. */
  readonly errors: readonly string[];
  /** What is asked for and cannot be had as the room is configured, while all is well: one line each. Absent: nothing. */
  readonly limits?: readonly string[];
  /** Sizes and counters, e.g. { services: 4, endpoints: 9 }. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** The face of every room towards the agent. */
export interface Room {
  readonly name: string;
  /**
   * Resolves when the first full sync was tried; `status` says whether it is in force, and a room that failed goes on
   * trying. Writes nothing before its informers are synced.
   */
  start(): Promise<void>;
  /** Stops watching; what is in the kernel stays. */
  stop(): Promise<void>;
  /** Removes everything that carries this room's mark. */
  cleanup(): Promise<void>;
  /** Runs a full observe, diff, apply now. */
  resync(): Promise<Outcome>;
  /** Resolves when all changes seen so far were tried. */
  idle(): Promise<void>;
  status(): RoomStatus;
  /** What it counts beside the facts of `status`, by names that others know; as it is now. */
  metrics?(): readonly MetricFamily[];
  /** Desired state with reasons; no kernel access. */
  plan(): readonly PlanEntry[];
  /** What differs between desired and kernel; empty when in step. */
  diff(): Promise<readonly PlanEntry[]>;
}
