import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import { validateAmount } from './apps-validation.ts';
import type { FieldErrors } from './field-errors.ts';
import { validateLabelSelector } from './metadata-validation.ts';

export function validatePodDisruptionBudget({ spec }: PodDisruptionBudget, errors: FieldErrors): void {
  if (!spec) return;
  const { minAvailable, maxUnavailable, selector } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set');
  }
  for (const [field, value] of Object.entries({ minAvailable, maxUnavailable })) {
    if (value === undefined) continue;
    validateAmount(value, `spec.${field}`, errors);
    if (/^\d+%$/.test(String(value)) && Number.parseInt(String(value), 10) > 100) {
      errors.invalid(`spec.${field}`, value, 'must not be greater than 100%');
    }
  }
  validateLabelSelector(selector, 'spec.selector', errors);
}

/** The classes a cluster is born with. */
export const SYSTEM_PRIORITY_CLASSES: Readonly<
  Record<string, { readonly value: number; readonly description: string }>
> = {
  'system-cluster-critical': {
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
  'system-node-critical': {
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
};

const MAX_USER_PRIORITY = 1_000_000_000;

export function validatePriorityClass({ metadata, value = 0 }: PriorityClass, errors: FieldErrors): void {
  const name = metadata?.name ?? '';
  if (name.startsWith('system-')) {
    if (SYSTEM_PRIORITY_CLASSES[name]?.value === value) return;
    const why = SYSTEM_PRIORITY_CLASSES[name]
      ? `value of ${name} PriorityClass must be ${SYSTEM_PRIORITY_CLASSES[name].value}`
      : `${name} is not a known system priority class`;
    const detail = `priority class names with 'system-' prefix are reserved for system use only. error: ${why}`;
    errors.forbidden('metadata.name', detail);
  } else if (value > MAX_USER_PRIORITY) {
    errors.forbidden('value', `maximum allowed value of a user defined priority is ${MAX_USER_PRIORITY}`);
  }
}

export function validatePriorityClassUpdate(next: PriorityClass, old: PriorityClass, errors: FieldErrors): void {
  if ((next.value ?? 0) !== (old.value ?? 0)) errors.forbidden('value', 'may not be changed in an update.');
  if (next.preemptionPolicy === old.preemptionPolicy) return;
  errors.invalid('preemptionPolicy', next.preemptionPolicy ?? null, 'field is immutable');
}
