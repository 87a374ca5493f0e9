import { messageOf } from '@podwire/base';
import { isErrno, type Netlink, type Netns, openNetlink } from '@podwire/kernel';
import {
  createIpvsDestination,
  createIpvsService,
  deleteIpvsDestination,
  deleteIpvsService,
  type IpvsServiceKey,
  type IpvsServiceOptions,
  updateIpvsDestination,
  updateIpvsService,
} from '@podwire/kernel/genetlink';
import { servicesError } from '../errors.ts';
import { endpointName } from '../model.ts';
import type { EntryKey } from './layout.ts';
import {
  type FoundServer,
  type ObservedDestination,
  observeDestinations,
  observeServers,
  sameOptions,
} from './observe.ts';
import type { IsOpen } from './open-connections.ts';
import { type Scheduler, schedulingOf } from './scheduler.ts';
import { type Destination, OWN_FLAG, type ServerOptions, type VirtualServer } from './virtual-server.ts';

/** A virtual server of ours as it is in the kernel by now. */
interface Held {
  readonly id: string;
  readonly key: IpvsServiceKey;
  options: IpvsServiceOptions;
  /** Unknown for one that an earlier process left. */
  entry: EntryKey | undefined;
  /** Serves nobody new: it goes with its last connection. */
  leaving: boolean;
  /** By name; those of weight 0 go with their last connection. */
  readonly destinations: Map<string, Destination & { readonly translated?: boolean }>;
}

/** What every kernel with IPVS has. */
const FALLBACK: Scheduler = 'rr';

/**
 * Writes virtual servers, each call only what differs. A destination that goes gets no new connections at once, and is
 * removed when it has none any more; one of UDP at once. Nothing that is not told by `look` or `bring` is touched.
 *
 *   desired ─▶ bring ───────────────┐   weight n ─▶ weight 0 ─▶ (last connection) ─▶ removed
 *   no longer desired ─▶ remove ────┴───────────────┘                 sweep
 */
export class KernelServers {
  readonly netlink: Netlink<'generic'>;
  readonly #held = new Map<string, Held>();
  /** Those with destinations of weight 0. */
  readonly #waiting = new Set<Held>();
  readonly #lacking = new Set<string>();
  /** Of somebody else, where one of ours was to be; by id, in words. */
  readonly #foreign = new Map<string, string>();
  /** What the kernel did not take, by server and destination. */
  readonly #refused = new Map<string, string>();

  /** Throws KERNEL_NO_FAMILY with the first call that writes or reads when the kernel has no IPVS. */
  constructor(netns?: Netns) {
    this.netlink = openNetlink('generic', netns);
  }

  get held(): readonly Readonly<Held>[] {
    return [...this.#held.values()];
  }

  get size(): number {
    return this.#held.size;
  }

  get(id: string): Readonly<Held> | undefined {
    return this.#held.get(id);
  }

  /** Those that go with their last connection. */
  get leaving(): readonly Readonly<Held>[] {
    return [...this.#waiting].filter(({ leaving }) => leaving);
  }

  /** How many wait for the last connection of a destination. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Schedulers this kernel does not have. */
  get lacking(): ReadonlySet<string> {
    return this.#lacking;
  }

  get refused(): readonly string[] {
    return [...this.#foreign.values(), ...this.#refused.values()];
  }

  /** Whether somebody else has a virtual server of that address and port, which is left alone. */
  isForeign(id: string): boolean {
    return this.#foreign.has(id);
  }

  /** Reads what is there instead of trusting what was written last. */
  look(isOurs: (server: FoundServer) => boolean, entryOf: (key: IpvsServiceKey) => EntryKey | undefined): void {
    const observed = observeServers(this.netlink, isOurs);
    const before = new Map(this.#held);
    this.#held.clear();
    this.#waiting.clear();
    for (const { id, key, options, destinations } of observed) {
      const entry = before.get(id)?.entry ?? entryOf(key);
      const named = destinations.map((one) => [endpointName(one), one] as const);
      const held: Held = { id, key, options, entry, leaving: false, destinations: new Map(named) };
      this.#held.set(id, held);
      this.#watch(held);
    }
  }

  /** Makes the server as desired; returns the number of commands. */
  bring(server: VirtualServer): number {
    const options = this.#possible(server.options);
    let held = this.#held.get(server.id);
    let commands = 0;
    if (!held) {
      held = this.#create(server, options);
      if (!held) return 0;
      commands++;
    } else if (!sameOptions(held.options, options)) {
      this.#update(held, options);
      commands++;
    }
    held.entry = server.entry;
    held.leaving = false;
    const wanted = new Set<string>();
    for (const destination of server.destinations) {
      const name = endpointName(destination);
      wanted.add(name);
      commands += this.#bringDestination(held, name, destination);
    }
    const others = [...held.destinations].filter(([name]) => !wanted.has(name));
    commands += this.#retire(held, others);
    this.#watch(held);
    return commands;
  }

  /** Nobody new is to come to it. */
  remove(id: string): number {
    const held = this.#held.get(id);
    this.#foreign.delete(id);
    if (!held) return 0;
    held.leaving = true;
    const through = passage(held);
    const commands = this.#retire(
      held,
      [...held.destinations].filter(([name]) => name !== through?.name),
    );
    this.#watch(held);
    return commands + (this.#deleteIfEmpty(held) || this.#letPass(held));
  }

  /** Removes what has lost its last connection. */
  sweep(): number {
    let commands = 0;
    for (const held of [...this.#waiting]) commands += this.#dropIdle(held) + this.#deleteIfEmpty(held);
    return commands;
  }

  /**
   * Of servers that serve nobody new: destinations without an open connection go at once, and with them the kernel forgets
   * those that are closed (net.ipv4.vs.expire_nodest_conn).
   */
  dropClosed(isOpen: IsOpen): number {
    let commands = 0;
    for (const held of this.#waiting) {
      const { entry, leaving } = held;
      if (!leaving) continue;
      if (entry) commands += this.#drop(held, (one) => !one.established && !isOpen(entry, endpointName(one)));
      commands += this.#deleteIfEmpty(held);
    }
    return commands;
  }

  /** Removes everything, with its connections. */
  clear(): void {
    for (const { id, key } of this.#held.values()) {
      ignoring('ESRCH', () => deleteIpvsService(this.netlink, key));
      this.#forget(id);
    }
    this.#waiting.clear();
  }

  close(): void {
    this.netlink.close();
  }

  #possible(options: ServerOptions): ServerOptions {
    if (!this.#lacking.has(options.scheduler)) return options;
    const { persistence } = options;
    return { ...schedulingOf(FALLBACK), ...(persistence !== undefined && { persistence }) };
  }

  /** Undefined where somebody else has one. */
  #create({ id, key, entry }: VirtualServer, options: ServerOptions): Held | undefined {
    const held: Held = { id, key, entry, options, leaving: false, destinations: new Map() };
    try {
      this.#scheduled(options, (possible) => {
        createIpvsService(this.netlink, { ...key, ...marked(possible) });
        held.options = possible;
      });
    } catch (error) {
      // one of ours would have been found
      if (!isErrno(error, 'EEXIST')) throw error;
      this.#foreign.set(
        id,
        `virtual server ${id} is somebody else's and left alone, so connections go where it says; delete it (ipvsadm -D)`,
      );
      return undefined;
    }
    this.#foreign.delete(id);
    this.#held.set(id, held);
    return held;
  }

  #update(held: Held, options: ServerOptions): void {
    this.#scheduled(options, (possible) => {
      updateIpvsService(this.netlink, { ...held.key, ...marked(possible) });
      held.options = possible;
    });
  }

  /** ENOENT: there is no such scheduler. */
  #scheduled(options: ServerOptions, write: (possible: ServerOptions) => void): void {
    try {
      write(options);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      if (options.scheduler === FALLBACK)
        throw servicesError(
          'SERVICES_NO_IPVS',
          `IPVS has no scheduler ${FALLBACK} in this kernel; load the module ip_vs_${FALLBACK}`,
          error,
        );
      this.#lacking.add(options.scheduler);
      write(this.#possible(options));
    }
  }

  #bringDestination(held: Held, name: string, destination: Destination): number {
    const present = held.destinations.get(name);
    if (present?.weight === destination.weight && present.translated !== false) return 0;
    const refusal = `${held.id} ${name}`;
    try {
      if (present) updateIpvsDestination(this.netlink, held.key, destination);
      else createIpvsDestination(this.netlink, held.key, destination);
    } catch (error) {
      // an address that no packet can be sent to; the others of the service go on
      if (!isErrno(error, 'EINVAL')) throw error;
      this.#refused.set(refusal, `${held.id}: endpoint ${name} is left out: ${messageOf(error)}`);
      return 0;
    }
    this.#refused.delete(refusal);
    held.destinations.set(name, destination);
    return 1;
  }

  #retire(held: Held, destinations: readonly (readonly [string, Destination])[]): number {
    let commands = 0;
    const atOnce = endsAtOnce(held);
    for (const [name, destination] of destinations) {
      this.#refused.delete(`${held.id} ${name}`);
      if (atOnce) commands += this.#deleteDestination(held, name, destination);
      else if (destination.weight > 0) {
        const idle = { ...destination, weight: 0 };
        updateIpvsDestination(this.netlink, held.key, idle);
        held.destinations.set(name, idle);
        commands++;
      }
    }
    return atOnce || destinations.length === 0 ? commands : commands + this.#dropIdle(held);
  }

  #dropIdle(held: Held): number {
    return this.#drop(held, ({ busy }) => !busy);
  }

  /** Of the destinations that get no new connections. */
  #drop(held: Held, mayGo: (destination: ObservedDestination) => boolean): number {
    let commands = 0;
    for (const one of observeDestinations(this.netlink, held.key)) {
      const name = endpointName(one);
      if (one.weight > 0 || held.destinations.get(name)?.weight !== 0 || !mayGo(one)) continue;
      commands += this.#deleteDestination(held, name, one);
    }
    this.#watch(held);
    return commands;
  }

  #watch(held: Held): void {
    const waits = held.leaving || [...held.destinations.values()].some(({ weight }) => weight === 0);
    if (waits) this.#waiting.add(held);
    else this.#waiting.delete(held);
  }

  #deleteDestination(held: Held, name: string, destination: Destination): number {
    ignoring('ENOENT', () => deleteIpvsDestination(this.netlink, held.key, destination));
    held.destinations.delete(name);
    return 1;
  }

  /** New connections are to be as if there was no virtual server. */
  #letPass(held: Held): number {
    const through = passage(held);
    if (!through || held.destinations.get(through.name)?.weight === 1) return 0;
    return this.#bringDestination(held, through.name, through.destination);
  }

  #deleteIfEmpty(held: Held): number {
    const through = passage(held)?.name;
    if (!held.leaving || [...held.destinations.keys()].some((name) => name !== through)) return 0;
    ignoring('ESRCH', () => deleteIpvsService(this.netlink, held.key));
    this.#waiting.delete(held);
    this.#forget(held.id);
    return 1;
  }

  #forget(id: string): void {
    this.#held.delete(id);
    for (const name of this.#refused.keys()) if (name.startsWith(`${id} `)) this.#refused.delete(name);
  }
}

const marked = (options: ServerOptions): ServerOptions => ({
  ...options,
  schedulerFlags: [...(options.schedulerFlags ?? []), OWN_FLAG],
});

/** The destination of a packet that is the packet's own. */
function passage({ key }: Held): { readonly name: string; readonly destination: Destination } | undefined {
  if ('fwmark' in key) return undefined;
  const { address, port } = key;
  return { name: endpointName(key), destination: { address, port, weight: 1 } };
}

/** A flow of UDP has no end to wait for; with scheduler dh clients of a destination of weight 0 would be refused. */
function endsAtOnce({ key, entry, options }: Held): boolean {
  const protocol = 'fwmark' in key ? entry?.[1] : key.protocol;
  return protocol === 'udp' || options.scheduler === 'dh';
}

function ignoring(errno: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isErrno(error, errno)) throw error;
  }
}
