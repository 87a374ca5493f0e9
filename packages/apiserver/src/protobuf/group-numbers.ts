import type { NumberTable } from './message.ts';

/** meta/v1. */
export const META_NUMBERS: NumberTable = {
  ObjectMeta: `name generateName namespace selfLink uid resourceVersion generation creationTimestamp
    deletionTimestamp deletionGracePeriodSeconds? labels annotations ownerReferences finalizers 17 managedFields`,
  OwnerReference: 'kind 3 name uid apiVersion controller? blockOwnerDeletion?',
  ManagedFieldsEntry: 'manager operation apiVersion time 6 fieldsType fieldsV1 subresource',
  LabelSelector: 'matchLabels matchExpressions',
  LabelSelectorRequirement: 'key operator values',
  FieldSelectorRequirement: 'key operator values',
  Condition: 'type status observedGeneration lastTransitionTime reason message',
  DeleteOptions: `gracePeriodSeconds? preconditions orphanDependents? propagationPolicy? dryRun
    ignoreStoreReadErrorWithClusterBreakingPotential?`,
  Preconditions: 'uid? resourceVersion?',
};

/** apps/v1. */
export const APPS_NUMBERS: NumberTable = {
  Deployment: 'metadata spec status',
  DeploymentSpec: `replicas? selector template strategy minReadySeconds revisionHistoryLimit? paused 9
    progressDeadlineSeconds?`,
  DeploymentStrategy: 'type rollingUpdate',
  RollingUpdateDeployment: 'maxUnavailable maxSurge',
  DeploymentStatus: `observedGeneration replicas updatedReplicas availableReplicas unavailableReplicas conditions
    readyReplicas collisionCount? terminatingReplicas?`,
  DeploymentCondition: 'type status 4 reason message lastUpdateTime lastTransitionTime',
  ReplicaSet: 'metadata spec status',
  ReplicaSetSpec: 'replicas? selector template minReadySeconds',
  ReplicaSetStatus: `replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions
    terminatingReplicas?`,
  ReplicaSetCondition: 'type status lastTransitionTime reason message',
  DaemonSet: 'metadata spec status',
  DaemonSetSpec: 'selector template updateStrategy minReadySeconds 6 revisionHistoryLimit?',
  DaemonSetUpdateStrategy: 'type rollingUpdate',
  RollingUpdateDaemonSet: 'maxUnavailable maxSurge',
  DaemonSetStatus: `currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration
    updatedNumberScheduled numberAvailable numberUnavailable collisionCount? conditions`,
  DaemonSetCondition: 'type status lastTransitionTime reason message',
  StatefulSet: 'metadata spec status',
  StatefulSetSpec: `replicas? selector template volumeClaimTemplates serviceName? podManagementPolicy updateStrategy
    revisionHistoryLimit? minReadySeconds persistentVolumeClaimRetentionPolicy ordinals`,
  StatefulSetUpdateStrategy: 'type rollingUpdate',
  RollingUpdateStatefulSetStrategy: 'partition? maxUnavailable',
  StatefulSetPersistentVolumeClaimRetentionPolicy: 'whenDeleted whenScaled',
  StatefulSetOrdinals: 'start?',
  StatefulSetStatus: `observedGeneration replicas readyReplicas currentReplicas updatedReplicas currentRevision
    updateRevision 9 collisionCount? conditions availableReplicas?`,
  StatefulSetCondition: 'type status lastTransitionTime reason message',
  ControllerRevision: 'metadata data revision',
};

/** events.k8s.io/v1. */
export const EVENTS_NUMBERS: NumberTable = {
  Event: `metadata eventTime series reportingController reportingInstance action reason regarding related note type
    deprecatedSource deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedCount`,
  EventSeries: 'count lastObservedTime',
};

/** coordination.k8s.io/v1. */
export const COORDINATION_NUMBERS: NumberTable = {
  Lease: 'metadata spec',
  LeaseSpec: 'holderIdentity? leaseDurationSeconds? acquireTime renewTime leaseTransitions? strategy? preferredHolder?',
};

/** discovery.k8s.io/v1. */
export const DISCOVERY_NUMBERS: NumberTable = {
  EndpointSlice: 'metadata endpoints ports addressType',
  Endpoint: 'addresses conditions hostname? targetRef deprecatedTopology nodeName? zone? hints',
  EndpointConditions: 'ready? serving? terminating?',
  EndpointHints: 'forZones forNodes',
  ForZone: 'name',
  ForNode: 'name',
  EndpointPort: 'name? protocol? port? appProtocol?',
};

/** networking.k8s.io/v1. */
export const NETWORKING_NUMBERS: NumberTable = {
  Ingress: 'metadata spec status',
  IngressSpec: 'defaultBackend tls rules ingressClassName?',
  IngressBackend: '3 resource service',
  IngressServiceBackend: 'name port',
  ServiceBackendPort: 'name number',
  IngressTLS: 'hosts secretName',
  IngressRule: 'host >IngressRuleValue',
  IngressRuleValue: 'http',
  HTTPIngressRuleValue: 'paths',
  HTTPIngressPath: 'path backend pathType',
  IngressStatus: 'loadBalancer',
  IngressLoadBalancerStatus: 'ingress',
  IngressLoadBalancerIngress: 'ip hostname 4 ports',
  IngressPortStatus: 'port protocol error?',
  IngressClass: 'metadata spec',
  IngressClassSpec: 'controller parameters',
  IngressClassParametersReference: 'apiGroup? kind name scope? namespace?',
  NetworkPolicy: 'metadata spec',
  NetworkPolicySpec: 'podSelector ingress egress policyTypes',
  NetworkPolicyIngressRule: 'ports from',
  NetworkPolicyPort: 'protocol? port endPort?',
  NetworkPolicyPeer: 'podSelector namespaceSelector ipBlock',
  IPBlock: 'cidr except',
  NetworkPolicyEgressRule: 'ports to',
  ServiceCIDR: 'metadata spec status',
  ServiceCIDRSpec: 'cidrs',
  ServiceCIDRStatus: 'conditions',
  IPAddress: 'metadata spec',
  IPAddressSpec: 'parentRef',
  ParentReference: 'group resource namespace name',
};

/** policy/v1. */
export const POLICY_NUMBERS: NumberTable = {
  PodDisruptionBudget: 'metadata spec status',
  PodDisruptionBudgetSpec: 'minAvailable selector maxUnavailable unhealthyPodEvictionPolicy?',
  PodDisruptionBudgetStatus: `observedGeneration disruptedPods disruptionsAllowed? currentHealthy? desiredHealthy?
    expectedPods? conditions`,
  Eviction: 'metadata deleteOptions',
};

/** rbac.authorization.k8s.io/v1. */
export const RBAC_NUMBERS: NumberTable = {
  Role: 'metadata rules',
  PolicyRule: 'verbs apiGroups resources resourceNames nonResourceURLs',
  ClusterRole: 'metadata rules aggregationRule',
  AggregationRule: 'clusterRoleSelectors',
  RoleBinding: 'metadata subjects roleRef',
  ClusterRoleBinding: 'metadata subjects roleRef',
  Subject: 'kind apiGroup name namespace',
  RoleRef: 'apiGroup kind name',
};

/** scheduling.k8s.io/v1. */
export const SCHEDULING_NUMBERS: NumberTable = {
  PriorityClass: 'metadata value? globalDefault description preemptionPolicy?',
};
