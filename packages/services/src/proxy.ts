import type { Logger } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { ClusterConfig, PlanEntry } from '@podwire/kube';
import type { ServicesView } from './model.ts';
import type { UdpFlows } from './udp-flows.ts';

export type ProxyMode = ClusterConfig['proxyMode'];

/** What changed since the last sync: the keys (`namespace/name`) of services, or everything. */
export type Changes = ReadonlySet<string> | 'all';

/** What one sync did. */
export interface Synced {
  /** Commands, elements or rules written. */
  readonly commands: number;
  /** Those of them that mend what somebody else changed, when nothing else had; default: `commands`. */
  readonly repairs?: number;
  /** UDP flows that were ended at once; those the kernel tracks are left to `ProxyContext.flows`. */
  readonly flowsForgotten?: number;
  /** What of the view could not be had now, and is to be tried again soon with `look`; all else is in force. */
  readonly unfinished?: string;
}

/** What a way of balancing gets from the room. */
export interface ProxyContext {
  /** The node's namespace; absent: where the thread is. */
  readonly netns?: Netns | undefined;
  readonly logger: Logger;
  readonly config: ClusterConfig;
  /** To be told when other rules are in force: forgets UDP flows that those of before have led astray (SVC-25). */
  readonly flows: Pick<UdpFlows, 'forget'>;
  /** For sockets, control files and pins. */
  readonly runDirectory: string;
  /** Where mode ebpf finds the sockets of the node. */
  readonly sockets?: SocketPlace | undefined;
}

/** Where sockets are balanced; everything has a default. */
export interface SocketPlace {
  /** A directory of a cgroup2 file system with all processes of the node and its pods below; default: its root. */
  readonly cgroup?: string;
  /** A bpf file system, where programs and maps outlive the process; default: the one that is mounted. */
  readonly bpffs?: string;
  /** The files of the pods' network namespaces (CNI_NETNS), asked for again and again. Absent: only the node's sockets. */
  readonly podNamespaces?: () => Iterable<string>;
}

/** Waits for the last connection of a mode that is no longer in force. */
export interface Departure {
  /** Lets go of it: the mode comes back, or the room ends. Also when it is over already. */
  end(): void;
}

/**
 * One way to balance Services. The room keeps the model and calls; a proxy keeps whatever it needs to make a change cost
 * what changed. Everything it makes in the kernel carries the room's mark, so that one without memory can take it over.
 *
 *   informers ─▶ ServiceStore ── view, changes ──▶ ServiceProxy.sync ──▶ kernel
 */
export interface ServiceProxy {
  readonly mode: ProxyMode;
  /** Another mode whose state in the kernel this one keeps and uses too: it survives going from one to the other. */
  readonly base?: ProxyMode;
  /** Its rules lead from 127.0.0.1 to pods, and drop what comes from the wire with such addresses. */
  readonly routesLoopback?: boolean;
  /**
   * Brings the kernel in step with the view. The first call adopts or replaces what is there, in a way that drops nothing.
   * `look`: compare with the kernel instead of trusting what was written last. Throws when the kernel refuses; the room
   * tries again with `look`.
   */
  sync(view: ServicesView, changes: Changes, look: boolean): Synced | Promise<Synced>;
  /** What the node should have, and why; no kernel access. */
  plan(view: ServicesView): readonly PlanEntry[];
  /** Where the kernel differs from the view. */
  diff(view: ServicesView): readonly PlanEntry[] | Promise<readonly PlanEntry[]>;
  /** What is wrong, for people: conflicts, what the kernel refused. */
  problems(view: ServicesView): readonly string[];
  /** What is asked for and this mode, or this kernel, cannot do. */
  limits(view: ServicesView): readonly string[];
  /** Sizes for status. */
  facts(): Readonly<Record<string, string | number | boolean>>;
  /** Gives up sockets and memory; what is in the kernel stays and goes on working (where the mode allows). */
  close(): void | Promise<void>;
  /**
   * Removes everything this mode has in the kernel, also what an earlier process made; but for what `successor` goes on
   * using, when that is this mode's base.
   */
  cleanup(successor?: ProxyMode): void | Promise<void>;
  /** After cleanup, where what open connections need is still there: it goes with them, or with the cleanup of a later process. */
  readonly departure?: Departure | undefined;
  /** Pods have come or gone: their sockets are served from now on. */
  podsChanged?(): void;
}
