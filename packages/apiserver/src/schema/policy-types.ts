import type { TypeTable } from './notation.ts';

/** policy/v1. Eviction is the body of `pods/eviction`. */
export const POLICY_TYPES: TypeTable = {
  PodDisruptionBudget: 'TypeMeta spec:PodDisruptionBudgetSpec status:PodDisruptionBudgetStatus',
  PodDisruptionBudgetSpec: `maxUnavailable:intOrString minAvailable:intOrString selector:LabelSelector@replace
    unhealthyPodEvictionPolicy(AlwaysAllow|IfHealthyBudget)`,
  PodDisruptionBudgetStatus: `conditions:Condition[]@type currentHealthy:int32 desiredHealthy:int32
    disruptedPods:time{} disruptionsAllowed:int32 expectedPods:int32 observedGeneration:int64`,
  Eviction: 'TypeMeta deleteOptions:DeleteOptions',
};

/** scheduling.k8s.io/v1. */
export const SCHEDULING_TYPES: TypeTable = {
  PriorityClass: `TypeMeta description globalDefault:bool
    preemptionPolicy(Never|PreemptLowerPriority)=PreemptLowerPriority value:int32`,
};
