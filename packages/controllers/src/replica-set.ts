import { type LabelSelector, selectorMatches } from '@podwire/base';
import { type Informer, kindNamed, type ObjectOf } from '@podwire/kube';
import { availableIn, soonest } from './availability.ts';
import { systemClock } from './clock.ts';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  isActive,
  isReady,
  keyOf,
  nameOf,
  namespaceOf,
  objectKey,
  ownedBy,
  splitKey,
  visible,
} from './context.ts';
import { remarksOn } from './event.ts';
import { KeyQueue } from './key-queue.ts';
import { deletePod, mayStart, PASS_LIMIT, podFromTemplate } from './pod-template.ts';

type Pod = ObjectOf<'Pod'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

export interface Scaling {
  readonly create: number;
  readonly remove: readonly Pod[];
}

/**
 * How many pods to make, or which to remove: unscheduled first, then not ready, then the youngest. What exceeds the
 * limit of one pass is left to the next, which the events of this one bring about.
 */
export function planScaling(replicas: number, pods: readonly Pod[]): Scaling {
  if (pods.length <= replicas) return { create: Math.min(replicas - pods.length, mayStart(pods)), remove: [] };
  const rank = (pod: Pod): number => (pod.spec?.nodeName ? 0 : 2) + (isReady(pod) ? 0 : 1);
  const age = (pod: Pod): string => String(pod.metadata?.creationTimestamp ?? '');
  const ordered = pods.toSorted((a, b) => rank(b) - rank(a) || (age(a) < age(b) ? 1 : -1));
  return { create: 0, remove: ordered.slice(0, Math.min(pods.length - replicas, PASS_LIMIT)) };
}

function statusOf(set: ReplicaSet, pods: readonly Pod[], now: number): NonNullable<ReplicaSet['status']> {
  const wanted = set.spec?.template?.metadata?.labels ?? {};
  return {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter((pod) => selectorMatches({ matchLabels: wanted }, pod.metadata?.labels)).length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: pods.filter((pod) => availableIn(pod, set.spec?.minReadySeconds, now) === 0).length,
    observedGeneration: set.metadata?.generation ?? 0,
  };
}

/** A ReplicationController is a ReplicaSet whose selector is a map. */
export function startReplicationControllers(context: ControllerContext): Controller {
  return startSets(context, 'ReplicationController');
}

export function startReplicaSets(context: ControllerContext): Controller {
  return startSets(context, 'ReplicaSet');
}

type SetKind = 'ReplicaSet' | 'ReplicationController';

function startSets({ client, informers, logger, clock = systemClock }: ControllerContext, kind: SetKind): Controller {
  const sets = informers.of(kind) as Informer<'ReplicaSet'>;
  const pods = informers.of('Pod');
  const remark = remarksOn(client, kind, `${kind.toLowerCase()}-controller`);
  const selectorOf = ({ spec }: ReplicaSet): LabelSelector =>
    (kind === 'ReplicaSet' ? spec?.selector : { matchLabels: spec?.selector }) as LabelSelector;

  /** Its own, and orphans its selector matches, which it adopts. */
  const podsOf = (set: ReplicaSet): Pod[] =>
    pods.list().filter((pod) => {
      if (namespaceOf(pod) !== namespaceOf(set) || !isActive(pod)) return false;
      const owner = controllerOf(pod);
      return owner ? owner.uid === set.metadata?.uid : selectorMatches(selectorOf(set), pod.metadata?.labels);
    });
  const adopt = async (set: ReplicaSet, mine: readonly Pod[]): Promise<void> => {
    for (const pod of mine.filter((p) => !controllerOf(p))) {
      const ownerReferences = [
        ...(pod.metadata?.ownerReferences ?? []),
        ownedBy(set, kind, kindNamed(kind).apiVersion),
      ];
      await visible(pods, await client.patch('Pod', objectKey(pod), { metadata: { ownerReferences } }));
    }
  };
  const create = async (set: ReplicaSet): Promise<void> => {
    const pod = await client.create('Pod', podFromTemplate(set, kind));
    await visible(pods, pod);
    remark(set, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${nameOf(pod)}` });
  };
  const remove = async (set: ReplicaSet, pod: Pod): Promise<void> => {
    await deletePod(client, pod);
    remark(set, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${nameOf(pod)}` });
  };
  const reconcile = async (key: string): Promise<number | undefined> => {
    const { name, namespace } = splitKey(key);
    const set = sets.get(name, namespace);
    if (!set || set.metadata?.deletionTimestamp) return undefined;
    const mine = podsOf(set);
    await adopt(set, mine);
    const scaling = planScaling(set.spec?.replicas ?? 1, mine);
    await Promise.all(Array.from({ length: scaling.create }, () => create(set)));
    await Promise.all(scaling.remove.map((pod) => remove(set, pod)));
    const present = podsOf(set);
    const status = statusOf(set, present, clock.now());
    if (JSON.stringify(status) !== JSON.stringify(pickStatus(set)))
      await client.patch(kind, objectKey(set), { status }, { subresource: 'status' });
    return soonest(present.map((pod) => availableIn(pod, set.spec?.minReadySeconds, clock.now())));
  };
  const queue = new KeyQueue({ name: kind.toLowerCase(), logger, reconcile, clock });
  const ends = [
    sets.subscribe(({ type, object }) => type !== 'deleted' && queue.add(keyOf(object))),
    pods.subscribe(({ object }) => {
      const owner = controllerOf(object);
      if (owner?.kind === kind) queue.add(`${namespaceOf(object)}/${owner.name}`);
      else if (!owner)
        for (const set of sets.list()) if (namespaceOf(set) === namespaceOf(object)) queue.add(keyOf(set));
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.stop()] };
}

function pickStatus({ status }: ReplicaSet): object {
  const {
    replicas = 0,
    fullyLabeledReplicas = 0,
    readyReplicas = 0,
    availableReplicas = 0,
    observedGeneration = 0,
  } = status ?? {};
  return { replicas, fullyLabeledReplicas, readyReplicas, availableReplicas, observedGeneration };
}
