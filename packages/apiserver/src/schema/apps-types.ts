import type { TypeTable } from './notation.ts';

const CONDITION = 'lastTransitionTime:time message reason status+ type+';
const ROLLING = 'maxSurge:intOrString maxUnavailable:intOrString';

/** apps/v1. */
export const APPS_TYPES: TypeTable = {
  Deployment: 'TypeMeta spec:DeploymentSpec status:DeploymentStatus',
  DeploymentSpec: `minReadySeconds:int32 paused:bool progressDeadlineSeconds:int32=600 replicas:int32=1
    revisionHistoryLimit:int32=10 selector*:LabelSelector strategy:DeploymentStrategy@retainKeys={}
    template+:PodTemplateSpec`,
  DeploymentStrategy: 'rollingUpdate:RollingUpdateDeployment type(Recreate|RollingUpdate)=RollingUpdate',
  RollingUpdateDeployment: ROLLING,
  DeploymentStatus: `availableReplicas:int32 collisionCount:int32 conditions:DeploymentCondition[]@type
    observedGeneration:int64 readyReplicas:int32 replicas:int32 terminatingReplicas:int32 unavailableReplicas:int32
    updatedReplicas:int32`,
  DeploymentCondition: `lastUpdateTime:time ${CONDITION}`,

  ReplicaSet: 'TypeMeta spec:ReplicaSetSpec status:ReplicaSetStatus',
  ReplicaSetSpec: 'minReadySeconds:int32 replicas:int32=1 selector*:LabelSelector template:PodTemplateSpec',
  ReplicaSetStatus: `availableReplicas:int32 conditions:ReplicaSetCondition[]@type fullyLabeledReplicas:int32
    observedGeneration:int64 readyReplicas:int32 replicas+:int32 terminatingReplicas:int32`,
  ReplicaSetCondition: CONDITION,

  DaemonSet: 'TypeMeta spec:DaemonSetSpec status:DaemonSetStatus',
  DaemonSetSpec: `minReadySeconds:int32 revisionHistoryLimit:int32=10 selector*:LabelSelector template+:PodTemplateSpec
    updateStrategy:DaemonSetUpdateStrategy={}`,
  DaemonSetUpdateStrategy: 'rollingUpdate:RollingUpdateDaemonSet type(OnDelete|RollingUpdate)=RollingUpdate',
  RollingUpdateDaemonSet: ROLLING,
  DaemonSetStatus: `collisionCount:int32 conditions:DaemonSetCondition[]@type currentNumberScheduled+:int32
    desiredNumberScheduled+:int32 numberAvailable:int32 numberMisscheduled+:int32 numberReady+:int32
    numberUnavailable:int32 observedGeneration:int64 updatedNumberScheduled:int32`,
  DaemonSetCondition: CONDITION,

  StatefulSet: 'TypeMeta spec:StatefulSetSpec status:StatefulSetStatus',
  StatefulSetSpec: `minReadySeconds:int32 ordinals:StatefulSetOrdinals
    persistentVolumeClaimRetentionPolicy:StatefulSetPersistentVolumeClaimRetentionPolicy={}
    podManagementPolicy(OrderedReady|Parallel)=OrderedReady replicas:int32=1 revisionHistoryLimit:int32=10
    selector*:LabelSelector serviceName template+:PodTemplateSpec updateStrategy:StatefulSetUpdateStrategy={}
    volumeClaimTemplates:PersistentVolumeClaim[]`,
  StatefulSetOrdinals: 'start:int32',
  StatefulSetPersistentVolumeClaimRetentionPolicy: 'whenDeleted(Delete|Retain)=Retain whenScaled(Delete|Retain)=Retain',
  StatefulSetUpdateStrategy:
    'rollingUpdate:RollingUpdateStatefulSetStrategy type(OnDelete|RollingUpdate)=RollingUpdate',
  RollingUpdateStatefulSetStrategy: 'maxUnavailable:intOrString partition:int32=0',
  StatefulSetStatus: `availableReplicas:int32 collisionCount:int32 conditions:StatefulSetCondition[]@type
    currentReplicas:int32 currentRevision observedGeneration:int64 readyReplicas:int32 replicas+:int32 updateRevision
    updatedReplicas:int32`,
  StatefulSetCondition: CONDITION,

  ControllerRevision: 'TypeMeta data:object revision+:int64',
};
