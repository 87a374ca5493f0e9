import { type LabelSelector, selectorMatches } from '@podwire/base';
import { ObjectIndex, type ObjectOf } from '@podwire/kube';
import { systemClock } from '../clock.ts';
import { type Controller, type ControllerContext, keyOf, namespaceOf, splitKey, visible } from '../context.ts';
import { startReconciler } from '../reconciler.ts';
import { planBudget } from './budget-plan.ts';
import { scaleOf } from './pod-scale.ts';

type Budget = ObjectOf<'PodDisruptionBudget'>;
type Pod = ObjectOf<'Pod'>;

/** Keeps the status of PodDisruptionBudgets, by which the API server decides about evictions. */
export function startDisruptionBudgets({
  client,
  informers,
  logger,
  clock = systemClock,
}: ControllerContext): Controller {
  const budgets = informers.of('PodDisruptionBudget');
  const pods = informers.of('Pod');
  const budgetsIn = new ObjectIndex(budgets, (budget) => [namespaceOf(budget)]);
  const podsIn = new ObjectIndex(pods, (pod) => [namespaceOf(pod)]);

  const reconcile = async (key: string): Promise<number | undefined> => {
    const { name, namespace } = splitKey(key);
    const budget = budgets.get(name, namespace);
    if (!budget || budget.metadata?.deletionTimestamp) return undefined;
    const selected = podsIn.get(namespace).filter((pod) => selects(budget, pod));
    const scale = scaleOf(informers, selected);
    const { status, next } = planBudget({ budget, pods: selected, scale, now: clock.now() });
    // The API server counts evictions in the status as well: a conflict brings the next look.
    if (JSON.stringify(sorted(status)) !== JSON.stringify(sorted(budget.status ?? {})))
      await visible(budgets, await client.update('PodDisruptionBudget', { ...budget, status }, 'status'));
    return next;
  };
  const queue = startReconciler({ name: 'disruption', logger, reconcile, clock });
  const addAll = (namespace: string): void => {
    for (const budget of budgetsIn.get(namespace)) queue.add(keyOf(budget));
  };
  const ends = [
    budgets.subscribe(({ type, object }) => type !== 'deleted' && queue.add(keyOf(object))),
    pods.subscribe(({ object }) => {
      for (const budget of budgetsIn.get(namespaceOf(object))) if (selects(budget, object)) queue.add(keyOf(budget));
    }),
    ...(['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController'] as const).map((kind) =>
      informers.of(kind).subscribe(({ object }) => addAll(namespaceOf(object))),
    ),
  ];
  return { stop: () => [...ends.map((end) => end()), budgetsIn.stop(), podsIn.stop(), queue.shutDown()] };
}

/** An empty selector selects all pods of the namespace, none selects none. */
function selects({ spec }: Budget, pod: Pod): boolean {
  return spec?.selector !== undefined && selectorMatches(spec.selector as LabelSelector, pod.metadata?.labels);
}

const sorted = (status: object) => Object.entries(status).sort(([a], [b]) => (a < b ? -1 : 1));
