import type { ObjectOf } from '@podwire/kube';
import { timeOf, timestamp } from '../clock.ts';
import { isReady, nameOf } from '../context.ts';
import { resolveCount } from '../count.ts';

type Budget = ObjectOf<'PodDisruptionBudget'>;
type Pod = ObjectOf<'Pod'>;
type Status = NonNullable<Budget['status']>;

/** How long an eviction the API server has let happen may take to show in the pod, in ms. */
const DISRUPTION_TIMEOUT = 120_000;

export interface BudgetView {
  readonly budget: Budget;
  /** Those its selector selects. */
  readonly pods: readonly Pod[];
  /** How many pods their workloads want in all; a string: why that is not known. */
  readonly scale: number | string;
  readonly now: number;
}

export interface BudgetStep {
  readonly status: Status;
  /** In ms: when an eviction counts as never made. */
  readonly next?: number;
}

/** The status that evictions are decided by (policy/v1 PodDisruptionBudgetStatus). */
export function planBudget(view: BudgetView): BudgetStep {
  const { budget, now } = view;
  const expected = expectedPods(view);
  if (typeof expected === 'string') return { status: failed(budget, expected, now) };
  const { disruptedPods, next } = unconfirmed(view);
  const currentHealthy = view.pods.filter(
    (pod) => isReady(pod) && !pod.metadata?.deletionTimestamp && !(nameOf(pod) in disruptedPods),
  ).length;
  const disruptionsAllowed = expected.pods > 0 ? Math.max(0, currentHealthy - expected.healthy) : 0;
  const reason = disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods';
  const status: Status = {
    ...(Object.keys(disruptedPods).length > 0 ? { disruptedPods } : {}),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy: expected.healthy,
    expectedPods: expected.pods,
    observedGeneration: budget.metadata?.generation ?? 0,
    conditions: condition(budget, { reason, now }),
  };
  return next === undefined ? { status } : { status, next };
}

function expectedPods({ budget, pods, scale }: BudgetView): { pods: number; healthy: number } | string {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  if (typeof minAvailable === 'number') return { pods: pods.length, healthy: minAvailable };
  if (typeof scale === 'string') return scale;
  if (maxUnavailable !== undefined)
    return { pods: scale, healthy: Math.max(0, scale - resolveCount(maxUnavailable, scale, 'up')) };
  return { pods: scale, healthy: minAvailable === undefined ? 0 : resolveCount(minAvailable, scale, 'up') };
}

/** Evictions that do not show in a pod yet; those that took too long were never made. */
function unconfirmed({ budget, pods, now }: BudgetView) {
  const disruptedPods: Record<string, string> = {};
  let next: number | undefined;
  for (const [name, time] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = pods.find((one) => nameOf(one) === name);
    const left = (timeOf(time) ?? 0) + DISRUPTION_TIMEOUT - now;
    if (!pod || pod.metadata?.deletionTimestamp || left <= 0) continue;
    disruptedPods[name] = time;
    next = Math.min(next ?? left, left);
  }
  return { disruptedPods, next };
}

function failed(budget: Budget, message: string, now: number): Status {
  return {
    ...{ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
    ...budget.status,
    ...{ disruptionsAllowed: 0, observedGeneration: budget.metadata?.generation ?? 0 },
    conditions: condition(budget, { reason: 'SyncFailed', message, now }),
  };
}

interface Reason {
  readonly reason: 'SufficientPods' | 'InsufficientPods' | 'SyncFailed';
  readonly message?: string;
  readonly now: number;
}

function condition(
  { status: before, metadata }: Budget,
  { reason, message = '', now }: Reason,
): Status['conditions'] & object {
  const type = 'DisruptionAllowed';
  const status = reason === 'SufficientPods' ? 'True' : 'False';
  const present = before?.conditions?.find((one) => one.type === type);
  const lastTransitionTime = present?.status === status ? present.lastTransitionTime : timestamp(now);
  const { generation: observedGeneration = 0 } = metadata ?? {};
  const others = (before?.conditions ?? []).filter((one) => one.type !== type);
  return [...others, { type, status, reason, message, lastTransitionTime, observedGeneration }];
}
