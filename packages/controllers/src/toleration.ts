import type { ObjectOf } from '@podwire/kube';

type Pod = ObjectOf<'Pod'>;
type Toleration = NonNullable<NonNullable<Pod['spec']>['tolerations']>[number];
type Taint = NonNullable<NonNullable<ObjectOf<'Node'>['spec']>['taints']>[number];

export function tolerated(pod: Pod, taint: Taint): boolean {
  return (pod.spec?.tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}

/** Whether a taint keeps the pod from being put on its node. */
export function repels(taint: Taint, pod: Pod): boolean {
  return taint.effect !== 'PreferNoSchedule' && !tolerated(pod, taint);
}

export function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (!key) return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || (value ?? '') === (taint.value ?? ''));
}
