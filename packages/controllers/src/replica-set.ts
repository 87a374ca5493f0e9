import { type LabelSelector, selectorMatches } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  isActive,
  isReady,
  keyOf,
  namespaceOf,
  objectKey,
  ownedBy,
  splitKey,
  visible,
} from './context.ts';
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

export function statusOf(set: ReplicaSet, pods: readonly Pod[]): NonNullable<ReplicaSet['status']> {
  const wanted = set.spec?.template?.metadata?.labels ?? {};
  const ready = pods.filter(isReady).length;
  return {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter((pod) => selectorMatches({ matchLabels: wanted }, pod.metadata?.labels)).length,
    readyReplicas: ready,
    availableReplicas: ready,
    observedGeneration: set.metadata?.generation ?? 0,
  };
}

export function startReplicaSets({ client, informers, logger }: ControllerContext): Controller {
  const sets = informers.of('ReplicaSet');
  const pods = informers.of('Pod');

  /** Its own, and orphans its selector matches, which it adopts. */
  const podsOf = (set: ReplicaSet): Pod[] =>
    pods.list().filter((pod) => {
      if (namespaceOf(pod) !== namespaceOf(set) || !isActive(pod)) return false;
      const owner = controllerOf(pod);
      return owner
        ? owner.uid === set.metadata?.uid
        : selectorMatches((set.spec?.selector ?? {}) as LabelSelector, pod.metadata?.labels);
    });
  const adopt = async (set: ReplicaSet, mine: readonly Pod[]): Promise<void> => {
    for (const pod of mine.filter((p) => !controllerOf(p))) {
      const ownerReferences = [...(pod.metadata?.ownerReferences ?? []), ownedBy(set, 'ReplicaSet', 'apps/v1')];
      await visible(pods, await client.patch('Pod', objectKey(pod), { metadata: { ownerReferences } }));
    }
  };
  const reconcile = async (key: string): Promise<undefined> => {
    const { name, namespace } = splitKey(key);
    const set = sets.get(name, namespace);
    if (!set || set.metadata?.deletionTimestamp) return;
    const mine = podsOf(set);
    await adopt(set, mine);
    const { create, remove } = planScaling(set.spec?.replicas ?? 1, mine);
    const made = await Promise.all(
      Array.from({ length: create }, () => client.create('Pod', podFromTemplate(set, 'ReplicaSet'))),
    );
    await Promise.all(made.map((pod) => visible(pods, pod)));
    await Promise.all(remove.map((pod) => deletePod(client, pod)));
    const status = statusOf(set, podsOf(set));
    if (JSON.stringify(status) !== JSON.stringify(pickStatus(set)))
      await client.patch('ReplicaSet', objectKey(set), { status }, { subresource: 'status' });
  };
  const queue = new KeyQueue({ name: 'replicaset', logger, reconcile });
  const ends = [
    sets.subscribe(({ type, object }) => type !== 'deleted' && queue.add(keyOf(object))),
    pods.subscribe(({ object }) => {
      const owner = controllerOf(object);
      if (owner?.kind === 'ReplicaSet') queue.add(`${namespaceOf(object)}/${owner.name}`);
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
