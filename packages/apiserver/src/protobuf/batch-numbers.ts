import type { NumberTable } from './message.ts';

/** batch/v1. */
export const BATCH_NUMBERS: NumberTable = {
  Job: 'metadata spec status',
  JobSpec: `parallelism? completions? activeDeadlineSeconds? selector manualSelector? template backoffLimit?
    ttlSecondsAfterFinished? completionMode? suspend? podFailurePolicy backoffLimitPerIndex? maxFailedIndexes?
    podReplacementPolicy? managedBy? successPolicy`,
  PodFailurePolicy: 'rules',
  PodFailurePolicyRule: 'action onExitCodes onPodConditions',
  PodFailurePolicyOnExitCodesRequirement: 'containerName? operator values',
  PodFailurePolicyOnPodConditionsPattern: 'type status',
  SuccessPolicy: 'rules',
  SuccessPolicyRule: 'succeededIndexes? succeededCount?',
  JobStatus: `conditions startTime completionTime active succeeded failed completedIndexes uncountedTerminatedPods
    ready? failedIndexes? terminating?`,
  JobCondition: 'type status lastProbeTime lastTransitionTime reason message',
  UncountedTerminatedPods: 'succeeded failed',
  CronJob: 'metadata spec status',
  CronJobSpec: `schedule startingDeadlineSeconds? concurrencyPolicy suspend? jobTemplate successfulJobsHistoryLimit?
    failedJobsHistoryLimit? timeZone?`,
  JobTemplateSpec: 'metadata spec',
  CronJobStatus: 'active 4 lastScheduleTime lastSuccessfulTime',
};
