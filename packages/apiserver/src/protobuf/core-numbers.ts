import type { NumberTable } from './message.ts';

/** core/v1 without Pod. */
export const CORE_NUMBERS: NumberTable = {
  Service: 'metadata spec status',
  ServiceSpec: `ports selector clusterIP type externalIPs 7 sessionAffinity loadBalancerIP loadBalancerSourceRanges
    externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig 17
    ipFamilyPolicy? clusterIPs ipFamilies allocateLoadBalancerNodePorts? loadBalancerClass? internalTrafficPolicy?
    trafficDistribution?`,
  ServicePort: 'name protocol port targetPort nodePort appProtocol?',
  SessionAffinityConfig: 'clientIP',
  ClientIPConfig: 'timeoutSeconds?',
  ServiceStatus: 'loadBalancer conditions',
  LoadBalancerStatus: 'ingress',
  LoadBalancerIngress: 'ip hostname ipMode? ports',
  PortStatus: 'port protocol error?',
  Endpoints: 'metadata subsets',
  EndpointSubset: 'addresses notReadyAddresses ports',
  EndpointAddress: 'ip targetRef hostname nodeName?',
  ObjectReference: 'kind namespace name uid apiVersion resourceVersion fieldPath',
  EndpointPort: 'name port protocol appProtocol?',
  Node: 'metadata spec status',
  NodeSpec: 'podCIDR externalID providerID unschedulable taints configSource podCIDRs',
  Taint: 'key value effect timeAdded',
  NodeConfigSource: '2 configMap',
  ConfigMapNodeConfigSource: 'namespace name uid resourceVersion kubeletConfigKey',
  NodeStatus: `capacity allocatable phase conditions addresses daemonEndpoints nodeInfo images volumesInUse
    volumesAttached config runtimeHandlers features declaredFeatures`,
  NodeCondition: 'type status lastHeartbeatTime lastTransitionTime reason message',
  NodeAddress: 'type address',
  NodeDaemonEndpoints: 'kubeletEndpoint',
  DaemonEndpoint: 'Port',
  NodeSystemInfo: `machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion
    kubeProxyVersion operatingSystem architecture swap`,
  NodeSwapStatus: 'capacity?',
  ContainerImage: 'names sizeBytes',
  AttachedVolume: 'name devicePath',
  NodeConfigStatus: 'assigned active lastKnownGood error',
  NodeRuntimeHandler: 'name? features',
  NodeRuntimeHandlerFeatures: 'recursiveReadOnlyMounts? userNamespaces?',
  NodeFeatures: 'supplementalGroupsPolicy?',
  Namespace: 'metadata spec status',
  NamespaceSpec: 'finalizers',
  NamespaceStatus: 'phase conditions',
  NamespaceCondition: 'type status 4 lastTransitionTime reason message',
  ConfigMap: 'metadata data binaryData immutable?',
  Secret: 'metadata data type stringData immutable?',
  ServiceAccount: 'metadata secrets imagePullSecrets automountServiceAccountToken?',
  Event: `metadata involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series
    action related reportingComponent? reportingInstance?`,
  EventSource: 'component host',
  EventSeries: 'count lastObservedTime',
  Binding: 'metadata target',
};
