import type { TypeTable } from './notation.ts';

/** Types of meta/v1: what all objects share. */
export const META_TYPES: TypeTable = {
  ObjectMeta: `annotations:string{} creationTimestamp:time deletionGracePeriodSeconds:int64 deletionTimestamp:time
    finalizers:string[]@set+merge generateName generation:int64 labels:string{} managedFields:ManagedFieldsEntry[] name namespace
    ownerReferences:OwnerReference[]@uid resourceVersion selfLink uid`,
  ManagedFieldsEntry: 'apiVersion fieldsType fieldsV1:object manager operation subresource time:time',
  OwnerReference: 'apiVersion+ blockOwnerDeletion:bool controller:bool kind+ name+ uid+',
  LabelSelector: 'matchExpressions:LabelSelectorRequirement[] matchLabels:string{}',
  LabelSelectorRequirement: 'key+ operator+ values:string[]',
  FieldSelectorRequirement: 'key+ operator+ values:string[]',
  Condition: 'lastTransitionTime+:time message+ observedGeneration:int64 reason+ status+ type+',
  DeleteOptions: `apiVersion dryRun:string[] gracePeriodSeconds:int64
    ignoreStoreReadErrorWithClusterBreakingPotential:bool kind orphanDependents:bool preconditions:Preconditions
    propagationPolicy`,
  Preconditions: 'resourceVersion uid',
};
