import { type LabelSelector, selectorMatches } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  keyOf,
  nameOf,
  namespaceOf,
  objectKey,
  ownedBy,
  splitKey,
  visible,
} from './context.ts';
import { deploymentStatus, nextLook } from './deployment-status.ts';
import { remarksOn } from './event.ts';
import { KeyQueue } from './key-queue.ts';
import { statusIs } from './pod-template.ts';
import { freshOf, planRollout, REVISION, replicaSetAnnotations, replicaSetOf, revisionOf } from './rollout.ts';

type Deployment = ObjectOf<'Deployment'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

export function startDeployments({ client, informers, logger }: ControllerContext): Controller {
  const deployments = informers.of('Deployment');
  const sets = informers.of('ReplicaSet');
  const remark = remarksOn(client, 'Deployment', 'deployment-controller');

  const setsOf = (deployment: Deployment): ReplicaSet[] =>
    sets
      .list()
      .filter(
        (set) => namespaceOf(set) === namespaceOf(deployment) && controllerOf(set)?.uid === deployment.metadata?.uid,
      );
  const adopt = async (deployment: Deployment): Promise<void> => {
    const { matchLabels, matchExpressions } = (deployment.spec?.selector ?? {}) as LabelSelector;
    const selector = { ...(matchLabels ? { matchLabels } : {}), ...(matchExpressions ? { matchExpressions } : {}) };
    for (const set of sets.list()) {
      if (namespaceOf(set) !== namespaceOf(deployment) || controllerOf(set) || set.metadata?.deletionTimestamp)
        continue;
      if (!selectorMatches(selector, set.metadata?.labels)) continue;
      const owner = ownedBy(deployment, 'Deployment', 'apps/v1');
      const ownerReferences = [...(set.metadata?.ownerReferences ?? []), owner];
      await visible(sets, await client.patch('ReplicaSet', objectKey(set), { metadata: { ownerReferences } }));
    }
  };
  const scaled = (deployment: Deployment, set: ReplicaSet, before: number): void => {
    const now = set.spec?.replicas ?? 0;
    if (now === before) return;
    const message = `Scaled ${now > before ? 'up' : 'down'} replica set ${nameOf(set)} from ${before} to ${now}`;
    remark(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });
  };
  const resize = async (deployment: Deployment, set: ReplicaSet, replicas: number): Promise<void> => {
    if (set.spec?.replicas === replicas) return;
    const resized = await client.patch('ReplicaSet', objectKey(set), { spec: { replicas } });
    await visible(sets, resized);
    scaled(deployment, resized, set.spec?.replicas ?? 0);
  };
  /** The new template's set exists with the highest revision number; a rollback finds the old set again. */
  const ensureFresh = async (deployment: Deployment, all: readonly ReplicaSet[], replicas: number): Promise<void> => {
    const fresh = freshOf(deployment, all);
    const highest = Math.max(0, ...all.filter((set) => set !== fresh).map(revisionOf));
    const revision = String(fresh && revisionOf(fresh) > highest ? revisionOf(fresh) : highest + 1);
    if (!fresh) {
      const made = await client.create('ReplicaSet', replicaSetOf(deployment, revision, replicas));
      await visible(sets, made);
      scaled(deployment, made, 0);
    } else {
      const annotations = replicaSetAnnotations(deployment, revision, fresh);
      if (!statusIs(fresh.metadata?.annotations, annotations))
        await visible(sets, await client.patch('ReplicaSet', objectKey(fresh), { metadata: { annotations } }));
      await resize(deployment, fresh, replicas);
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
    await adopt(deployment);
    const all = setsOf(deployment);
    const fresh = freshOf(deployment, all);
    const old = all.filter((set) => set !== fresh);
    if (!deployment.spec?.paused) {
      const sizes = planRollout(deployment, fresh, old);
      await ensureFresh(deployment, all, sizes.fresh);
      for (const set of old) {
        const size = sizes.old.get(set.metadata?.name ?? '');
        if (size !== undefined) await resize(deployment, set, size);
      }
      await forget(deployment, old);
    } else if (fresh && old.every((set) => !set.spec?.replicas))
      await resize(deployment, fresh, deployment.spec.replicas ?? 1);
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
      else if (!owner)
        for (const one of deployments.list()) if (namespaceOf(one) === namespaceOf(object)) queue.add(keyOf(one));
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.stop()] };
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
