import { quantityValue } from '@podwire/kube';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { LimitRange, LimitRangeItem, ResourceQuota } from 'kubernetes-types/core/v1.js';
import type { RuntimeClass } from 'kubernetes-types/node/v1.js';
import type { FieldErrors } from './field-errors.ts';
import { dnsLabel, notNegative, qualifiedName } from './names.ts';

export function validateLimitRange({ spec }: LimitRange, errors: FieldErrors): void {
  const types = new Set<string>();
  spec?.limits?.forEach((item, index) => {
    const at = `spec.limits[${index}]`;
    if (types.has(item.type)) errors.duplicate(`${at}.type`, item.type);
    types.add(item.type);
    if (item.type === 'Pod') {
      for (const field of ['default', 'defaultRequest'] as const)
        if (item[field]) errors.forbidden(`${at}.${field}`, "may not be specified when `type` is 'Pod'");
    }
    validateBounds(item, at, errors);
  });
}

/** Each of these is at most each that follows it. */
const ORDER = ['min', 'defaultRequest', 'default', 'max'] as const;
const WORDS = { min: 'min', defaultRequest: 'default request', default: 'default', max: 'max' } as const;

function validateBounds(item: LimitRangeItem, at: string, errors: FieldErrors): void {
  ORDER.forEach((lower, index) => {
    for (const [resource, value] of Object.entries(item[lower] ?? {})) {
      errors.invalidEach(`${at}.${lower}[${resource}]`, resource, qualifiedName(resource));
      for (const higher of ORDER.slice(index + 1)) {
        const bound = item[higher]?.[resource];
        if (bound === undefined || quantityValue(value) <= quantityValue(bound)) continue;
        const detail = `${WORDS[lower]} value ${value} is greater than ${WORDS[higher]} value ${bound}`;
        errors.invalid(`${at}.${lower}[${resource}]`, value, detail);
      }
    }
  });
}

export function validateResourceQuota({ spec }: ResourceQuota, errors: FieldErrors): void {
  for (const [resource, value] of Object.entries(spec?.hard ?? {})) {
    const at = `spec.hard[${resource}]`;
    errors.invalidEach(at, resource, qualifiedName(resource));
    errors.invalidEach(at, value, notNegative(quantityValue(value)));
  }
}

export function validateAutoscaler({ spec }: HorizontalPodAutoscaler, errors: FieldErrors): void {
  if (!spec?.scaleTargetRef) {
    errors.required('spec.scaleTargetRef.kind');
    errors.required('spec.scaleTargetRef.name');
  }
  const { minReplicas = 1, maxReplicas = 0 } = spec ?? {};
  if (minReplicas < 1) errors.invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1');
  if (maxReplicas < 1) errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0');
  if (maxReplicas < minReplicas) {
    errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
}

export function validateRuntimeClass({ handler }: RuntimeClass, errors: FieldErrors): void {
  if (handler) errors.invalidEach('handler', handler, dnsLabel(handler));
}

export function validateRuntimeClassUpdate(next: RuntimeClass, old: RuntimeClass, errors: FieldErrors): void {
  if (next.handler !== old.handler) errors.invalid('handler', next.handler, 'field is immutable');
}
