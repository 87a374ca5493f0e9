import { isPodOver } from '@podwire/kube';
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js';
import { formatAge, formatDuration } from './age.ts';
import { type Column, NONE, text, wide } from './columns.ts';

export interface PodSummary {
  readonly ready: string;
  /** The word kubectl shows under STATUS. */
  readonly status: string;
  readonly restarts: string;
}

interface Tally {
  ready: number;
  restarts: number;
  lastRestart: number;
  reason: string;
}

/** READY, STATUS and RESTARTS as `kubectl get pods` shows them (printPod of the real server). */
export function summarizePod(pod: Pod, now: number): PodSummary {
  const { status, metadata } = pod;
  const gated = status?.conditions?.some((one) => one.type === 'PodScheduled' && one.reason === 'SchedulingGated');
  const reason = gated ? 'SchedulingGated' : status?.reason || status?.phase || 'Unknown';
  const tally: Tally = { ready: 0, restarts: 0, lastRestart: Number.NaN, reason };
  const sidecars = sidecarNames(pod);
  const initializing = tallyInitContainers(pod, sidecars, tally);
  if (!initializing || hasCondition(pod, 'Initialized')) {
    tally.restarts = sum(status?.initContainerStatuses?.filter(({ name }) => sidecars.has(name)));
    tallyContainers(pod, tally);
  }
  if (metadata?.deletionTimestamp && status?.reason === 'NodeLost') tally.reason = 'Unknown';
  else if (metadata?.deletionTimestamp && !isPodOver(pod)) tally.reason = 'Terminating';
  const total = (pod.spec?.containers.length ?? 0) + sidecars.size;
  const ago = Number.isNaN(tally.lastRestart) ? '' : ` (${formatDuration(now - tally.lastRestart)} ago)`;
  return {
    ready: `${tally.ready}/${total}`,
    status: tally.reason,
    restarts: tally.restarts === 0 ? '0' : `${tally.restarts}${ago}`,
  };
}

/** Init containers that stay: they count as containers. */
function sidecarNames({ spec }: Pod): ReadonlySet<string> {
  const list = (spec?.initContainers ?? []) as readonly { name: string; restartPolicy?: string }[];
  return new Set(list.filter((one) => one.restartPolicy === 'Always').map(({ name }) => name));
}

/** Whether initialization is under way or has failed; then the tally's reason says how far it is. */
function tallyInitContainers(pod: Pod, sidecars: ReadonlySet<string>, tally: Tally): boolean {
  const statuses = pod.status?.initContainerStatuses ?? [];
  for (const [index, container] of statuses.entries()) {
    noteRestarts(container, tally);
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecars.has(container.name) && container.started) {
      if (container.ready) tally.ready++;
      continue;
    }
    if (terminated) tally.reason = `Init:${terminated.reason || exitWord(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') tally.reason = `Init:${waiting.reason}`;
    else tally.reason = `Init:${index}/${pod.spec?.initContainers?.length ?? 0}`;
    return true;
  }
  return false;
}

function tallyContainers(pod: Pod, tally: Tally): void {
  let running = false;
  for (const container of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    noteRestarts(container, tally);
    const { terminated, waiting } = container.state ?? {};
    if (waiting?.reason) tally.reason = waiting.reason;
    else if (terminated) tally.reason = terminated.reason || exitWord(terminated);
    else if (container.ready && container.state?.running) {
      running = true;
      tally.ready++;
    }
  }
  if (tally.reason === 'Completed' && running) tally.reason = hasCondition(pod, 'Ready') ? 'Running' : 'NotReady';
}

function noteRestarts(container: ContainerStatus, tally: Tally): void {
  tally.restarts += container.restartCount;
  const finished = container.lastState?.terminated?.finishedAt;
  if (!finished) return;
  const at = Date.parse(finished);
  if (Number.isNaN(tally.lastRestart) || at > tally.lastRestart) tally.lastRestart = at;
}

function exitWord({ signal, exitCode }: { signal?: number; exitCode: number }): string {
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

function hasCondition(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.some((one) => one.type === type && one.status === 'True') ?? false;
}

function sum(statuses: readonly ContainerStatus[] = []): number {
  return statuses.reduce((total, { restartCount }) => total + restartCount, 0);
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const met = gates.filter(({ conditionType }) =>
    status?.conditions?.some((one) => one.type === conditionType && one.status === 'True'),
  );
  return `${met.length}/${gates.length}`;
}

export const POD_COLUMNS: readonly Column<Pod>[] = [
  text('Ready', (pod, now) => summarizePod(pod, now).ready),
  text('Status', (pod, now) => summarizePod(pod, now).status),
  text('Restarts', (pod, now) => summarizePod(pod, now).restarts),
  text('Age', ({ metadata }, now) => formatAge(metadata?.creationTimestamp, now)),
  wide('IP', ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? NONE),
  wide('Node', ({ spec }) => spec?.nodeName || NONE),
  wide('Nominated Node', ({ status }) => status?.nominatedNodeName || NONE),
  wide('Readiness Gates', readinessGates),
];
