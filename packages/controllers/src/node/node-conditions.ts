import type { ObjectOf } from '@podwire/kube';
import { timestamp } from '../clock.ts';

type Node = ObjectOf<'Node'>;
type Condition = NonNullable<NonNullable<Node['status']>['conditions']>[number];

/** What a kubelet reports of its node. */
const REPORTED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export function readyStatus({ status }: Node): string | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status;
}

/** The conditions of a node that nobody has heard of for long: what was reported is not known any more. */
export function silentConditions({ metadata, status }: Node, now: number): Condition[] {
  const present = status?.conditions ?? [];
  const others = present.filter(({ type }) => !REPORTED.includes(type));
  const reported = REPORTED.map((type): Condition => {
    const before = present.find((one) => one.type === type);
    if (before?.status === 'Unknown') return before;
    const lastTransitionTime = timestamp(now);
    const unknown = { type, status: 'Unknown', lastTransitionTime };
    if (before)
      return {
        ...before,
        ...unknown,
        ...{ reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' },
      };
    const lastHeartbeatTime = metadata?.creationTimestamp ?? lastTransitionTime;
    const never = { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' };
    return { ...unknown, lastHeartbeatTime, ...never };
  });
  return [...others, ...reported];
}
