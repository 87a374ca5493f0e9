import type { ObjectOf } from '@podwire/kube';

type Pod = ObjectOf<'Pod'>;
type Event = ObjectOf<'Event'>;
type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** What is known beside a pod of why it does not become ready. */
export interface Surroundings {
  readonly nodes?: readonly ObjectOf<'Node'>[];
  /** Warnings at least. */
  readonly events?: readonly Event[];
}

/** Why a pod is not ready, in one line: the first thing that holds it up, in the order of its life. */
export function unreadyReason(pod: Pod, { nodes = [], events = [] }: Surroundings = {}): string {
  const { metadata, status } = pod;
  const lost = lostNode(pod, nodes);
  if (metadata?.deletionTimestamp) return lost === undefined ? 'Terminating' : `Terminating: ${lost}`;
  if (status?.phase === 'Succeeded') return 'Completed';
  if (status?.reason) return withMessage(status.reason, status.message);
  const unmet = (type: string) => status?.conditions?.find((one) => one.type === type && one.status !== 'True');
  const unscheduled = unmet('PodScheduled');
  if (lost !== undefined) return lost;
  if (unscheduled) return withMessage(unscheduled.reason, unscheduled.message);
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const troubled = containers.map(trouble).find((text) => text !== undefined);
  const ready = unmet('Ready');
  const isBeginning = containers.every(({ state }) => !state?.running && !state?.terminated);
  const warning = isBeginning ? lastWarning(pod, events) : undefined;
  if (!troubled && warning) return withMessage(warning.reason, warning.message);
  return troubled ?? withMessage(ready?.reason, ready?.message);
}

/** Nobody there says any more how the pod is. */
function lostNode({ spec }: Pod, nodes: readonly ObjectOf<'Node'>[]): string | undefined {
  const node = nodes.find(({ metadata }) => metadata?.name === spec?.nodeName);
  const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready');
  if (!ready || ready.status === 'True') return undefined;
  return `node ${spec?.nodeName} is not ready: ${withMessage(ready.reason, ready.message)}`;
}

function lastWarning({ metadata }: Pod, events: readonly Event[]): Event | undefined {
  const own = events.filter(({ type, involvedObject }) => type === 'Warning' && involvedObject.uid === metadata?.uid);
  const timeOf = (event: Event): string => event.lastTimestamp ?? event.eventTime ?? '';
  return own.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b))).at(-1);
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
