import { type LabelSelector, selectorMatches } from '@podwire/base';
import type { Informer, KubeClient, ObjectOf } from '@podwire/kube';
import { availableIn, soonest } from './availability.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Controller, type ControllerContext, controllerOf, isActive, isReady, objectKey } from './context.ts';
import { OwnedPods } from './owned-pods.ts';
import { OwnerQueue } from './owner-queue.ts';
import { mayStart, PASS_LIMIT, podFromTemplate, statusPatch } from './pod-template.ts';
import { scaleDownOrder } from './scale-down-order.ts';

type Pod = ObjectOf<'Pod'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

export interface Scaling {
  readonly create: number;
  readonly remove: readonly Pod[];
}

/**
 * How many pods to make, or which to remove: see scaleDownOrder. What exceeds the limit of one pass is left to the next,
 * which the events of this one bring about.
 */
export function planScaling(
  replicas: number,
  pods: readonly Pod[],
  related: () => readonly Pod[] = () => pods,
): Scaling {
  if (pods.length <= replicas) return { create: Math.min(replicas - pods.length, mayStart(pods)), remove: [] };
  const surplus = Math.min(pods.length - replicas, PASS_LIMIT);
  return { create: 0, remove: scaleDownOrder(pods, related()).slice(0, surplus) };
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

function startSets(context: ControllerContext, kind: SetKind): Controller {
  return new ReplicaSetController(context, kind).queue;
}

class ReplicaSetController {
  readonly queue: OwnerQueue<SetKind, 'Pod'>;
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #kind: SetKind;
  readonly #made: OwnedPods;
  readonly #sets: Informer<SetKind>;

  constructor(context: ControllerContext, kind: SetKind) {
    const { client, informers, clock = systemClock } = context;
    this.#client = client;
    this.#clock = clock;
    this.#kind = kind;
    this.#sets = informers.of(kind);
    this.#made = new OwnedPods(context, kind);
    const reconcile = (set: ObjectOf<SetKind>): Promise<number | undefined> => this.#reconcile(set as ReplicaSet);
    this.queue = new OwnerQueue(context, { kind, dependents: 'Pod', adopts: true, reconcile });
  }

  async #reconcile(set: ReplicaSet): Promise<number | undefined> {
    const [own, orphans] = [this.queue.ownedBy(set), this.queue.orphansNear(set)];
    await this.#made.claim(set, { own, orphans, isMeant: (pod) => this.#selects(set, pod) });
    const mine = this.#podsOf(set);
    const scaling = planScaling(set.spec?.replicas ?? 1, mine, () => this.#podsBeside(set));
    await Promise.all(
      Array.from({ length: scaling.create }, () => this.#made.create(set, podFromTemplate(set, this.#kind))),
    );
    await Promise.all(scaling.remove.map((pod) => this.#made.delete(set, pod)));
    const present = this.#podsOf(set);
    const now = this.#clock.now();
    const status = statusOf(set, present, now);
    if (JSON.stringify(status) !== JSON.stringify(pickStatus(set))) {
      const patch = { status: statusPatch(status, ['replicas']) };
      await this.#client.patch(this.#kind, objectKey(set), patch, { subresource: 'status' });
    }
    return soonest(present.map((pod) => availableIn(pod, set.spec?.minReadySeconds, now)));
  }

  #podsOf(set: ReplicaSet): Pod[] {
    return this.queue.ownedBy(set).filter((pod) => isActive(pod) && this.#selects(set, pod));
  }

  /** Of all sets of its Deployment. */
  #podsBeside(set: ReplicaSet): Pod[] {
    const { uid } = controllerOf(set) ?? {};
    if (uid === undefined) return this.#podsOf(set);
    const sets = this.#sets.list().filter((one) => controllerOf(one as ReplicaSet)?.uid === uid);
    return sets.flatMap((one) => this.#podsOf(one as ReplicaSet));
  }

  #selects({ spec }: ReplicaSet, { metadata }: Pod): boolean {
    const selector = this.#kind === 'ReplicaSet' ? spec?.selector : { matchLabels: spec?.selector };
    return selectorMatches(selector as LabelSelector, metadata?.labels);
  }
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
