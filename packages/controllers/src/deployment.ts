import type { ObjectOf } from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  keyOf,
  namespaceOf,
  objectKey,
  splitKey,
  visible,
} from './context.ts';
import { deploymentStatus, nextLook } from './deployment-status.ts';
import { KeyQueue } from './key-queue.ts';
import { HASH_LABEL, planRollout, REVISION, replicaSetOf, revisionOf, templateHash } from './rollout.ts';

type Deployment = ObjectOf<'Deployment'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

export function startDeployments({ client, informers, logger }: ControllerContext): Controller {
  const deployments = informers.of('Deployment');
  const sets = informers.of('ReplicaSet');

  const setsOf = (deployment: Deployment): ReplicaSet[] =>
    sets
      .list()
      .filter(
        (set) => namespaceOf(set) === namespaceOf(deployment) && controllerOf(set)?.uid === deployment.metadata?.uid,
      );
  const resize = async (set: ReplicaSet, replicas: number): Promise<void> => {
    if (set.spec?.replicas !== replicas)
      await visible(sets, await client.patch('ReplicaSet', objectKey(set), { spec: { replicas } }));
  };
  /** The new template's set exists with the highest revision number; a rollback finds the old set again. */
  const ensureFresh = async (deployment: Deployment, all: readonly ReplicaSet[], replicas: number): Promise<void> => {
    const fresh = freshOf(deployment, all);
    const highest = Math.max(0, ...all.filter((set) => set !== fresh).map(revisionOf));
    const revision = String(fresh && revisionOf(fresh) > highest ? revisionOf(fresh) : highest + 1);
    if (!fresh)
      await visible(sets, await client.create('ReplicaSet', replicaSetOf(deployment, Number(revision), replicas)));
    else {
      if (fresh.metadata?.annotations?.[REVISION] !== revision)
        await visible(
          sets,
          await client.patch('ReplicaSet', objectKey(fresh), { metadata: { annotations: { [REVISION]: revision } } }),
        );
      await resize(fresh, replicas);
    }
    if (deployment.metadata?.annotations?.[REVISION] !== revision)
      await client.patch('Deployment', objectKey(deployment), { metadata: { annotations: { [REVISION]: revision } } });
  };
  const forget = async (deployment: Deployment, old: readonly ReplicaSet[]): Promise<void> => {
    const empty = old
      .filter((set) => (set.spec?.replicas ?? 0) === 0 && (set.status?.replicas ?? 0) === 0)
      .toSorted((a, b) => revisionOf(a) - revisionOf(b));
    const extra = empty.length - (deployment.spec?.revisionHistoryLimit ?? 10);
    for (const set of empty.slice(0, Math.max(0, extra))) await client.delete('ReplicaSet', objectKey(set));
  };
  const reconcile = async (key: string): Promise<number | undefined> => {
    const { name, namespace } = splitKey(key);
    const deployment = deployments.get(name, namespace);
    if (!deployment || deployment.metadata?.deletionTimestamp) return undefined;
    const all = setsOf(deployment);
    const fresh = freshOf(deployment, all);
    const old = all.filter((set) => set !== fresh);
    if (!deployment.spec?.paused) {
      const sizes = planRollout(deployment, fresh, old);
      await ensureFresh(deployment, all, sizes.fresh);
      for (const set of old) {
        const size = sizes.old.get(set.metadata?.name ?? '');
        if (size !== undefined) await resize(set, size);
      }
      await forget(deployment, old);
    } else if (fresh && old.every((set) => !set.spec?.replicas)) await resize(fresh, deployment.spec.replicas ?? 1);
    const present = setsOf(deployment);
    const now = Date.now();
    const status = deploymentStatus({ deployment, fresh: freshOf(deployment, present), sets: present, now });
    if (JSON.stringify(status) !== JSON.stringify(pickStatus(deployment)))
      await client.patch('Deployment', objectKey(deployment), { status }, { subresource: 'status' });
    return nextLook(deployment, status, now);
  };
  const queue = new KeyQueue({ name: 'deployment', logger, reconcile });
  const ends = [
    deployments.subscribe(({ type, object }) => type !== 'deleted' && queue.add(keyOf(object))),
    sets.subscribe(({ object }) => {
      const owner = controllerOf(object);
      if (owner?.kind === 'Deployment') queue.add(`${namespaceOf(object)}/${owner.name}`);
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.stop()] };
}

function freshOf(deployment: Deployment, all: readonly ReplicaSet[]): ReplicaSet | undefined {
  const hash = templateHash(deployment.spec?.template);
  return all.find((set) => set.metadata?.labels?.[HASH_LABEL] === hash);
}

function pickStatus({ status }: Deployment): object {
  const {
    observedGeneration = 0,
    replicas = 0,
    updatedReplicas = 0,
    readyReplicas = 0,
    availableReplicas = 0,
    unavailableReplicas = 0,
    conditions = [],
  } = status ?? {};
  return {
    observedGeneration,
    replicas,
    updatedReplicas,
    readyReplicas,
    availableReplicas,
    unavailableReplicas,
    conditions,
  };
}
