import type { ObjectOf } from '@podwire/kube';
import { type Controller, type ControllerContext, isActive, keyOf, objectKey, splitKey, until } from './context.ts';
import { type Remark, remarksOn } from './event.ts';
import { KeyQueue } from './key-queue.ts';
import { placeIn } from './placement.ts';
import { ClusterView } from './scheduling/cluster-view.ts';

type Pod = ObjectOf<'Pod'>;

const NAME = 'default-scheduler';
const RETRY_UNSCHEDULABLE = 2000;
const GATED = 'Scheduling is blocked due to non-empty scheduling gates';

interface Refused {
  readonly reason: 'Unschedulable' | 'SchedulingGated';
  readonly message: string;
  readonly event?: Remark;
}

/** Without a node, and for this scheduler to give one. */
function isOpen(pod: Pod): boolean {
  return !pod.spec?.nodeName && isActive(pod) && (pod.spec?.schedulerName ?? NAME) === NAME;
}

const gatesOf = ({ spec }: Pod): readonly unknown[] =>
  (spec as { schedulingGates?: readonly unknown[] } | undefined)?.schedulingGates ?? [];

/** Higher priorities first; otherwise as they came. */
const byPriority = (a: Pod, b: Pod): number => (b.spec?.priority ?? 0) - (a.spec?.priority ?? 0);

/** Binds every pod without a node to one, one after the other, so that each choice sees the one before. */
export function startScheduler({ client, informers, logger }: ControllerContext): Controller {
  const pods = informers.of('Pod');
  const nodes = informers.of('Node');
  const waiting = new Set<string>();

  const namespaces = informers.of('Namespace');
  const remark = remarksOn(client, 'Pod', NAME);

  const bind = async (pod: Pod, view: ClusterView): Promise<void> => {
    const placement = placeIn(pod, view);
    if ('refused' in placement) {
      const { refused: message } = placement;
      const event = { type: 'Warning', reason: 'FailedScheduling', message } as const;
      await refuse(pod, { reason: 'Unschedulable', message, event });
      return;
    }
    await client.bind(objectKey(pod), placement.node);
    view.place(pod, placement.node);
    await until(() => pods.get(pod.metadata?.name ?? '', pod.metadata?.namespace)?.spec?.nodeName !== undefined);
    waiting.delete(keyOf(pod));
    const message = `Successfully assigned ${keyOf(pod)} to ${placement.node}`;
    remark(pod, { type: 'Normal', reason: 'Scheduled', message });
  };
  const refuse = async (pod: Pod, { reason, message, event }: Refused): Promise<void> => {
    waiting.add(keyOf(pod));
    const known = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
    if (known?.message === message) return;
    const lastTransitionTime = new Date().toISOString().replace(/\.\d+/, '');
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastProbeTime: null,
      lastTransitionTime,
    };
    const others = (pod.status?.conditions ?? []).filter((c) => c.type !== 'PodScheduled');
    const conditions = [...others, condition];
    await client.patch('Pod', objectKey(pod), { status: { conditions } }, { subresource: 'status' });
    if (event) remark(pod, event);
  };
  const schedule = async (pod: Pod, view: ClusterView): Promise<void> => {
    if (gatesOf(pod).length === 0) await bind(pod, view);
    else await refuse(pod, { reason: 'SchedulingGated', message: GATED });
  };

  // One key for all: binding is serial.
  const queue = new KeyQueue({
    name: 'scheduler',
    logger,
    reconcile: async () => {
      const open = pods.list().filter(isOpen);
      const view = open.length > 0 ? new ClusterView(nodes.list(), pods.list(), namespaces.list()) : undefined;
      for (const pod of view ? open.toSorted(byPriority) : []) {
        const { name, namespace } = splitKey(keyOf(pod));
        const fresh = pods.get(name, namespace);
        if (view && fresh && isOpen(fresh)) await schedule(fresh, view);
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
