import type { Job, JobSpec } from 'kubernetes-types/batch/v1.js';
import { JOB_SELECTOR_LABEL, jobLabels } from './batch-validation.ts';
import { defaultPodSpec } from './pod-defaults.ts';

/** With the fields that are newer than the types. */
export type JobV1 = Omit<Job, 'spec'> & {
  spec?: JobSpec & { podReplacementPolicy?: string; backoffLimitPerIndex?: number };
};

const MAX_INT32 = 2 ** 31 - 1;

export function defaultJob({ metadata, spec }: JobV1): void {
  if (!spec) return;
  defaultPodSpec(spec.template?.spec);
  // Neither: one pod. Parallelism alone: a queue that ends when one pod does.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : MAX_INT32;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  // With those of the selector: Jobs are found by the labels of their pods.
  const labels = spec.template?.metadata?.labels;
  if (metadata && labels && !metadata.labels) metadata.labels = { ...labels };
}

/** A new Job selects its pods by its own uid unless it says that it does so by hand. */
export function generateJobSelector({ metadata, spec }: JobV1): void {
  if (!spec?.template || spec.manualSelector) return;
  const { name = '', uid = '' } = metadata ?? {};
  const { template } = spec;
  template.metadata = { ...template.metadata, labels: { ...jobLabels(name, uid), ...template.metadata?.labels } };
  spec.selector = {
    ...spec.selector,
    matchLabels: { [JOB_SELECTOR_LABEL]: uid, ...spec.selector?.matchLabels },
  };
}
