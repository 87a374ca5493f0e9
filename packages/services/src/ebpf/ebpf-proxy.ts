import type { PlanEntry } from '@podwire/kube';
import type { ServicesView } from '../model.ts';
import type { Changes, ProxyContext, ProxyMode, ServiceProxy, Synced } from '../proxy.ts';
import { ConnectedDatagrams } from './connected-datagrams.ts';
import { limitsOf } from './limits.ts';
import { NodeNamespaces } from './namespaces.ts';
import { observeDrift } from './observe.ts';
import { findPlace, type Place, pinsOf } from './place.ts';
import { describeEntry, SocketPlan } from './plan.ts';
import { removePins, SocketHooks } from './socket-hooks.ts';
import { SocketMaps } from './socket-maps.ts';

/** Sockets of the node and its pods are given an endpoint when they connect; the rules of `packets`, mode nftables, do the rest. */
export function createEbpfProxy(context: ProxyContext, packets: ServiceProxy): ServiceProxy {
  return new EbpfProxy(context, packets);
}

/** What is open while the mode is in force. */
interface Kernel {
  readonly place: Place;
  readonly maps: SocketMaps;
  readonly hooks: SocketHooks;
  readonly namespaces: NodeNamespaces;
  readonly datagrams: ConnectedDatagrams;
}

class EbpfProxy implements ServiceProxy {
  readonly mode = 'ebpf';
  readonly base = 'nftables';
  readonly routesLoopback = true;
  readonly #context: ProxyContext;
  readonly #packets: ServiceProxy;
  #plan = new SocketPlan();
  #kernel: Kernel | undefined;
  /** The kernel has what was planned last. */
  #inForce = false;

  constructor(context: ProxyContext, packets: ServiceProxy) {
    this.#context = context;
    this.#packets = packets;
  }

  async sync(view: ServicesView, changes: Changes, look: boolean): Promise<Synced> {
    const { commands } = await this.#packets.sync(view, changes, look);
    return { commands: commands + this.#syncSockets(view, changes, look) };
  }

  /** The maps first, so that a program never sees half of them. */
  #syncSockets(view: ServicesView, changes: Changes, look: boolean): number {
    const known = this.#inForce;
    const mend = look || !known;
    this.#inForce = false;
    this.#kernel ??= this.#open();
    const { maps, hooks, namespaces, datagrams } = this.#kernel;
    const changed = this.#plan.update(view, changes);
    const elements = mend ? maps.mend(this.#plan.entries) : maps.write(changed);
    if (mend) maps.sweepOpen(this.#plan.entries);
    const others = namespaces.refresh(mend) + hooks.attach(mend);
    datagrams.follow(known ? changed : undefined);
    this.#inForce = true;
    return elements + others;
  }

  /** Throws SERVICES_NO_CGROUP; the rules for packets are in force by then. */
  #open(): Kernel {
    const place = findPlace(this.#context.sockets ?? {}, this.#context.runDirectory);
    const maps = new SocketMaps(place.pins);
    return {
      place,
      maps,
      hooks: new SocketHooks(place, maps),
      namespaces: new NodeNamespaces(this.#context, maps),
      datagrams: new ConnectedDatagrams(this.#context, maps, this.#plan),
    };
  }

  podsChanged(): void {
    this.#kernel?.namespaces.refresh();
  }

  plan(view: ServicesView): readonly PlanEntry[] {
    return [...planned(view).entries.map(describeEntry), ...this.#packets.plan(view)];
  }

  async diff(view: ServicesView): Promise<readonly PlanEntry[]> {
    const sockets = this.#kernel ? observeDrift(this.#kernel, planned(view).entries) : [];
    return [...sockets, ...(await this.#packets.diff(view))];
  }

  problems(view: ServicesView): readonly string[] {
    const isUnpinned = this.#kernel && this.#kernel.place.pins === undefined;
    return [...(isUnpinned ? [NO_PINS] : []), ...this.#packets.problems(view)];
  }

  limits(view: ServicesView): readonly string[] {
    const lacking = [...(this.#kernel?.hooks.lacking ?? [])].map(([hook, reason]) =>
      hook === 'release'
        ? `this kernel has no hook release (${reason}); balance least-connections counts sockets that were ever open`
        : `this kernel has no hook ${hook} (${reason}); packets of such sockets take the nftables rules`,
    );
    const unclosed = this.#kernel?.datagrams.problem;
    const kept = view.cluster.masqueradeAll ? [KEPT] : [];
    return [...kept, ...lacking, ...(unclosed ? [unclosed] : []), ...limitsOf([...view.services.values()], view)];
  }

  facts(): Readonly<Record<string, string | number | boolean>> {
    return {
      ...this.#packets.facts(),
      socketAddresses: this.#plan.size,
      socketNamespaces: this.#kernel?.namespaces.size ?? 0,
      socketsClosed: this.#kernel?.datagrams.ended ?? 0,
      socketHooks: this.#kernel?.hooks.count ?? 0,
      cgroup: this.#kernel?.place.cgroup ?? '',
      pinned: this.#kernel?.place.pins !== undefined,
    };
  }

  async close(): Promise<void> {
    this.#kernel?.hooks.close();
    this.#kernel?.datagrams.close();
    this.#kernel?.maps.close();
    this.#kernel = undefined;
    this.#inForce = false;
    this.#plan = new SocketPlan();
    await this.#packets.close();
  }

  /** Sockets that are connected stay so: nothing of theirs goes through the programs any more. */
  async cleanup(successor?: ProxyMode): Promise<void> {
    this.#kernel?.hooks.detach();
    this.#kernel?.hooks.close();
    this.#kernel?.datagrams.close();
    this.#kernel?.maps.close();
    this.#kernel = undefined;
    this.#inForce = false;
    this.#plan = new SocketPlan();
    const { runDirectory, sockets } = this.#context;
    const pins = pinsOf(runDirectory, sockets?.bpffs);
    if (pins !== undefined) removePins(pins);
    if (successor !== this.base) await this.#packets.cleanup();
  }
}

const KEPT =
  'masqueradeAll does not hold for sockets of the node and its pods in mode ebpf: nothing of theirs is translated; choose another mode';
const NO_PINS =
  'no bpf file system is mounted, so sockets are balanced only while the agent runs: mount one (mount -t bpf bpf /sys/fs/bpf), then leave the mode and come back';

function planned(view: ServicesView): SocketPlan {
  const plan = new SocketPlan();
  plan.update(view, 'all');
  return plan;
}
