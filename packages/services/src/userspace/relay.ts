import type { IpAddress } from '@podwire/base';
import type { DatagramBatch, Netns } from '@podwire/kernel';
import type { EndpointModel } from '../model.ts';
import type { ListenerPlan, RelayedProtocol } from './listener-plan.ts';

/** One open listener and what is relayed through it. */
export interface Relay {
  readonly port: number;
  /** TCP connections that go on. */
  readonly connections: number;
  /** Other endpoints, affinity or balance from now on; returns how many UDP sessions had to leave their endpoint. */
  update(plan: ListenerPlan): number;
  /** Nothing leads here any more: TCP connections go on until they end, UDP sessions end now. */
  stop(): void;
  /** Ends everything at once. */
  close(): void;
}

/** What the relays of a node have in common. */
export interface RelayContext {
  readonly netns: Netns | undefined;
  readonly limits: RelayLimits;
  readonly counters: RelayCounters;
  /** For datagrams; in use only while a callback runs, so one does for all sockets. */
  readonly batch: DatagramBatch;
  /** The address to talk to an endpoint from; undefined: what the route says. */
  source(endpoint: IpAddress): IpAddress | undefined;
  /** Whether connections to it are captured too: a service that leads to itself would be relayed for ever. */
  captured(endpoint: EndpointModel, protocol: RelayedProtocol): boolean;
}

export interface RelayLimits {
  /** TCP connections of the node, and of one listener; further ones are reset. */
  readonly connections: number;
  readonly listenerConnections: number;
  /** UDP sessions of the node, and of one listener: a new one takes the place of that listener's one not used for longest. */
  readonly sessions: number;
  readonly listenerSessions: number;
  /** Milliseconds an endpoint has to take a connection. When none does, the slow ones are asked again, with more patience. */
  readonly patience: readonly number[];
  /** Milliseconds without traffic until a connection, one that is closed on one side, or a UDP session ends. */
  readonly idle: number;
  readonly halfClosedIdle: number;
  readonly sessionIdle: number;
}

/** Times without traffic are those of connection tracking under kube-proxy. */
export const LIMITS: RelayLimits = {
  connections: 16_384,
  listenerConnections: 8192,
  sessions: 16_384,
  listenerSessions: 4096,
  patience: [250, 3000],
  idle: 86_400_000,
  halfClosedIdle: 3_600_000,
  sessionIdle: 30_000,
};

/** For status; `connections` and `sessions` are those at the moment. */
export interface RelayCounters {
  connections: number;
  sessions: number;
  /** Times another endpoint was tried, because one did not answer. */
  retries: number;
  /** Connections that no endpoint answered. */
  unanswered: number;
  /** Connections reset because of a limit, and sessions that had to make place. */
  overLimit: number;
}

export const newCounters = (): RelayCounters => ({
  connections: 0,
  sessions: 0,
  retries: 0,
  unanswered: 0,
  overLimit: 0,
});
