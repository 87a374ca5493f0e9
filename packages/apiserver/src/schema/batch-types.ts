import type { TypeTable } from './notation.ts';

/** batch/v1. Most defaults of a JobSpec are those of a Job only: a CronJob's template keeps them open. */
export const BATCH_TYPES: TypeTable = {
  Job: 'TypeMeta spec:JobSpec status:JobStatus',
  JobSpec: `activeDeadlineSeconds:int64 backoffLimit:int32 backoffLimitPerIndex:int32
    completionMode(Indexed|NonIndexed) completions:int32 managedBy manualSelector:bool maxFailedIndexes:int32
    parallelism:int32 podFailurePolicy:PodFailurePolicy podReplacementPolicy(Failed|TerminatingOrFailed)
    selector:LabelSelector successPolicy:SuccessPolicy suspend:bool template+:PodTemplateSpec
    ttlSecondsAfterFinished:int32`,
  PodFailurePolicy: 'rules+:PodFailurePolicyRule[]',
  PodFailurePolicyRule: `action*(Count|FailIndex|FailJob|Ignore) onExitCodes:PodFailurePolicyOnExitCodesRequirement
    onPodConditions:PodFailurePolicyOnPodConditionsPattern[]`,
  PodFailurePolicyOnExitCodesRequirement: 'containerName operator*(In|NotIn) values*:int32[]@set',
  PodFailurePolicyOnPodConditionsPattern: 'status(False|True|Unknown)=True type*',
  SuccessPolicy: 'rules*:SuccessPolicyRule[]',
  SuccessPolicyRule: 'succeededCount:int32 succeededIndexes',
  JobStatus: `active:int32 completedIndexes completionTime:time conditions:JobCondition[]@type+atomic failed:int32
    failedIndexes ready:int32 startTime:time succeeded:int32 terminating:int32
    uncountedTerminatedPods:UncountedTerminatedPods`,
  JobCondition: 'lastProbeTime:time lastTransitionTime:time message reason status+ type+',
  UncountedTerminatedPods: 'failed:string[]@set succeeded:string[]@set',

  CronJob: 'TypeMeta spec+:CronJobSpec status:CronJobStatus',
  CronJobSpec: `concurrencyPolicy(Allow|Forbid|Replace)=Allow failedJobsHistoryLimit:int32=1
    jobTemplate+:JobTemplateSpec schedule* startingDeadlineSeconds:int64 successfulJobsHistoryLimit:int32=3
    suspend:bool=false timeZone`,
  JobTemplateSpec: 'metadata:ObjectMeta spec:JobSpec',
  CronJobStatus: 'active:ObjectReference[] lastScheduleTime:time lastSuccessfulTime:time',
};
