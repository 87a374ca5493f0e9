import { isDeepStrictEqual } from 'node:util';
import type { ControllerRevision } from 'kubernetes-types/apps/v1.js';
import type { ReplicationController } from 'kubernetes-types/core/v1.js';
import { validatePodTemplate } from './apps-validation.ts';
import type { FieldErrors } from './field-errors.ts';
import { validateLabels } from './metadata-validation.ts';
import { notNegative } from './names.ts';

export function validateReplicationController({ spec }: ReplicationController, errors: FieldErrors): void {
  const { selector = {}, template, replicas = 1, minReadySeconds = 0 } = spec ?? {};
  errors.invalidEach('spec.minReadySeconds', minReadySeconds, notNegative(minReadySeconds));
  errors.invalidEach('spec.replicas', replicas, notNegative(replicas));
  if (Object.keys(selector).length === 0) errors.required('spec.selector');
  validateLabels(selector, 'spec.selector', errors);
  if (!template) {
    errors.required('spec.template');
    return;
  }
  const labels = template.metadata?.labels ?? {};
  if (Object.entries(selector).some(([key, value]) => labels[key] !== value)) {
    errors.invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`');
  }
  validatePodTemplate(template, 'spec.template', errors);
  const restartPolicy = template.spec?.restartPolicy;
  if (restartPolicy && restartPolicy !== 'Always') {
    errors.unsupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']);
  }
}

export function validateControllerRevision({ data, revision }: ControllerRevision, errors: FieldErrors): void {
  if (data === undefined) errors.required('data', 'data is mandatory');
  errors.invalidEach('revision', revision ?? 0, notNegative(revision ?? 0));
}

export function validateControllerRevisionUpdate(
  next: ControllerRevision,
  old: ControllerRevision,
  errors: FieldErrors,
): void {
  if (!isDeepStrictEqual(JSON.stringify(next.data), JSON.stringify(old.data))) {
    errors.invalid('data', next.data, 'field is immutable');
  }
}
