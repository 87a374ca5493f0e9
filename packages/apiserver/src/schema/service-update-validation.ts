import type { Service, ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { FieldErrors } from './field-errors.ts';
import { isHeadless } from './service-address-validation.ts';
import { needsHealthCheck } from './service-validation.ts';

const FIXED = 'may not change once set';

/**
 * What a Service keeps for life: its first address and family, while it has one of each; the second may come and go
 * with ipFamilyPolicy. A load balancer's class and the port of its health checks stay as long as they are needed.
 */
export function validateServiceUpdate({ spec: next }: Service, { spec: old }: Service, errors: FieldErrors): void {
  if (!next || !old) return;
  if (next.type !== 'ExternalName' && old.type !== 'ExternalName') {
    validateAddressChange(next, old, errors);
    // Families that do not fit the addresses are said to be so; that they changed is the same fault.
    if (!errors.causes.some(({ field }) => field?.startsWith('spec.clusterIPs')))
      validateFamilyChange(next, old, errors);
  }
  const isBalanced = next.type === 'LoadBalancer' && old.type === 'LoadBalancer';
  if (isBalanced && next.loadBalancerClass !== old.loadBalancerClass) {
    errors.invalid('spec.loadBalancerClass', next.loadBalancerClass ?? null, FIXED);
  }
  const isChecked = needsHealthCheck(next) && needsHealthCheck(old);
  if (isChecked && old.healthCheckNodePort && next.healthCheckNodePort !== old.healthCheckNodePort) {
    errors.forbidden('spec.healthCheckNodePort', 'field is immutable');
  }
}

function validateAddressChange(next: ServiceSpec, old: ServiceSpec, errors: FieldErrors): void {
  const before = addressesOf(old);
  const after = addressesOf(next);
  if (isHeadless(next) && isHeadless(old)) return;
  if (before.length > 0 && after.length === 0) {
    errors.invalid('spec.clusterIPs[0]', null, 'primary clusterIP can not be unset');
    return;
  }
  const compared = before.length === after.length ? before : before.slice(0, 1);
  compared.forEach((address, index) => {
    if (after[index] !== address) errors.invalid(`spec.clusterIPs[${index}]`, after, FIXED);
  });
}

function addressesOf({ clusterIP, clusterIPs }: ServiceSpec): readonly string[] {
  return clusterIPs?.length ? clusterIPs : clusterIP ? [clusterIP] : [];
}

function validateFamilyChange(next: ServiceSpec, old: ServiceSpec, errors: FieldErrors): void {
  if (isHeadless(next) || isHeadless(old)) return;
  const before = old.ipFamilies ?? [];
  const after = next.ipFamilies ?? [];
  // Absent: the allocation fills in what it was.
  if (after.length === 0) return;
  const compared = before.length === after.length ? before : before.slice(0, 1);
  const changed = compared.some((family, index) => after[index] !== family);
  if (changed) errors.invalid('spec.ipFamilies[0]', after, FIXED);
}
