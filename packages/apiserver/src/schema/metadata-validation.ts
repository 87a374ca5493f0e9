import type { KindId } from '@podwire/kube';
import type { LabelSelector, ObjectMeta } from 'kubernetes-types/meta/v1.js';
import { canonicalIp } from './addresses.ts';
import type { FieldErrors } from './field-errors.ts';
import { dnsLabel, dnsLabel1035, dnsSubdomain, labelValue, pathSegment, qualifiedName } from './names.ts';

const ANNOTATIONS_LIMIT = 256 * 1024;

/** Kinds whose name is more than a DNS subdomain; Event and Lease as the rest. */
const NAME_FORMATS: Partial<Record<KindId, (name: string) => readonly string[]>> = {
  Service: dnsLabel1035,
  Namespace: dnsLabel,
  IPAddress: canonicalIp,
  Role: pathSegment,
  ClusterRole: pathSegment,
  RoleBinding: pathSegment,
  ClusterRoleBinding: pathSegment,
};

export function validateMetadata(kind: KindId, metadata: ObjectMeta, errors: FieldErrors): void {
  const format = NAME_FORMATS[kind] ?? dnsSubdomain;
  if (!metadata.name) errors.required('metadata.name', 'name or generateName is required');
  else errors.invalidEach('metadata.name', metadata.name, format(metadata.name));
  if (metadata.namespace) errors.invalidEach('metadata.namespace', metadata.namespace, dnsLabel(metadata.namespace));
  validateLabels(metadata.labels, 'metadata.labels', errors);
  validateAnnotations(metadata.annotations, 'metadata.annotations', errors);
  for (const finalizer of metadata.finalizers ?? []) {
    errors.invalidEach('metadata.finalizers', finalizer, qualifiedName(finalizer));
  }
  validateOwners(metadata, errors);
}

function validateOwners({ ownerReferences = [] }: ObjectMeta, errors: FieldErrors): void {
  ownerReferences.forEach((owner, index) => {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      const at = `metadata.ownerReferences[${index}].${field}`;
      if (!owner[field])
        errors.invalid(at, '', field === 'apiVersion' ? 'version must not be empty' : 'must not be empty');
    }
  });
  const controllers = ownerReferences.filter((owner) => owner.controller);
  if (controllers.length > 1) {
    errors.invalid('metadata.ownerReferences', ownerReferences, 'Only one reference can have Controller set to true');
  }
}

export function validateLabels(labels: Readonly<Record<string, string>> = {}, at: string, errors: FieldErrors): void {
  for (const [key, value] of Object.entries(labels)) {
    errors.invalidEach(at, key, qualifiedName(key));
    errors.invalidEach(at, value, labelValue(value));
  }
}

export function validateAnnotations(all: Readonly<Record<string, string>> = {}, at: string, errors: FieldErrors): void {
  let size = 0;
  for (const [key, value] of Object.entries(all)) {
    errors.invalidEach(at, key, qualifiedName(key.toLowerCase()));
    size += key.length + value.length;
  }
  if (size > ANNOTATIONS_LIMIT) errors.tooLong(at, ANNOTATIONS_LIMIT);
}

export function validateLabelSelector(selector: LabelSelector | undefined, at: string, errors: FieldErrors): void {
  if (!selector) return;
  validateLabels(selector.matchLabels, `${at}.matchLabels`, errors);
  selector.matchExpressions?.forEach(({ key, operator, values = [] }, index) => {
    const path = `${at}.matchExpressions[${index}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        errors.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      if (values.length > 0) errors.forbidden(`${path}.values`, detail);
    } else {
      errors.invalid(`${path}.operator`, operator ?? '', 'not a valid selector operator');
    }
    errors.invalidEach(`${path}.key`, key, qualifiedName(key ?? ''));
    values.forEach((value, valueIndex) => {
      errors.invalidEach(`${path}.values[${valueIndex}]`, value, labelValue(value));
    });
  });
}
