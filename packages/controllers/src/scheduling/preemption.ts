import { type LabelSelector, selectorMatches } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { controllerOf, nameOf, namespaceOf } from '../context.ts';
import type { ClusterView, NodeView } from './cluster-view.ts';
import { refusalsOf } from './refusal.ts';

type Pod = ObjectOf<'Pod'>;
type Budget = ObjectOf<'PodDisruptionBudget'>;

/** Nodes that are looked at, at least, and the part of all. */
const CANDIDATES = { least: 100, part: 0.1 } as const;

export interface Preemption {
  /** Where the pod fits once the victims are gone. */
  readonly node: string;
  readonly victims: readonly Pod[];
}

interface Candidate extends Preemption {
  /** Victims whose budgets would not allow it. */
  readonly violations: number;
}

export const priorityOf = ({ spec }: Pod): number => spec?.priority ?? 0;

/**
 * Which pods of lower priority have to go for this one, and where: the fewest broken disruption budgets, then the least
 * important victims, the fewest, the youngest. Undefined: that would not help, or it may not.
 */
export function planPreemption(pod: Pod, view: ClusterView, budgets: readonly Budget[]): Preemption | undefined {
  if (pod.spec?.preemptionPolicy === 'Never') return undefined;
  const refusalAt = refusalsOf(pod, view);
  const most = Math.max(CANDIDATES.least, Math.ceil(view.nodes.length * CANDIDATES.part));
  const found: Candidate[] = [];
  for (const at of view.nodes) {
    if (found.length >= most) break;
    const candidate = refusalAt(at)?.isCrowded ? candidateAt(at, pod, { view, budgets }) : undefined;
    if (candidate) found.push(candidate);
  }
  return found.toSorted(byHarm)[0];
}

/** Whether a pod that was promised a node has only to wait for its victims to end. */
export function isClearing(pod: Pod, view: ClusterView): boolean {
  const nominated = view.nodes.find(({ name }) => name === pod.status?.nominatedNodeName);
  return nominated?.pods.some((other) => other.metadata?.deletionTimestamp && isBelow(other, pod)) ?? false;
}

const isBelow = (other: Pod, pod: Pod): boolean => priorityOf(other) < priorityOf(pod);

/** The successor of a daemon would be on the same node at once: nothing would be gained. */
const isMovable = (pod: Pod): boolean => controllerOf(pod)?.kind !== 'DaemonSet';

interface Surroundings {
  readonly view: ClusterView;
  readonly budgets: readonly Budget[];
}

/** All below it that can go do, then as many come back as there is room for, those of budgets and of importance first. */
function candidateAt(at: NodeView, pod: Pod, { view, budgets }: Surroundings): Candidate | undefined {
  const below = at.pods.filter((other) => isBelow(other, pod) && isMovable(other)).toSorted(byImportance);
  for (const other of below) view.remove(other, at);
  if (below.length === 0 || refusalsOf(pod, view)(at)) {
    for (const other of below) view.place(other, at.name);
    return undefined;
  }
  const { kept, free } = byBudget(below, budgets);
  const victims = [...kept, ...free].filter((other) => {
    view.place(other, at.name);
    const isTooMuch = refusalsOf(pod, view)(at) !== undefined;
    if (isTooMuch) view.remove(other, at);
    return isTooMuch;
  });
  for (const victim of victims) view.place(victim, at.name);
  return { node: at.name, victims, violations: victims.filter((victim) => kept.includes(victim)).length };
}

/** `kept`: pods that no budget can spare any more when the others before them go. */
function byBudget(pods: readonly Pod[], budgets: readonly Budget[]): { kept: Pod[]; free: Pod[] } {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  const kept: Pod[] = [];
  const free: Pod[] = [];
  for (const pod of pods) {
    const own = budgets.filter((budget) => protects(budget, pod));
    for (const budget of own) left.set(budget, (left.get(budget) ?? 0) - 1);
    (own.some((budget) => (left.get(budget) ?? 0) < 0) ? kept : free).push(pod);
  }
  return { kept, free };
}

function protects({ spec, status, ...budget }: Budget, pod: Pod): boolean {
  if (!spec?.selector || namespaceOf(budget) !== namespaceOf(pod) || nameOf(pod) in (status?.disruptedPods ?? {}))
    return false;
  return selectorMatches(spec.selector as LabelSelector, pod.metadata?.labels);
}

const startOf = ({ status, metadata }: Pod): string => String(status?.startTime ?? metadata?.creationTimestamp ?? '');

/** The highest priority first, then whoever has run longest. */
function byImportance(a: Pod, b: Pod): number {
  return priorityOf(b) - priorityOf(a) || (startOf(a) < startOf(b) ? -1 : 1);
}

/** Priorities may be negative: every victim counts. */
const EACH = 2 ** 31;

function byHarm(a: Candidate, b: Candidate): number {
  const highest = ({ victims }: Candidate): number => Math.max(...victims.map(priorityOf));
  const all = ({ victims }: Candidate): number => victims.reduce((sum, victim) => sum + priorityOf(victim) + EACH, 0);
  const start = ({ victims }: Candidate): string => {
    const [first] = victims.toSorted(byImportance);
    return first ? startOf(first) : '';
  };
  const byStart = start(a) === start(b) ? 0 : start(a) > start(b) ? -1 : 1;
  return a.violations - b.violations || highest(a) - highest(b) || all(a) - all(b) || byStart;
}
