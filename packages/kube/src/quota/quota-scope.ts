import type { ObjectOf } from '../kinds.ts';

type Quota = ObjectOf<'ResourceQuota'>;
type Pod = ObjectOf<'Pod'>;

interface Requirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** Whether a quota is about this pod: all of its scopes are. */
export function isInScope({ spec }: Quota, pod: Pod): boolean {
  const plain = (spec?.scopes ?? []).map((scopeName): Requirement => ({ scopeName, operator: 'Exists' }));
  return [...plain, ...(spec?.scopeSelector?.matchExpressions ?? [])].every((one) => isMet(one, pod));
}

function isMet({ scopeName, operator, values = [] }: Requirement, pod: Pod): boolean {
  const { activeDeadlineSeconds, priorityClassName = '' } = pod.spec ?? {};
  switch (scopeName) {
    case 'Terminating':
      return activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass':
      if (operator === 'Exists' || operator === 'DoesNotExist')
        return (priorityClassName !== '') === (operator === 'Exists');
      return values.includes(priorityClassName) === (operator === 'In');
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

function isBestEffort({ spec }: Pod): boolean {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return all.every(({ resources: { requests = {}, limits = {} } = {} }) =>
    Object.keys({ ...requests, ...limits }).every((name) => name !== 'cpu' && name !== 'memory'),
  );
}

function crossesNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  const terms = [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector);
}
