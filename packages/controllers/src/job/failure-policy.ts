import type { ObjectOf } from '@podwire/kube';
import { keyOf } from '../context.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;
type Rule = NonNullable<NonNullable<Job['spec']>['podFailurePolicy']>['rules'][number];
type ExitCodes = NonNullable<Rule['onExitCodes']>;
type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** What the first rule that fits a failed pod asks for (KEP-3329). */
export interface FailureVerdict {
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
  /** What fits, in the words of Kubernetes. */
  readonly message: string;
}

const COUNT: FailureVerdict = { action: 'Count', message: '' };

/** Pods no rule is about are counted. */
export function failureVerdict({ spec }: Job, pod: Pod): FailureVerdict {
  if (pod.status?.phase !== 'Failed') return COUNT;
  for (const [index, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    const what = rule.onExitCodes ? exitOf(rule.onExitCodes, pod) : conditionOf(rule, pod);
    if (what === undefined) continue;
    const message = `${what} matching ${rule.action} rule at index ${index}`;
    return { action: rule.action as FailureVerdict['action'], message };
  }
  return COUNT;
}

function exitOf(codes: ExitCodes, pod: Pod): string | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const found = [...containerStatuses, ...initContainerStatuses].find((status) => fits(codes, status));
  if (!found) return undefined;
  return `Container ${found.name} for pod ${keyOf(pod)} failed with exit code ${found.state?.terminated?.exitCode}`;
}

function fits({ containerName, operator, values }: ExitCodes, { name, state }: ContainerStatus): boolean {
  const code = state?.terminated?.exitCode ?? 0;
  if (code === 0 || (containerName && containerName !== name)) return false;
  return values.includes(code) === (operator === 'In');
}

function conditionOf({ onPodConditions = [] }: Rule, pod: Pod): string | undefined {
  const { conditions = [] } = pod.status ?? {};
  const found = onPodConditions.find(({ type, status }) =>
    conditions.some((one) => one.type === type && one.status === (status ?? 'True')),
  );
  return found && `Pod ${keyOf(pod)} has condition ${found.type}`;
}
