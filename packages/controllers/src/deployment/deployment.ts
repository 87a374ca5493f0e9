import { hasCode, type LabelSelector, selectorMatches } from '@podwire/base';
import { type Informer, isPodOver, type KubeClient, type ObjectIndex, type ObjectOf } from '@podwire/kube';
import { type Clock, systemClock } from '../clock.ts';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  nameOf,
  objectKey,
  ownedBy,
  visible,
} from '../context.ts';
import { type Remarks, remarksOn } from '../event.ts';
import { controlled, OwnerQueue } from '../owner-queue.ts';
import { statusIs, statusPatch } from '../pod-template.ts';
import { freshOf, REVISION, replicaSetAnnotations, replicaSetOf, revisionOf, sizeAnnotations } from './deployed-set.ts';
import { deploymentStatus, nextLook, pickStatus } from './deployment-status.ts';
import { isRescaled, planScale } from './proportion.ts';
import { planRollout } from './rollout.ts';

type Deployment = ObjectOf<'Deployment'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

export function startDeployments(context: ControllerContext): Controller {
  return new DeploymentController(context);
}

class DeploymentController implements Controller {
  readonly #client: KubeClient;
  readonly #sets: Informer<'ReplicaSet'>;
  readonly #podsOf: ObjectIndex<'Pod'>;
  readonly #queue: OwnerQueue<'Deployment', 'ReplicaSet'>;
  readonly #remark: Remarks;
  readonly #clock: Clock;
  readonly #end: () => void;

  constructor(context: ControllerContext) {
    const { client, informers, clock = systemClock } = context;
    this.#client = client;
    this.#clock = clock;
    this.#sets = informers.of('ReplicaSet');
    this.#remark = remarksOn(client, 'Deployment', 'deployment-controller');
    this.#podsOf = controlled(informers.of('Pod'));
    const reconcile = (deployment: Deployment): Promise<number | undefined> => this.#reconcile(deployment);
    this.#queue = new OwnerQueue(context, { kind: 'Deployment', dependents: 'ReplicaSet', adopts: true, reconcile });
    this.#end = informers.of('Pod').subscribe(({ type, object }) => {
      const set = type === 'deleted' ? controllerOf(object) : undefined;
      if (set?.kind !== 'ReplicaSet') return;
      // The last of the old pods lets Recreate go on.
      const owner = this.#sets.get(set.name, object.metadata?.namespace);
      if (owner && controllerOf(owner)) this.#queue.wake(owner);
    });
  }

  stop(): void {
    this.#end();
    this.#queue.stop();
  }

  async #reconcile(deployment: Deployment): Promise<number | undefined> {
    await this.#adopt(deployment);
    const all = this.#queue.ownedBy(deployment);
    const fresh = freshOf(deployment, all);
    const old = all.filter((set) => set !== fresh);
    if (deployment.spec?.paused || isRescaled({ deployment, fresh, old })) {
      for (const [set, size] of planScale({ deployment, fresh, old })) await this.#resize(deployment, set, size);
    } else await this.#rollOut(deployment, all, fresh);
    if (!deployment.spec?.paused) await this.#forget(deployment, old);
    return this.#tell(deployment);
  }

  async #adopt(deployment: Deployment): Promise<void> {
    const { matchLabels, matchExpressions } = (deployment.spec?.selector ?? {}) as LabelSelector;
    const selector = { ...(matchLabels ? { matchLabels } : {}), ...(matchExpressions ? { matchExpressions } : {}) };
    for (const set of this.#queue.orphansNear(deployment)) {
      if (set.metadata?.deletionTimestamp || !selectorMatches(selector, set.metadata?.labels)) continue;
      const owner = ownedBy(deployment, 'Deployment', 'apps/v1');
      const metadata = { ownerReferences: [...(set.metadata?.ownerReferences ?? []), owner] };
      await visible(this.#sets, await this.#client.patch('ReplicaSet', objectKey(set), { metadata }));
    }
  }

  async #rollOut(deployment: Deployment, all: readonly ReplicaSet[], fresh: ReplicaSet | undefined): Promise<void> {
    const old = all.filter((set) => set !== fresh);
    const isRunning = (set: ReplicaSet): boolean =>
      this.#podsOf.get(set.metadata?.uid ?? '').some((pod) => !isPodOver(pod));
    const sizes = planRollout(deployment, fresh, { sets: old, isRunning });
    await this.#ensureFresh(deployment, all, sizes.fresh);
    for (const set of old) {
      const size = sizes.old.get(nameOf(set));
      if (size !== undefined) await this.#resize(deployment, set, size);
    }
  }

  /** The new template's set exists with the highest revision number; a rollback finds the old set again. */
  async #ensureFresh(deployment: Deployment, all: readonly ReplicaSet[], replicas: number): Promise<void> {
    const fresh = freshOf(deployment, all);
    const highest = Math.max(0, ...all.filter((set) => set !== fresh).map(revisionOf));
    const revision = String(fresh && revisionOf(fresh) > highest ? revisionOf(fresh) : highest + 1);
    if (!fresh) {
      const made = await this.#make(deployment, replicaSetOf(deployment, revision, replicas));
      await visible(this.#sets, made);
      this.#scaled(deployment, made, 0);
    } else await this.#resize(deployment, fresh, replicas, replicaSetAnnotations(deployment, revision, fresh));
    if (deployment.metadata?.annotations?.[REVISION] === revision) return;
    const metadata = { annotations: { [REVISION]: revision } };
    await this.#client.patch('Deployment', objectKey(deployment), { metadata });
  }

  /** When its name is taken by another's set, or by one of another template, the next try has another name. */
  async #make(deployment: Deployment, set: ReplicaSet): Promise<ReplicaSet> {
    try {
      return await this.#client.create('ReplicaSet', set);
    } catch (error) {
      const present = hasCode(error, 'KUBE_ALREADY_EXISTS')
        ? await this.#client.get('ReplicaSet', objectKey(set))
        : undefined;
      const isOurs = present && controllerOf(present)?.uid === deployment.metadata?.uid;
      if (present && !(isOurs && freshOf(deployment, [present]))) {
        const status = { collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
        await this.#client.patch('Deployment', objectKey(deployment), { status }, { subresource: 'status' });
      }
      throw error;
    }
  }

  async #resize(
    deployment: Deployment,
    set: ReplicaSet,
    replicas: number,
    annotations: Record<string, string> = sizeAnnotations(deployment),
  ): Promise<void> {
    const before = set.spec?.replicas ?? 0;
    if (before === replicas && statusIs(set.metadata?.annotations, annotations)) return;
    const patch = { metadata: { annotations }, spec: { replicas } };
    const resized = await this.#client.patch('ReplicaSet', objectKey(set), patch);
    await visible(this.#sets, resized);
    this.#scaled(deployment, resized, before);
  }

  #scaled(deployment: Deployment, set: ReplicaSet, before: number): void {
    const now = set.spec?.replicas ?? 0;
    if (now === before) return;
    const message = `Scaled ${now > before ? 'up' : 'down'} replica set ${nameOf(set)} from ${before} to ${now}`;
    this.#remark(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });
  }

  async #forget(deployment: Deployment, old: readonly ReplicaSet[]): Promise<void> {
    const empty = old
      .filter((set) => (set.spec?.replicas ?? 0) === 0 && (set.status?.replicas ?? 0) === 0)
      .toSorted((a, b) => revisionOf(a) - revisionOf(b));
    const extra = empty.length - (deployment.spec?.revisionHistoryLimit ?? 10);
    for (const set of empty.slice(0, Math.max(0, extra))) await this.#client.delete('ReplicaSet', objectKey(set));
  }

  async #tell(deployment: Deployment): Promise<number | undefined> {
    const sets = this.#queue.ownedBy(deployment);
    const now = this.#clock.now();
    const status = deploymentStatus({ deployment, fresh: freshOf(deployment, sets), sets, now });
    if (JSON.stringify(status) !== JSON.stringify(pickStatus(deployment)))
      await this.#client.patch(
        'Deployment',
        objectKey(deployment),
        { status: statusPatch(status) },
        { subresource: 'status' },
      );
    return nextLook(deployment, status, now);
  }
}
