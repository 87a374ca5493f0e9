import type { CronJob, Job } from 'kubernetes-types/batch/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import { formatAge, formatDuration } from './age.ts';
import { type Column, count, formatSelector, NONE, templateColumns, text, wide } from './columns.ts';
import { age } from './workload-columns.ts';

export const JOB_COLUMNS: readonly Column<Job>[] = [
  text('Status', jobStatus),
  text('Completions', ({ spec, status }) => {
    const { completions, parallelism = 0 } = spec ?? {};
    const done = status?.succeeded ?? 0;
    if (completions !== undefined) return `${done}/${completions}`;
    return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
  }),
  text('Duration', ({ status }, now) => {
    const { startTime, completionTime } = status ?? {};
    if (!startTime) return '';
    return formatDuration((completionTime ? Date.parse(completionTime) : now) - Date.parse(startTime));
  }),
  age(),
  ...templateColumns<Job>(),
  wide('Selector', ({ spec }) => formatSelector(spec?.selector)),
];

/** The first condition in this order that is true, `Running` before any. */
function jobStatus({ metadata, status }: Job): string {
  const has = (wanted: string) =>
    status?.conditions?.some(({ type, status: state }) => type === wanted && state === 'True');
  const ended = ['Complete', 'Failed'].find(has);
  if (ended) return ended;
  if (metadata?.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

export const CRON_JOB_COLUMNS: readonly Column<CronJob>[] = [
  text('Schedule', ({ spec }) => spec?.schedule ?? ''),
  text('Timezone', ({ spec }) => spec?.timeZone ?? NONE),
  text('Suspend', ({ spec }) => (spec?.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False')),
  count('Active', ({ status }) => status?.active?.length),
  text('Last Schedule', ({ status }, now) =>
    status?.lastScheduleTime ? formatAge(status.lastScheduleTime, now) : NONE,
  ),
  age(),
  ...templateColumns<CronJob>(({ spec }) => spec?.jobTemplate.spec?.template.spec),
  wide('Selector', ({ spec }) => formatSelector(spec?.jobTemplate.spec?.selector)),
];

export const POD_DISRUPTION_BUDGET_COLUMNS: readonly Column<PodDisruptionBudget>[] = [
  text('Min Available', ({ spec }) => String(spec?.minAvailable ?? 'N/A')),
  text('Max Unavailable', ({ spec }) => String(spec?.maxUnavailable ?? 'N/A')),
  count('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed),
  age(),
];

export const PRIORITY_CLASS_COLUMNS: readonly Column<PriorityClass>[] = [
  count('Value', ({ value }) => value),
  text('Global-Default', ({ globalDefault }) => String(globalDefault ?? false)),
  age(),
  text('PreemptionPolicy', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
];
