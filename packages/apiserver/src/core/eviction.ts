import { type LabelSelector, selectorMatches } from '@podwire/base';
import { kindNamed } from '@podwire/kube';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { ApiObject } from '../seam.ts';
import type { RemoveOptions } from './deletion.ts';
import { timestamp } from './lifecycle.ts';
import type { Registry, Target, WriteOptions } from './registry.ts';
import { failure, forbidden, internalError } from './status.ts';

const BUDGET = kindNamed('PodDisruptionBudget');
const OPTIONS: WriteOptions = { fieldValidation: 'Ignore', dryRun: false, warn: () => {}, subresource: 'status' };
/** More evictions than this that the disruption controller has not seen the end of say that it is away. */
const MAX_DISRUPTED = 2000;
const REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget.";

export interface Eviction {
  readonly removal: RemoveOptions;
  readonly dryRun: boolean;
}

/**
 * Deletes a pod when its PodDisruptionBudget allows it, and takes that from the budget, so that two evictions cannot
 * both have the last one (policy/v1 Eviction). Throws 429 when it does not.
 */
export async function evict(registry: Registry, target: Target, { removal, dryRun }: Eviction): Promise<void> {
  // What will not be deleted takes nothing from a budget.
  await registry.remove(target, removal, true);
  const pod = registry.latest(target) as unknown as Pod;
  const budget = isSpent(pod) ? undefined : budgetOf(registry, pod);
  if (budget && !isExempt(pod, budget)) {
    if (dryRun) afterEviction(budget, target.name);
    else await spend(registry, budget, target.name);
  }
  if (dryRun) return;
  const marked = pod.spec?.nodeName ? await registry.change(target, withDisruptionTarget, OPTIONS) : undefined;
  await registry.remove(target, marked ? atRevision(removal, marked) : removal, false);
}

/** A revision that was asked for was that of the pod before the eviction left its mark. */
function atRevision(removal: RemoveOptions, { metadata: { resourceVersion = '' } }: ApiObject): RemoveOptions {
  const { preconditions } = removal;
  return preconditions?.resourceVersion
    ? { ...removal, preconditions: { ...preconditions, resourceVersion } }
    : removal;
}

/** Over, not started, or on its way out: nothing is lost by its end. */
function isSpent({ metadata, status }: Pod): boolean {
  return metadata?.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '');
}

function budgetOf(registry: Registry, { metadata }: Pod): PodDisruptionBudget | undefined {
  const found = (registry.store.latestOf(BUDGET.id) as unknown as PodDisruptionBudget[]).filter(
    (budget) =>
      budget.metadata?.namespace === metadata?.namespace &&
      budget.spec?.selector !== undefined &&
      selectorMatches(budget.spec.selector as LabelSelector, metadata?.labels),
  );
  if (found.length <= 1) return found[0];
  throw internalError(
    'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  );
}

/** A pod that is not ready counts for nothing, so it may go if the others suffice, or always if the budget says so. */
function isExempt({ status }: Pod, { spec, status: budget }: PodDisruptionBudget): boolean {
  const isReady = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  if (isReady) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

function afterEviction({ metadata, status }: PodDisruptionBudget, pod: string): object {
  const name = metadata?.name ?? '';
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0))
    throw refused(`The disruption budget ${name} is still being processed by the server.`, 10);
  const { disruptionsAllowed = 0, disruptedPods = {}, desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
  if (disruptionsAllowed < 0) throw forbidden(BUDGET, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > MAX_DISRUPTED)
    throw forbidden(BUDGET, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (disruptionsAllowed === 0)
    throw refused(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  return {
    ...status,
    disruptionsAllowed: disruptionsAllowed - 1,
    disruptedPods: { ...disruptedPods, [pod]: timestamp() },
  };
}

function refused(message: string, retryAfterSeconds?: number): Error {
  const causes = [{ reason: 'DisruptionBudget', message }];
  const details = retryAfterSeconds === undefined ? { causes } : { causes, retryAfterSeconds };
  return failure(429, 'TooManyRequests', REFUSAL, details);
}

/** Of what the budget is at this moment, also while the write of another eviction is not durable yet. */
function spend(registry: Registry, { metadata }: PodDisruptionBudget, pod: string): Promise<ApiObject> {
  const target = { kind: BUDGET, namespace: metadata?.namespace, name: metadata?.name ?? '' };
  const spent = (budget: ApiObject) => ({ ...budget, status: afterEviction(budget as PodDisruptionBudget, pod) });
  return registry.change(target, (budget) => spent(budget) as ApiObject, OPTIONS);
}

function withDisruptionTarget(object: ApiObject): ApiObject {
  const status = (object.status ?? {}) as NonNullable<Pod['status']>;
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
  const condition = {
    ...{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' },
    ...{ message: 'Eviction API: evicting', lastProbeTime: null, lastTransitionTime: timestamp() },
  };
  return { ...object, status: { ...status, conditions: [...others, condition] } } as ApiObject;
}
