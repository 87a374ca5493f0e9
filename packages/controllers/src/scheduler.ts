import { type ObjectOf, recordEvent } from '@podwire/kube';
import { type Controller, type ControllerContext, isActive, keyOf, objectKey, splitKey, until } from './context.ts';
import { KeyQueue } from './key-queue.ts';
import { placePod } from './placement.ts';

const RETRY_UNSCHEDULABLE = 2000;

/** Binds every pod without a node to one, one after the other, so that each choice sees the one before. */
export function startScheduler({ client, informers, logger }: ControllerContext): Controller {
  const pods = informers.of('Pod');
  const nodes = informers.of('Node');
  const waiting = new Set<string>();

  const bind = async (pod: ObjectOf<'Pod'>): Promise<void> => {
    const placement = placePod(pod, nodes.list(), pods.list());
    if ('refused' in placement) {
      await refuse(pod, placement.refused);
      return;
    }
    await client.bind(objectKey(pod), placement.node);
    await until(() => pods.get(pod.metadata?.name ?? '', pod.metadata?.namespace)?.spec?.nodeName !== undefined);
    waiting.delete(keyOf(pod));
    void event(pod, 'Normal', 'Scheduled', `Successfully assigned ${keyOf(pod)} to ${placement.node}`);
  };
  const refuse = async (pod: ObjectOf<'Pod'>, why: string): Promise<void> => {
    waiting.add(keyOf(pod));
    const known = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
    if (known?.message === why) return;
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: why,
      lastTransitionTime: new Date().toISOString(),
    };
    const others = (pod.status?.conditions ?? []).filter((c) => c.type !== 'PodScheduled');
    await client.patch(
      'Pod',
      objectKey(pod),
      { status: { conditions: [...others, condition] } },
      { subresource: 'status' },
    );
    void event(pod, 'Warning', 'FailedScheduling', why);
  };
  const event = (pod: ObjectOf<'Pod'>, type: 'Normal' | 'Warning', reason: string, message: string) =>
    recordEvent(client, {
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        name: pod.metadata?.name ?? '',
        ...(pod.metadata?.namespace ? { namespace: pod.metadata.namespace } : {}),
        ...(pod.metadata?.uid ? { uid: pod.metadata.uid } : {}),
      },
      type,
      reason,
      message,
      component: 'default-scheduler',
    });

  // One key for all: binding is serial.
  const queue = new KeyQueue({
    name: 'scheduler',
    logger,
    reconcile: async () => {
      for (const pod of pods.list().filter((p) => !p.spec?.nodeName && isActive(p))) {
        const { name, namespace } = splitKey(keyOf(pod));
        const fresh = pods.get(name, namespace);
        if (fresh && !fresh.spec?.nodeName) await bind(fresh);
      }
      return waiting.size > 0 ? RETRY_UNSCHEDULABLE : undefined;
    },
  });
  const ends = [
    pods.subscribe(({ type, object }) => {
      if (type === 'deleted') waiting.delete(keyOf(object));
      else if (!object.spec?.nodeName) queue.add('pods');
    }),
    nodes.subscribe(() => queue.add('pods')),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.stop()] };
}
