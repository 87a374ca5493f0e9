import type { Pod } from '@podwire/kube';
import type { ContainerView, Termination } from './container-view.ts';

type Status = NonNullable<Pod['status']>;
type Condition = NonNullable<Status['conditions']>[number];
type ContainerStatus = NonNullable<Status['containerStatuses']>[number];

/** Everything a pod's status is made of. */
export interface PodView {
  readonly pod: Pod;
  readonly hostIp: string;
  /** Empty until the sandbox has one. */
  readonly podIps: readonly string[];
  readonly startTime: Date;
  readonly init: readonly ContainerView[];
  /** Names of init containers that keep running (restartPolicy Always). */
  readonly sidecars: ReadonlySet<string>;
  readonly main: readonly ContainerView[];
  /** Set when the pod is over whatever its containers say, e.g. DeadlineExceeded. */
  readonly failure?: { readonly reason: string; readonly message: string };
}

/** The pod's phase, by the kubelet's rules. */
export function podPhase({
  pod,
  init,
  sidecars,
  main,
  failure,
}: PodView): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  if (failure) return 'Failed';
  const policy = pod.spec?.restartPolicy ?? 'Always';
  const unfinished = init.filter((c) => (sidecars.has(c.name) ? !c.started && !hasRun(c) : !succeeded(c)));
  const broken = unfinished.some((c) => !sidecars.has(c.name) && c.state.state === 'terminated' && policy === 'Never');
  if (broken) return 'Failed';
  if (unfinished.length > 0 && !main.some(hasRun)) return 'Pending';
  const running = main.filter((c) => c.state.state === 'running').length;
  if (main.some((c) => c.state.state === 'waiting' && !c.last)) return 'Pending';
  if (running > 0 || policy === 'Always') return 'Running';
  if (main.every(succeeded)) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}

function succeeded(c: ContainerView): boolean {
  return c.state.state === 'terminated' && c.state.end.exitCode === 0;
}

function hasRun(c: ContainerView): boolean {
  return c.state.state !== 'waiting' || c.last !== undefined;
}

/** The status to write, as a JSON merge patch of the whole of it. Conditions of others are kept. */
export function podStatusPatch(view: PodView, now: Date): { status: Record<string, unknown> } {
  const phase = podPhase(view);
  const { podIps } = view;
  return {
    status: {
      phase,
      conditions: podConditions(view, phase, now),
      hostIP: view.hostIp,
      hostIPs: [{ ip: view.hostIp }],
      podIP: podIps[0] ?? null,
      podIPs: podIps.length > 0 ? podIps.map((ip) => ({ ip })) : null,
      startTime: formatTime(view.startTime),
      initContainerStatuses: view.init.length > 0 ? view.init.map((c) => initStatus(c, view.sidecars)) : null,
      containerStatuses: view.main.map(containerStatus),
      ...ephemeralStatuses(view.pod),
      reason: view.failure?.reason ?? null,
      message: view.failure?.message ?? null,
    },
  };
}

const OWN = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

function podConditions(view: PodView, phase: string, now: Date): Condition[] {
  const before = view.pod.status?.conditions ?? [];
  const make = (type: string, why: Unmet | undefined): Condition => {
    const status = why ? 'False' : 'True';
    const old = before.find((c) => c.type === type);
    const since = old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : formatTime(now);
    return { type, status, lastTransitionTime: since, ...(why ?? {}) };
  };
  const containers = containersUnready(view, phase);
  return [
    make('PodReadyToStartContainers', view.podIps.length > 0 && !isOver(phase) ? undefined : {}),
    make('Initialized', uninitialized(view, phase)),
    make('Ready', containers ?? gatesUnmet(view.pod, before)),
    make('ContainersReady', containers),
    before.find((c) => c.type === 'PodScheduled') ?? make('PodScheduled', undefined),
    ...before.filter((c) => !OWN.includes(c.type)),
  ];
}

interface Unmet {
  readonly reason?: string;
  readonly message?: string;
}

function isOver(phase: string): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

function uninitialized({ init, sidecars }: PodView, phase: string): Unmet | undefined {
  if (phase === 'Succeeded') return undefined;
  const waiting = init.filter((c) => (sidecars.has(c.name) ? !c.started : !succeeded(c)));
  return waiting.length === 0
    ? undefined
    : { reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${names(waiting)}]` };
}

function containersUnready({ init, sidecars, main }: PodView, phase: string): Unmet | undefined {
  if (phase === 'Succeeded') return { reason: 'PodCompleted' };
  if (phase === 'Failed') return { reason: 'PodFailed' };
  const unready = [...init.filter((c) => sidecars.has(c.name)), ...main].filter((c) => !c.ready);
  return unready.length === 0
    ? undefined
    : { reason: 'ContainersNotReady', message: `containers with unready status: [${names(unready)}]` };
}

function gatesUnmet(pod: Pod, conditions: readonly Condition[]): Unmet | undefined {
  const unmet = (pod.spec?.readinessGates ?? []).filter(
    (g) => conditions.find((c) => c.type === g.conditionType)?.status !== 'True',
  );
  if (unmet.length === 0) return undefined;
  const [first] = unmet;
  return {
    reason: 'ReadinessGatesNotReady',
    message: `corresponding condition of pod readiness gate "${first?.conditionType}" does not exist or is not True.`,
  };
}

function names(list: readonly ContainerView[]): string {
  return list.map((c) => c.name).join(' ');
}

/** An init container is ready for good when it has done its work. */
function initStatus(c: ContainerView, sidecars: PodView['sidecars']): ContainerStatus {
  return containerStatus(sidecars.has(c.name) ? c : { ...c, ready: succeeded(c) });
}

/** Containers that somebody adds to look around in a pod are not run; kubectl debug shows why. */
function ephemeralStatuses({ spec }: Pod): Pick<Status, 'ephemeralContainerStatuses'> {
  const containers = spec?.ephemeralContainers ?? [];
  if (containers.length === 0) return {};
  const message = 'the lab runs no ephemeral containers; use exec to run commands in a pod';
  const state = { waiting: { reason: 'NotSupported', message } };
  return {
    ephemeralContainerStatuses: containers.map(({ name, image = '' }) => ({
      ...{ name, image, imageID: '', ready: false, restartCount: 0, state },
    })),
  };
}

/** One entry of containerStatuses. */
export function containerStatus(c: ContainerView): ContainerStatus {
  return {
    name: c.name,
    image: c.image,
    imageID: c.imageId,
    ...(c.containerId ? { containerID: c.containerId } : {}),
    ready: c.ready,
    started: c.started,
    restartCount: c.restarts,
    state: stateOf(c),
    lastState:
      c.last && !(c.state.state === 'terminated' && c.state.end === c.last) ? { terminated: terminated(c.last) } : {},
  };
}

function stateOf({ state }: ContainerView): NonNullable<ContainerStatus['state']> {
  if (state.state === 'running') return { running: { startedAt: formatTime(state.startedAt) } };
  if (state.state === 'terminated') return { terminated: terminated(state.end) };
  return { waiting: { reason: state.reason, ...(state.message ? { message: state.message } : {}) } };
}

type TerminatedState = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

function terminated(end: Termination): TerminatedState {
  return {
    exitCode: end.exitCode,
    reason: end.reason,
    ...(end.message ? { message: end.message } : {}),
    startedAt: formatTime(end.startedAt),
    finishedAt: formatTime(end.finishedAt),
    ...(end.containerId ? { containerID: end.containerId } : {}),
  };
}

/** metav1.Time: whole seconds. */
export function formatTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
