import type { TypeTable } from './notation.ts';

/** core/v1 without Pod. */
export const CORE_TYPES: TypeTable = {
  Service: 'TypeMeta spec:ServiceSpec status:ServiceStatus',
  ServiceSpec: `allocateLoadBalancerNodePorts:bool clusterIP clusterIPs:string[] externalIPs:string[] externalName
    externalTrafficPolicy(Cluster|Local) healthCheckNodePort:int32 internalTrafficPolicy(Cluster|Local)
    ipFamilies:string[] ipFamilyPolicy(SingleStack|PreferDualStack|RequireDualStack) loadBalancerClass loadBalancerIP
    loadBalancerSourceRanges:string[] ports:ServicePort[]@port,protocol publishNotReadyAddresses:bool
    selector:string{}@atomic sessionAffinity(ClientIP|None)=None sessionAffinityConfig:SessionAffinityConfig
    trafficDistribution type(ClusterIP|ExternalName|LoadBalancer|NodePort)=ClusterIP`,
  ServicePort: 'appProtocol name nodePort:int32 port+:int32 protocol(SCTP|TCP|UDP)=TCP targetPort:intOrString',
  SessionAffinityConfig: 'clientIP:ClientIPConfig',
  ClientIPConfig: 'timeoutSeconds:int32',
  ServiceStatus: 'conditions:Condition[]@type loadBalancer:LoadBalancerStatus',
  LoadBalancerStatus: 'ingress:LoadBalancerIngress[]',
  LoadBalancerIngress: 'hostname ip ipMode ports:PortStatus[]',
  PortStatus: 'error port+:int32 protocol+',

  Endpoints: 'TypeMeta subsets:EndpointSubset[]',
  EndpointSubset: 'addresses:EndpointAddress[] notReadyAddresses:EndpointAddress[] ports:EndpointPort[]',
  EndpointAddress: 'hostname ip* nodeName targetRef:ObjectReference',
  EndpointPort: 'appProtocol name port+:int32 protocol(SCTP|TCP|UDP)=TCP',
  ObjectReference: 'apiVersion fieldPath kind name namespace resourceVersion uid',

  Node: 'TypeMeta spec:NodeSpec status:NodeStatus',
  NodeSpec: `configSource:NodeConfigSource externalID podCIDR podCIDRs:string[]@set+merge providerID taints:Taint[]
    unschedulable:bool`,
  NodeConfigSource: 'configMap:ConfigMapNodeConfigSource',
  ConfigMapNodeConfigSource: 'kubeletConfigKey+ name+ namespace+ resourceVersion uid',
  Taint: 'effect*(NoSchedule|PreferNoSchedule|NoExecute) key* timeAdded:time value',
  NodeStatus: `addresses:NodeAddress[]@type allocatable:quantity{} capacity:quantity{} conditions:NodeCondition[]@type
    config:NodeConfigStatus daemonEndpoints:NodeDaemonEndpoints declaredFeatures:string[] features:NodeFeatures
    images:ContainerImage[] nodeInfo:NodeSystemInfo phase runtimeHandlers:NodeRuntimeHandler[]
    volumesAttached:AttachedVolume[] volumesInUse:string[]`,
  NodeAddress: 'address+ type+',
  NodeCondition: 'lastHeartbeatTime:time lastTransitionTime:time message reason status+ type+',
  NodeConfigStatus: 'active:NodeConfigSource assigned:NodeConfigSource error lastKnownGood:NodeConfigSource',
  NodeDaemonEndpoints: 'kubeletEndpoint:DaemonEndpoint',
  DaemonEndpoint: 'Port+:int32',
  NodeFeatures: 'supplementalGroupsPolicy:bool',
  ContainerImage: 'names:string[] sizeBytes:int64',
  NodeSystemInfo: `architecture+ bootID+ containerRuntimeVersion+ kernelVersion+ kubeProxyVersion+ kubeletVersion+
    machineID+ operatingSystem+ osImage+ swap:NodeSwapStatus systemUUID+`,
  NodeSwapStatus: 'capacity:int64',
  NodeRuntimeHandler: 'features:NodeRuntimeHandlerFeatures name',
  NodeRuntimeHandlerFeatures: 'recursiveReadOnlyMounts:bool userNamespaces:bool',
  AttachedVolume: 'devicePath+ name+',

  Namespace: 'TypeMeta spec:NamespaceSpec status:NamespaceStatus',
  NamespaceSpec: 'finalizers:string[]',
  NamespaceStatus: 'conditions:NamespaceCondition[]@type phase',
  NamespaceCondition: 'lastTransitionTime:time message reason status+ type+',

  ConfigMap: 'TypeMeta binaryData:bytes{} data:string{} immutable:bool',
  Secret: 'TypeMeta data:bytes{} immutable:bool stringData:string{} type=Opaque',
  ServiceAccount: `TypeMeta automountServiceAccountToken:bool imagePullSecrets:LocalObjectReference[]
    secrets:ObjectReference[]@name`,
  Event: `TypeMeta action count:int32 eventTime:microtime firstTimestamp:time involvedObject+:ObjectReference
    lastTimestamp:time message reason related:ObjectReference reportingComponent reportingInstance series:EventSeries
    source:EventSource type`,
  EventSeries: 'count:int32 lastObservedTime:microtime',
  EventSource: 'component host',
  Binding: 'TypeMeta target+:ObjectReference',

  ReplicationController: 'TypeMeta spec:ReplicationControllerSpec status:ReplicationControllerStatus',
  ReplicationControllerSpec: 'minReadySeconds:int32 replicas:int32=1 selector:string{}@atomic template:PodTemplateSpec',
  ReplicationControllerStatus: `availableReplicas:int32 conditions:ReplicationControllerCondition[]@type
    fullyLabeledReplicas:int32 observedGeneration:int64 readyReplicas:int32 replicas+:int32`,
  ReplicationControllerCondition: 'lastTransitionTime:time message reason status+ type+',
  PodTemplate: 'TypeMeta template:PodTemplateSpec',

  LimitRange: 'TypeMeta spec:LimitRangeSpec',
  LimitRangeSpec: 'limits+:LimitRangeItem[]',
  LimitRangeItem: `default:quantity{} defaultRequest:quantity{} max:quantity{} maxLimitRequestRatio:quantity{}
    min:quantity{} type*`,
  ResourceQuota: 'TypeMeta spec:ResourceQuotaSpec status:ResourceQuotaStatus',
  ResourceQuotaSpec: 'hard:quantity{} scopeSelector:ScopeSelector scopes:string[]',
  ScopeSelector: 'matchExpressions:ScopedResourceSelectorRequirement[]',
  ScopedResourceSelectorRequirement: 'operator*(DoesNotExist|Exists|In|NotIn) scopeName* values:string[]',
  ResourceQuotaStatus: 'hard:quantity{} used:quantity{}',
  ComponentStatus: 'TypeMeta conditions:ComponentCondition[]@type',
  ComponentCondition: 'error message status+ type+',
};

/** events.k8s.io/v1: the Events of core/v1 under other names. */
export const EVENTS_TYPES: TypeTable = {
  Event: `TypeMeta action deprecatedCount:int32 deprecatedFirstTimestamp:time deprecatedLastTimestamp:time
    deprecatedSource:EventSource eventTime+:microtime note reason regarding:ObjectReference related:ObjectReference
    reportingController reportingInstance series:EventSeries type`,
  EventSeries: 'count+:int32 lastObservedTime+:microtime',
};

/** node.k8s.io/v1. */
export const NODE_TYPES: TypeTable = {
  RuntimeClass: 'TypeMeta handler* overhead:Overhead scheduling:Scheduling',
  Overhead: 'podFixed:quantity{}',
  Scheduling: 'nodeSelector:string{}@atomic tolerations:Toleration[]',
};

/** coordination.k8s.io/v1. */
export const COORDINATION_TYPES: TypeTable = {
  Lease: 'TypeMeta spec:LeaseSpec',
  LeaseSpec: `acquireTime:microtime holderIdentity leaseDurationSeconds:int32 leaseTransitions:int32 preferredHolder
    renewTime:microtime strategy`,
};

/** discovery.k8s.io/v1. */
export const DISCOVERY_TYPES: TypeTable = {
  EndpointSlice: 'TypeMeta addressType*(FQDN|IPv4|IPv6) endpoints:Endpoint[] ports:EndpointPort[]',
  Endpoint: `addresses+:string[]@set conditions:EndpointConditions deprecatedTopology:string{} hints:EndpointHints hostname
    nodeName targetRef:ObjectReference zone`,
  EndpointConditions: 'ready:bool serving:bool terminating:bool',
  EndpointHints: 'forNodes:ForNode[] forZones:ForZone[]',
  ForNode: 'name*',
  ForZone: 'name*',
  EndpointPort: 'appProtocol name port:int32 protocol(SCTP|TCP|UDP)=TCP',
};
