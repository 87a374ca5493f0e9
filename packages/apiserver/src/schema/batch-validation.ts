import { isDeepStrictEqual } from 'node:util';
import { selectorMatches } from '@podwire/base';
import type { CronJob, Job, JobSpec } from 'kubernetes-types/batch/v1.js';
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import { validatePodTemplate } from './apps-validation.ts';
import { cronProblem } from './cron-schedule.ts';
import type { FieldErrors } from './field-errors.ts';
import { validateLabelSelector } from './metadata-validation.ts';
import { notNegative } from './names.ts';

/** Labels by which a Job knows its pods, old and new, with the value they must have. */
export function jobLabels(name: string, uid: string): Readonly<Record<string, string>> {
  return {
    'controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
  };
}

export const JOB_SELECTOR_LABEL = 'batch.kubernetes.io/controller-uid';

const COUNTS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;
const MAX_INDEXED_PARALLELISM = 100_000;

export function validateJob({ metadata, spec }: Job, errors: FieldErrors): void {
  if (!spec) {
    errors.required('spec.template');
    return;
  }
  validateJobSpec(spec, 'spec', errors);
  const { selector, template, manualSelector } = spec;
  if (!selector) {
    errors.required('spec.selector');
    return;
  }
  validateLabelSelector(selector, 'spec.selector', errors);
  const labels = template?.metadata?.labels ?? {};
  if (!selectorMatches(selector as Parameters<typeof selectorMatches>[0], labels)) {
    errors.invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`');
  }
  if (manualSelector) return;
  const { name = '', uid = '' } = metadata ?? {};
  for (const [key, value] of Object.entries(jobLabels(name, uid))) {
    if (labels[key] === undefined) errors.required('spec.template.metadata.labels', `must be '${value}'`);
    else if (labels[key] !== value) errors.invalid('spec.template.metadata.labels', labels, `must be '${value}'`);
  }
  const generated = isDeepStrictEqual({ ...selector }, { matchLabels: { [JOB_SELECTOR_LABEL]: uid } });
  const legacy = isDeepStrictEqual({ ...selector }, { matchLabels: { 'controller-uid': uid } });
  if (!generated && !legacy) errors.invalid('spec.selector', selector, '`selector` not auto-generated');
}

/** What the Job of a user and that of a CronJob have in common. */
function validateJobSpec(spec: JobSpec, at: string, errors: FieldErrors): void {
  const fields = new Map<string, unknown>(Object.entries(spec));
  for (const field of COUNTS) {
    const value = fields.get(field);
    if (typeof value === 'number') errors.invalidEach(`${at}.${field}`, value, notNegative(value));
  }
  if (spec.completionMode === 'Indexed') {
    if (spec.completions === undefined) errors.required(`${at}.completions`, 'when completion mode is Indexed');
    if ((spec.parallelism ?? 0) > MAX_INDEXED_PARALLELISM) {
      const detail = `must be less than or equal to ${MAX_INDEXED_PARALLELISM} when completion mode is Indexed`;
      errors.invalid(`${at}.parallelism`, spec.parallelism, detail);
    }
  } else if (fields.has('backoffLimitPerIndex')) {
    errors.invalid(
      `${at}.backoffLimitPerIndex`,
      fields.get('backoffLimitPerIndex'),
      'requires indexed completion mode',
    );
  }
  validatePodTemplate(spec.template, `${at}.template`, errors);
  const restartPolicy = spec.template?.spec?.restartPolicy;
  const path = `${at}.template.spec.restartPolicy`;
  if (!restartPolicy || restartPolicy === 'Always') errors.required(path, 'valid values: "OnFailure", "Never"');
  else if (!['Never', 'OnFailure'].includes(restartPolicy)) {
    errors.unsupported(path, restartPolicy, ['Never', 'OnFailure']);
  }
  if (spec.podFailurePolicy && restartPolicy === 'OnFailure') {
    errors.invalid(path, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

const FIXED = ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'];

export function validateJobUpdate(next: Job, old: Job, errors: FieldErrors): void {
  const [now, before] = [next.spec, old.spec];
  if (!now || !before) return;
  const [fields, oldFields] = [new Map(Object.entries(now)), new Map(Object.entries(before))];
  for (const field of FIXED) {
    if (isDeepStrictEqual(plain(fields.get(field)), plain(oldFields.get(field)))) continue;
    errors.invalid(`spec.${field}`, fields.get(field) ?? null, IMMUTABLE);
  }
  validateCompletionsUpdate(now, before, errors);
  // A Job that waits may still be told where its pods go.
  const mayMove = before.suspend === true && !old.status?.startTime;
  const part = mayMove ? placeless : plain;
  if (!isDeepStrictEqual(part(now.template), part(before.template))) {
    errors.invalid('spec.template', now.template, IMMUTABLE);
  }
}

const IMMUTABLE = 'field is immutable';

/** An indexed Job may grow and shrink, when parallelism goes along. */
function validateCompletionsUpdate(next: JobSpec, old: JobSpec, errors: FieldErrors): void {
  if (next.completions === old.completions) return;
  if (next.completionMode !== 'Indexed' || next.completions === undefined || old.completions === undefined) {
    errors.invalid('spec.completions', next.completions ?? null, IMMUTABLE);
  } else if (next.completions !== next.parallelism) {
    errors.invalid('spec.completions', next.completions, 'can only be modified in tandem with spec.parallelism');
  }
}

/** A template without what places its pods. */
function placeless(template: PodTemplateSpec): unknown {
  const { nodeSelector: _, tolerations: __, affinity, ...spec } = template.spec ?? { containers: [] };
  const { nodeAffinity: ___, ...others } = affinity ?? {};
  const { schedulingGates: ____, ...rest } = spec as typeof spec & { schedulingGates?: unknown };
  return plain({ spec: { ...rest, affinity: Object.keys(others).length > 0 ? others : undefined } });
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Eleven characters are left for the time a CronJob appends to the names of its Jobs. */
const MAX_CRON_JOB_NAME = 52;

export function validateCronJob({ metadata, spec }: CronJob, errors: FieldErrors): void {
  const name = metadata?.name ?? '';
  if (name.length > MAX_CRON_JOB_NAME) {
    errors.invalid('metadata.name', name, `must be no more than ${MAX_CRON_JOB_NAME} characters`);
  }
  if (!spec) {
    errors.required('spec.schedule');
    return;
  }
  validateSchedule(spec.schedule ?? '', (spec as { timeZone?: string }).timeZone, errors);
  for (const field of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const) {
    const value = spec[field];
    if (value !== undefined) errors.invalidEach(`spec.${field}`, value, notNegative(value));
  }
  const at = 'spec.jobTemplate.spec';
  const job = spec.jobTemplate?.spec;
  if (!job) {
    errors.required(`${at}.template`);
    return;
  }
  validateJobSpec(job, at, errors);
  if (job.manualSelector) errors.unsupported(`${at}.manualSelector`, true, ['nil', 'false']);
  if (job.selector) errors.invalid(`${at}.selector`, job.selector, '`selector` will be auto-generated');
}

function validateSchedule(schedule: string, timeZone: string | undefined, errors: FieldErrors): void {
  const problem = schedule === '' ? undefined : cronProblem(schedule.replace(/^(CRON_)?TZ=\S+\s+/, ''));
  if (problem) errors.invalid('spec.schedule', schedule, problem);
  if (schedule.includes('TZ')) {
    const detail = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    errors.invalid('spec.schedule', schedule, detail);
  }
  if (timeZone === undefined) return;
  if (timeZone === '') errors.invalid('spec.timeZone', timeZone, 'timeZone must be nil or non-empty string');
  else if (timeZone.toLowerCase() === 'local') {
    errors.invalid(
      'spec.timeZone',
      timeZone,
      'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    );
  } else if (!isTimeZone(timeZone)) errors.invalid('spec.timeZone', timeZone, `unknown time zone ${timeZone}`);
}

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}
