import type { ObjectOf } from '@podwire/kube';

type Pod = ObjectOf<'Pod'>;
type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** Why a pod is not ready, in one line: the first thing that holds it up, in the order of its life. */
export function unreadyReason({ metadata, status }: Pod): string {
  if (metadata?.deletionTimestamp) return 'Terminating';
  if (status?.phase === 'Succeeded') return 'Completed';
  if (status?.reason) return withMessage(status.reason, status.message);
  const unmet = (type: string) => status?.conditions?.find((one) => one.type === type && one.status !== 'True');
  const unscheduled = unmet('PodScheduled');
  if (unscheduled) return withMessage(unscheduled.reason, unscheduled.message);
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const troubled = containers.map(trouble).find((text) => text !== undefined);
  const ready = unmet('Ready');
  return troubled ?? withMessage(ready?.reason, ready?.message);
}

/** What is wrong with a container, unless it only waits for its turn. */
function trouble({ name, ready, state, lastState }: ContainerStatus): string | undefined {
  const { waiting, terminated, running } = state ?? {};
  if (waiting && !/^(PodInitializing|ContainerCreating)$/.test(waiting.reason ?? ''))
    return `${name}: ${withMessage(waiting.reason, waiting.message ?? exitText(lastState?.terminated))}`;
  if (terminated && terminated.exitCode !== 0)
    return `${name}: ${withMessage(terminated.reason, exitText(terminated))}`;
  return running && !ready ? `${name}: runs, but is not ready` : undefined;
}

function exitText(end: { readonly exitCode: number; readonly message?: string } | undefined): string | undefined {
  return end && (end.message ?? `exit code ${end.exitCode}`);
}

function withMessage(reason = '', message = ''): string {
  return [reason, message].filter(Boolean).join(': ') || 'no status yet';
}
