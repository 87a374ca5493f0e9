import type { Netns } from '@podwire/kernel';
import type { Room, RoomContext } from '@podwire/kube';
import type { ProxyMode, SocketPlace } from './proxy.ts';

/** What the room needs beside what every room gets. */
export interface ServicesContext extends RoomContext {
  /** The node's namespace; absent: where the thread is. */
  readonly netns?: Netns;
  readonly sockets?: SocketPlace;
  /** How often it is asked whether others wrote to nftables, in ms; 0: never. Default: 1000. */
  readonly rulesetInterval?: number;
}

/** The service proxy of one node. */
export interface ServicesRoom extends Room {
  readonly mode: ProxyMode;
  /**
   * Goes over to another mode: the new one is in force before the old one's traces are removed, and connections made under
   * the old one go on where both modes allow it (README). Resolves when that is done; throws
   * SERVICES_MODE_REFUSED, and stays with the old one, when the new one cannot be had.
   */
  setMode(mode: ProxyMode): Promise<void>;
  /** Pods have come or gone: to be called so that mode ebpf serves their sockets at once. */
  podsChanged(): void;
}
