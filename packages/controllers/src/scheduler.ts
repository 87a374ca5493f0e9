import type { Informer, Informers, KubeClient, ObjectOf, WorkQueue } from '@podwire/kube';
import { type Clock, systemClock, timestamp } from './clock.ts';
import {
  type Controller,
  type ControllerContext,
  forEach,
  isActive,
  keyOf,
  nameOf,
  namespaceOf,
  objectKey,
  until,
} from './context.ts';
import { type Remark, type Remarks, remarksOn } from './event.ts';
import { disruptionTarget } from './node/disruption-target.ts';
import { placeIn } from './placement.ts';
import { deletePod } from './pod-template.ts';
import { startReconciler } from './reconciler.ts';
import { ClusterView } from './scheduling/cluster-view.ts';
import { isClearing, planPreemption, priorityOf } from './scheduling/preemption.ts';
import { storageOf } from './scheduling/storage-view.ts';
import { VolumeBinder } from './scheduling/volume-binder.ts';

type Pod = ObjectOf<'Pod'>;

const NAME = 'default-scheduler';
const RETRY_UNSCHEDULABLE = 2000;
/** Many pods may go at once. */
const RETRY_LEFT = 100;
/** Nodes and claims change often, and a pass is for all of them. */
const GATHER = 50;
const GATED = 'Scheduling is blocked due to non-empty scheduling gates';

interface Refused {
  readonly reason: 'Unschedulable' | 'SchedulingGated';
  readonly message: string;
  readonly event?: Remark;
  /** The node that others leave for it. */
  readonly nominated?: string | undefined;
}

/** Without a node, and for this scheduler to give one. */
function isOpen(pod: Pod): boolean {
  return !pod.spec?.nodeName && isActive(pod) && (pod.spec?.schedulerName ?? NAME) === NAME;
}

const gatesOf = ({ spec }: Pod): readonly unknown[] =>
  (spec as { schedulingGates?: readonly unknown[] } | undefined)?.schedulingGates ?? [];

/** Higher priorities first, of equal ones those that were promised a node; otherwise as they came. */
function byPriority(a: Pod, b: Pod): number {
  const promised = ({ status }: Pod): number => (status?.nominatedNodeName ? 1 : 0);
  return priorityOf(b) - priorityOf(a) || promised(b) - promised(a);
}

/** Binds every pod without a node to one, one after the other, so that each choice sees the one before. */
export function startScheduler(context: ControllerContext): Controller {
  return new Scheduler(context);
}

class Scheduler implements Controller {
  readonly #client: KubeClient;
  readonly #informers: Informers;
  readonly #pods: Informer<'Pod'>;
  readonly #clock: Clock;
  readonly #remark: Remarks;
  readonly #queue: WorkQueue;
  readonly #volumes: VolumeBinder;
  readonly #waiting = new Set<string>();
  readonly #ends: readonly (() => void)[];

  constructor({ client, informers, logger, clock = systemClock }: ControllerContext) {
    this.#client = client;
    this.#informers = informers;
    this.#clock = clock;
    this.#pods = informers.of('Pod');
    this.#remark = remarksOn(client, 'Pod', NAME);
    this.#volumes = new VolumeBinder(client, informers);
    // One key for all: binding is serial.
    this.#queue = startReconciler({ name: 'scheduler', logger, reconcile: () => this.#pass() });
    this.#ends = [
      this.#pods.subscribe(({ type, object }) => {
        if (type === 'deleted') this.#waiting.delete(keyOf(object));
        const leaves = type === 'deleted' || !isActive(object);
        // Whoever waits may have the room of a pod that is over.
        if (!leaves && !object.spec?.nodeName) this.#queue.add('pods');
        else if (leaves && this.#waiting.size > 0) this.#queue.addAfter('pods', RETRY_LEFT);
      }),
      informers.of('Node').subscribe(() => this.#queue.addAfter('pods', GATHER)),
      ...this.#onStorage(() => this.#waiting.size > 0 && this.#queue.addAfter('pods', GATHER)),
    ];
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#queue.shutDown();
  }

  #onStorage(look: () => void): (() => void)[] {
    const kinds = ['PersistentVolumeClaim', 'PersistentVolume', 'StorageClass', 'CSINode'] as const;
    return kinds.map((kind) => this.#informers.of(kind).subscribe(look));
  }

  async #pass(): Promise<number | undefined> {
    const open = this.#pods.list().filter(isOpen);
    if (open.length === 0) return undefined;
    const [nodes, namespaces] = [this.#informers.of('Node').list(), this.#informers.of('Namespace').list()];
    const view = new ClusterView(nodes, this.#pods.list(), { namespaces, storage: storageOf(this.#informers) });
    await forEach(open.toSorted(byPriority), async (pod) => {
      const fresh = this.#pods.get(nameOf(pod), namespaceOf(pod));
      if (fresh && isOpen(fresh)) await this.#schedule(fresh, view);
    });
    return this.#waiting.size > 0 ? RETRY_UNSCHEDULABLE : undefined;
  }

  async #schedule(pod: Pod, view: ClusterView): Promise<void> {
    if (gatesOf(pod).length > 0) return this.#refuse(pod, { reason: 'SchedulingGated', message: GATED });
    const placement = placeIn(pod, view);
    if ('node' in placement) {
      const isReady = await this.#volumes.bind(pod, placement.node, view);
      return isReady ? this.#bind(pod, view, placement.node) : this.#promise(pod, view, placement.node);
    }
    const nominated = await this.#preempt(pod, view);
    // Pods that matter no more than this one must not take the room that is being made.
    if (nominated) view.place(pod, nominated);
    const message = nominated ? placement.reasons : placement.refused;
    const event = { type: 'Warning', reason: 'FailedScheduling', message } as const;
    return this.#refuse(pod, { reason: 'Unschedulable', message, event, nominated });
  }

  async #bind(pod: Pod, view: ClusterView, node: string): Promise<void> {
    await this.#client.bind(objectKey(pod), node);
    view.place(pod, node);
    await until(() => this.#pods.get(nameOf(pod), namespaceOf(pod))?.spec?.nodeName !== undefined);
    this.#waiting.delete(keyOf(pod));
    const message = `Successfully assigned ${keyOf(pod)} to ${node}`;
    this.#remark(pod, { type: 'Normal', reason: 'Scheduled', message });
  }

  /** The node is its own as soon as its claims are bound. */
  async #promise(pod: Pod, view: ClusterView, node: string): Promise<void> {
    this.#waiting.add(keyOf(pod));
    view.place(pod, node);
    if (pod.status?.nominatedNodeName === node) return;
    const patch = { status: { nominatedNodeName: node } };
    await this.#client.patch('Pod', objectKey(pod), patch, { subresource: 'status' });
  }

  /** Sends pods of lower priority away; the node where that makes room. */
  async #preempt(pod: Pod, view: ClusterView): Promise<string | undefined> {
    if (isClearing(pod, view)) return pod.status?.nominatedNodeName;
    const plan = planPreemption(pod, view, this.#informers.of('PodDisruptionBudget').list());
    if (!plan) return undefined;
    for (const victim of plan.victims)
      if (!victim.metadata?.deletionTimestamp) await this.#send(victim, pod, plan.node);
    return plan.node;
  }

  async #send(victim: Pod, pod: Pod, node: string): Promise<void> {
    const by = `Preempted by pod ${pod.metadata?.uid} on node ${node}`;
    this.#remark(victim, { type: 'Normal', reason: 'Preempted', message: by });
    const message = `${NAME}: preempting to accommodate a higher priority pod`;
    const patch = disruptionTarget(victim, { reason: 'PreemptionByScheduler', message, now: this.#clock.now() });
    await this.#client.patch('Pod', objectKey(victim), patch, { subresource: 'status' });
    await deletePod(this.#client, victim);
  }

  async #refuse(pod: Pod, { reason, message, event, nominated }: Refused): Promise<void> {
    this.#waiting.add(keyOf(pod));
    const { conditions: present = [], nominatedNodeName } = pod.status ?? {};
    const known = present.find(({ type }) => type === 'PodScheduled');
    if (known?.message === message && nominatedNodeName === nominated) return;
    const now = timestamp(this.#clock.now());
    const lastTransitionTime = known?.status === 'False' ? (known.lastTransitionTime ?? now) : now;
    const times = { lastProbeTime: null, lastTransitionTime };
    const condition = { type: 'PodScheduled', status: 'False', reason, message, ...times };
    const conditions = [...present.filter(({ type }) => type !== 'PodScheduled'), condition];
    const status = { conditions, nominatedNodeName: nominated ?? null };
    await this.#client.patch('Pod', objectKey(pod), { status }, { subresource: 'status' });
    if (event) this.#remark(pod, event);
  }
}
