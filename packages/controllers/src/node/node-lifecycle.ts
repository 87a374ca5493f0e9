import { ObjectIndex, type ObjectOf } from '@podwire/kube';
import { systemClock, timeOf, timestamp } from '../clock.ts';
import { type Controller, type ControllerContext, isReady, nameOf, objectKey, visible } from '../context.ts';
import { remarksOn } from '../event.ts';
import { KeyQueue } from '../key-queue.ts';
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
export function startNodeLifecycle({ client, informers, logger, clock = systemClock }: ControllerContext): Controller {
  const nodes = informers.of('Node');
  const leases = informers.of('Lease');
  const podsOn = new ObjectIndex(informers.of('Pod'), (pod) => [pod.spec?.nodeName ?? []].flat());
  const beats = new Heartbeats();
  /** Names of those that are ready. */
  const ready = new Set<string>();
  const remark = remarksOn(client, 'Node', 'node-controller');

  const judge = async (node: Node): Promise<Node> => {
    const status = readyStatus(node);
    const limit = status === undefined ? START_GRACE : GRACE;
    if (status === 'Unknown' || beats.silence(nameOf(node), clock.now()) < limit) return node;
    const conditions = silentConditions(node, clock.now());
    const written = await client.update('Node', { ...node, status: { ...node.status, conditions } }, 'status');
    await visible(nodes, written);
    const message = `Node ${nameOf(node)} status is now: NodeNotReady`;
    remark(node, { type: 'Normal', reason: 'NodeNotReady', message });
    return written;
  };
  const taint = async (node: Node): Promise<void> => {
    const taints = planTaints({ node, anyReady: ready.size > 0, now: clock.now() });
    if (!taints) return;
    const spec = { taints: taints.length > 0 ? taints : null };
    const { resourceVersion = '' } = node.metadata ?? {};
    await visible(nodes, await client.patch('Node', { name: nameOf(node) }, { metadata: { resourceVersion }, spec }));
  };
  /** Pods ready since before the node was not; what its kubelet says later is right. */
  const unready = async (node: Node): Promise<void> => {
    const since = timeOf(node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime) ?? 0;
    const stale = podsOn.get(nameOf(node)).filter((pod) => isReady(pod) && (readySince(pod) ?? 0) <= since);
    await Promise.all(stale.map((pod) => client.patch('Pod', objectKey(pod), unreadyPatch(pod, clock.now()), STATUS)));
  };
  const reconcile = async (name: string): Promise<undefined> => {
    const node = nodes.get(name);
    if (!node || node.metadata?.deletionTimestamp) return;
    const judged = await judge(node);
    await taint(judged);
    if (['Unknown', 'False'].includes(readyStatus(judged) ?? '')) await unready(judged);
  };
  const queue = new KeyQueue({ name: 'node-lifecycle', logger, reconcile, clock });
  const observe = (node: Node): void => beats.observe(node, leases.get(nameOf(node), LEASES), clock.now());
  let ticked = clock.now();
  let cancel = (): void => {};
  const tick = (): void => {
    const late = clock.now() - ticked - TICK;
    if (late > TICK) beats.forgive(late);
    ticked = clock.now();
    for (const node of nodes.list()) if (beats.silence(nameOf(node), ticked) >= GRACE) queue.add(nameOf(node));
    cancel = clock.after(TICK, tick);
  };
  const ends = [
    nodes.subscribe((event) => {
      const name = nameOf(event.object);
      if (event.type === 'deleted') beats.forget(name);
      else observe(event.object);
      const wasAny = ready.size > 0;
      if (event.type !== 'deleted' && readyStatus(event.object) === 'True') ready.add(name);
      else ready.delete(name);
      // Whether any node is ready decides about the taints of all.
      for (const one of wasAny === ready.size > 0 ? [event.object] : nodes.list()) queue.add(nameOf(one));
    }),
    leases.subscribe(({ object }) => {
      const node = object.metadata?.namespace === LEASES ? nodes.get(nameOf(object)) : undefined;
      if (node) observe(node);
    }),
  ];
  cancel = clock.after(TICK, tick);
  return { stop: () => [cancel(), ...ends.map((end) => end()), podsOn.stop(), queue.stop()] };
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
