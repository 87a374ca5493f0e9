import { type Informer, type KubeClient, ObjectIndex, type ObjectOf, type WorkQueue } from '@podwire/kube';
import { type Clock, systemClock, timeOf, timestamp } from '../clock.ts';
import { type Controller, type ControllerContext, isReady, nameOf, objectKey, visible } from '../context.ts';
import { type Remarks, remarksOn } from '../event.ts';
import { startReconciler } from '../reconciler.ts';
import { Heartbeats } from './heartbeats.ts';
import { readyStatus, silentConditions } from './node-conditions.ts';
import { planTaints } from './node-taints.ts';

type Node = ObjectOf<'Node'>;
type Pod = ObjectOf<'Pod'>;

/** A node that was not heard of for so many ms is not known to be ready. */
const GRACE = 40_000;
/** The same for one that has never reported anything. */
const START_GRACE = 60_000;
const TICK = 5000;
const LEASES = 'kube-node-lease';

/**
 *     Lease, heartbeats ──silent 40 s──▶ Ready Unknown ──▶ taints NoSchedule, NoExecute ──▶ taint-eviction
 *                                            └──▶ its pods not ready ──▶ EndpointSlices
 */
export function startNodeLifecycle(context: ControllerContext): Controller {
  return new NodeLifecycle(context);
}

class NodeLifecycle implements Controller {
  readonly #client: KubeClient;
  readonly #nodes: Informer<'Node'>;
  readonly #leases: Informer<'Lease'>;
  readonly #podsOn: ObjectIndex<'Pod'>;
  readonly #clock: Clock;
  readonly #queue: WorkQueue;
  readonly #remark: Remarks;
  readonly #beats = new Heartbeats();
  /** Names of those that are ready. */
  readonly #ready = new Set<string>();
  readonly #ends: readonly (() => void)[];
  #ticked: number;
  #cancel = (): void => {};

  constructor({ client, informers, logger, clock = systemClock }: ControllerContext) {
    this.#client = client;
    this.#clock = clock;
    this.#nodes = informers.of('Node');
    this.#leases = informers.of('Lease');
    this.#podsOn = new ObjectIndex(informers.of('Pod'), (pod) => [pod.spec?.nodeName ?? []].flat());
    this.#remark = remarksOn(client, 'Node', 'node-controller');
    const reconcile = (name: string): Promise<undefined> => this.#reconcile(name);
    this.#queue = startReconciler({ name: 'node-lifecycle', logger, reconcile, clock });
    this.#ends = [
      this.#podsOn.stop,
      this.#nodes.subscribe(({ type, object }) => this.#see(object, type === 'deleted')),
      this.#leases.subscribe(({ object }) => {
        const node = object.metadata?.namespace === LEASES ? this.#nodes.get(nameOf(object)) : undefined;
        if (node) this.#observe(node);
      }),
    ];
    this.#ticked = clock.now();
    this.#cancel = clock.after(TICK, () => this.#tick());
  }

  stop(): void {
    this.#cancel();
    for (const end of this.#ends) end();
    this.#queue.shutDown();
  }

  #see(node: Node, isGone: boolean): void {
    const name = nameOf(node);
    if (isGone) this.#beats.forget(name);
    else this.#observe(node);
    const wasAny = this.#ready.size > 0;
    if (!isGone && readyStatus(node) === 'True') this.#ready.add(name);
    else this.#ready.delete(name);
    // Whether any node is ready decides about the taints of all.
    for (const one of wasAny === this.#ready.size > 0 ? [node] : this.#nodes.list()) this.#queue.add(nameOf(one));
  }

  #observe(node: Node): void {
    this.#beats.observe(node, this.#leases.get(nameOf(node), LEASES), this.#clock.now());
  }

  #tick(): void {
    const late = this.#clock.now() - this.#ticked - TICK;
    if (late > TICK) this.#beats.forgive(late);
    this.#ticked = this.#clock.now();
    for (const node of this.#nodes.list())
      if (this.#beats.silence(nameOf(node), this.#ticked) >= GRACE) this.#queue.add(nameOf(node));
    this.#cancel = this.#clock.after(TICK, () => this.#tick());
  }

  async #reconcile(name: string): Promise<undefined> {
    const node = this.#nodes.get(name);
    if (!node || node.metadata?.deletionTimestamp) return;
    const judged = await this.#judge(node);
    await this.#taint(judged);
    if (['Unknown', 'False'].includes(readyStatus(judged) ?? '')) await this.#unready(judged);
  }

  async #judge(node: Node): Promise<Node> {
    const status = readyStatus(node);
    const limit = status === undefined ? START_GRACE : GRACE;
    if (status === 'Unknown' || this.#beats.silence(nameOf(node), this.#clock.now()) < limit) return node;
    const conditions = silentConditions(node, this.#clock.now());
    const written = await this.#client.update('Node', { ...node, status: { ...node.status, conditions } }, 'status');
    await visible(this.#nodes, written);
    const message = `Node ${nameOf(node)} status is now: NodeNotReady`;
    this.#remark(node, { type: 'Normal', reason: 'NodeNotReady', message });
    return written;
  }

  async #taint(node: Node): Promise<void> {
    const taints = planTaints({ node, anyReady: this.#ready.size > 0, now: this.#clock.now() });
    if (!taints) return;
    const { resourceVersion = '' } = node.metadata ?? {};
    const patch = { metadata: { resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } };
    await visible(this.#nodes, await this.#client.patch('Node', { name: nameOf(node) }, patch));
  }

  /** Pods ready since before the node was not; what its kubelet says later is right. */
  async #unready(node: Node): Promise<void> {
    const since = timeOf(node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime) ?? 0;
    const pods = this.#podsOn.get(nameOf(node)).filter((pod) => isReady(pod) && (readySince(pod) ?? 0) <= since);
    const now = this.#clock.now();
    await Promise.all(pods.map((pod) => this.#client.patch('Pod', objectKey(pod), unreadyPatch(pod, now), STATUS)));
  }
}

const STATUS = { subresource: 'status' } as const;

function readySince({ status }: Pod): number | undefined {
  return timeOf(status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime);
}

function unreadyPatch({ metadata, status }: Pod, now: number): object {
  const conditions = (status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: timestamp(now) } : condition,
  );
  const { uid = '', resourceVersion = '' } = metadata ?? {};
  return { metadata: { uid, resourceVersion }, status: { conditions } };
}
