import { hasCode, messageOf } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { systemClock } from '../clock.ts';
import { type Controller, type ControllerContext, nameOf, objectKey } from '../context.ts';
import { disruptionTarget } from './disruption-target.ts';
import { readyStatus } from './node-conditions.ts';

type Node = ObjectOf<'Node'>;
type Pod = ObjectOf<'Pod'>;

const TICK = 20_000;
/** How long, in ms, a node is missed before its pods are given up. */
const QUARANTINE = 40_000;
/** Pods that are over and may be kept for whoever wants to look at them. */
const KEPT_FINISHED = 12_500;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

/** Removes pods whose node is gone or written off, that end without ever having had one, and the oldest that are over. */
export function startPodCollector({ client, informers, logger, clock = systemClock }: ControllerContext): Controller {
  const pods = informers.of('Pod');
  const nodes = informers.of('Node');
  /** When a node that pods name was first missed. */
  const missed = new Map<string, number>();

  const isGone = async (name: string): Promise<boolean> => {
    if (clock.now() - (missed.get(name) ?? clock.now()) < QUARANTINE) return false;
    return (await client.get('Node', { name })) === undefined;
  };
  const giveUp = async (pod: Pod): Promise<void> => {
    if (pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed') {
      const message = 'PodGC: node no longer exists';
      const patch = disruptionTarget(pod, { reason: 'DeletionByPodGC', message, now: clock.now() });
      const status = { ...patch.status, phase: 'Failed' };
      await client.patch('Pod', objectKey(pod), { ...patch, status }, { subresource: 'status' });
    }
    await remove(pod);
  };
  const remove = async (pod: Pod): Promise<void> => {
    const { uid } = pod.metadata ?? {};
    await client.delete('Pod', objectKey(pod), { gracePeriodSeconds: 0, ...(uid ? { uid } : {}) });
  };
  const sweep = async (): Promise<void> => {
    const absent = new Set(
      pods
        .list()
        .flatMap(({ spec }) => spec?.nodeName ?? [])
        .filter((name) => !nodes.get(name)),
    );
    for (const name of missed.keys()) if (!absent.has(name)) missed.delete(name);
    for (const name of absent) if (!missed.has(name)) missed.set(name, clock.now());
    const gone = new Set<string>();
    for (const name of absent) if (await isGone(name)) gone.add(name);
    await Promise.all(
      pods
        .list()
        .filter(({ spec }) => gone.has(spec?.nodeName ?? ''))
        .map(giveUp),
    );
    const ending = pods.list().filter((pod) => pod.metadata?.deletionTimestamp && !gone.has(pod.spec?.nodeName ?? ''));
    await Promise.all(
      ending.filter((pod) => !pod.spec?.nodeName || isWrittenOff(nodes.get(pod.spec.nodeName))).map(remove),
    );
    await Promise.all(surplus(pods.list()).map(remove));
  };
  let cancel = (): void => {};
  const tick = (): void => {
    sweep().catch((error) => {
      // A pod that has changed or gone meanwhile is looked at again at the next tick.
      if (!hasCode(error, 'KUBE_CONFLICT') && !hasCode(error, 'KUBE_NOT_FOUND'))
        logger.error('pods not collected', { reason: messageOf(error) });
    });
    cancel = clock.after(TICK, tick);
  };
  tick();
  return { stop: () => cancel() };
}

function isWrittenOff(node: Node | undefined): boolean {
  if (!node || readyStatus(node) === 'True') return false;
  return node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) ?? false;
}

function surplus(pods: readonly Pod[]): Pod[] {
  const over = pods.filter(({ metadata, status }) => {
    return !metadata?.deletionTimestamp && (status?.phase === 'Succeeded' || status?.phase === 'Failed');
  });
  if (over.length <= KEPT_FINISHED) return [];
  const age = (pod: Pod): string => `${pod.metadata?.creationTimestamp ?? ''} ${nameOf(pod)}`;
  return over.toSorted((a, b) => (age(a) < age(b) ? -1 : 1)).slice(0, over.length - KEPT_FINISHED);
}
