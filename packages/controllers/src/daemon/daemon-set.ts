import type { ObjectOf } from '@podwire/kube';
import { systemClock } from '../clock.ts';
import { type Controller, type ControllerContext, nameOf, objectKey } from '../context.ts';
import { keepRevisions } from '../controller-revision.ts';
import { OwnedPods } from '../owned-pods.ts';
import { OwnerQueue } from '../owner-queue.ts';
import { isSelected, PASS_LIMIT, statusIs, statusPatch } from '../pod-template.ts';
import { templateHash } from '../template-hash.ts';
import { daemonStatus, planDaemons } from './daemon-plan.ts';
import { daemonPod } from './daemon-pod.ts';

/** Numbers of the status that are told also when they are 0 (apps/v1 DaemonSetStatus). */
const REQUIRED = ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady'];

export function startDaemonSets(context: ControllerContext): Controller {
  const { client, informers, clock = systemClock } = context;
  const owned = new OwnedPods(context, 'DaemonSet');
  const nodes = informers.of('Node');
  const store = { client, revisions: informers.of('ControllerRevision') };

  const reconcile = async (set: ObjectOf<'DaemonSet'>): Promise<number | undefined> => {
    const [own, orphans] = [queue.ownedBy(set), queue.orphansNear(set)];
    await owned.claim(set, { own, orphans, isMeant: (pod) => isSelected(set, pod) });
    const mine = queue.ownedBy(set);
    const label = templateHash(set.spec?.template);
    await keepRevisions(store, { kind: 'DaemonSet', set, name: `${nameOf(set)}-${label}`, label, pods: mine });
    const { create, remove, next } = planDaemons(set, { nodes: nodes.list(), pods: mine, now: clock.now() });
    const begun = create.slice(0, PASS_LIMIT);
    await Promise.all(begun.map((node) => owned.create(set, daemonPod(set, node))));
    await Promise.all(remove.map((pod) => owned.delete(set, pod)));
    const status = daemonStatus(set, { nodes: nodes.list(), pods: queue.ownedBy(set), now: clock.now() });
    if (!statusIs(set.status, status)) {
      const patch = { status: statusPatch(status, REQUIRED) };
      await client.patch('DaemonSet', objectKey(set), patch, { subresource: 'status' });
    }
    return next;
  };
  const queue: OwnerQueue<'DaemonSet', 'Pod'> = new OwnerQueue(context, {
    ...{ kind: 'DaemonSet', dependents: 'Pod', adopts: true },
    reconcile,
  });
  const end = nodes.subscribe((event) => {
    if (event.type !== 'modified' || placing(event.object) !== placing(event.previous)) queue.addAll();
  });
  return { stop: () => [end(), queue.stop()] };
}

/** The part of a Node that decides about daemon pods; heartbeats are not. */
function placing({ metadata, spec }: ObjectOf<'Node'>): string {
  return JSON.stringify([metadata?.labels, spec?.taints]);
}
