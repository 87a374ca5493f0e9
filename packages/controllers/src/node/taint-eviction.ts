import { type KubeClient, ObjectIndex, type ObjectOf } from '@podwire/kube';
import { type Clock, systemClock, timeOf } from '../clock.ts';
import { type Controller, type ControllerContext, keyOf, nameOf, objectKey, splitKey } from '../context.ts';
import { remarksOn } from '../event.ts';
import { deletePod } from '../pod-template.ts';
import { startReconciler } from '../reconciler.ts';
import { tolerates } from '../toleration.ts';
import { disruptionTarget } from './disruption-target.ts';

type Node = ObjectOf<'Node'>;
type Pod = ObjectOf<'Pod'>;
type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

/** In how many ms the pod has to go; undefined: it may stay. `since`: when a taint without timeAdded was first seen. */
export function evictionDelay(pod: Pod, taints: readonly Taint[], { since, now }: { since: number; now: number }) {
  let due: number | undefined;
  for (const taint of taints.filter(({ effect }) => effect === 'NoExecute')) {
    const tolerations = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (tolerations.length === 0) return 0;
    const limits = tolerations.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
    if (limits.length === 0) continue;
    const end = (timeOf(taint.timeAdded) ?? since) + Math.max(0, Math.min(...limits)) * 1000;
    due = Math.min(due ?? end, end);
  }
  return due === undefined ? undefined : Math.max(0, due - now);
}

/** Deletes pods from nodes with NoExecute taints that they do not tolerate, or not for so long. */
export function startTaintEviction({ client, informers, logger, clock = systemClock }: ControllerContext): Controller {
  const nodes = informers.of('Node');
  const pods = informers.of('Pod');
  const podsOn = new ObjectIndex(pods, (pod) => [pod.spec?.nodeName ?? []].flat());
  const tainted = new Map<string, number>();
  const evict = evictor(client, clock);

  const reconcile = async (key: string): Promise<number | undefined> => {
    const { name, namespace } = splitKey(key);
    const pod = pods.get(name, namespace);
    const node = nodes.get(pod?.spec?.nodeName ?? '');
    if (!pod || !node || pod.metadata?.deletionTimestamp) return undefined;
    const now = clock.now();
    const delay = evictionDelay(pod, node.spec?.taints ?? [], { since: tainted.get(nameOf(node)) ?? now, now });
    if (delay === 0) await evict(pod);
    return delay === 0 ? undefined : delay;
  };
  const queue = startReconciler({ name: 'taint-eviction', logger, reconcile, clock });
  const ends = [
    nodes.subscribe(({ type, object }) => {
      const name = nameOf(object);
      const drives = type !== 'deleted' && drivesAway(object);
      if (!drives) tainted.delete(name);
      else if (!tainted.has(name)) tainted.set(name, clock.now());
      if (drives) for (const pod of podsOn.get(name)) queue.add(keyOf(pod));
    }),
    pods.subscribe(({ type, object }) => {
      if (type !== 'deleted' && tainted.has(object.spec?.nodeName ?? '')) queue.add(keyOf(object));
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), podsOn.stop(), queue.shutDown()] };
}

const drivesAway = ({ spec }: Node): boolean => spec?.taints?.some(({ effect }) => effect === 'NoExecute') ?? false;

function evictor(client: KubeClient, clock: Clock): (pod: Pod) => Promise<void> {
  const remark = remarksOn(client, 'Pod', 'taint-eviction-controller');
  return async (pod) => {
    remark(pod, { type: 'Normal', reason: 'TaintManagerEviction', message: `Marking for deletion Pod ${keyOf(pod)}` });
    const message = 'Taint manager: deleting due to NoExecute taint';
    const patch = disruptionTarget(pod, { reason: 'DeletionByTaintManager', message, now: clock.now() });
    await client.patch('Pod', objectKey(pod), patch, { subresource: 'status' });
    await deletePod(client, pod);
  };
}
