import type { NumberTable } from './message.ts';

/** core/v1 Pod and everything below its spec and status but volumes. */
export const POD_NUMBERS: NumberTable = {
  Pod: 'metadata spec status',
  PodSpec: `volumes containers restartPolicy terminationGracePeriodSeconds? activeDeadlineSeconds? dnsPolicy
    nodeSelector serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC securityContext
    imagePullSecrets hostname subdomain affinity schedulerName initContainers automountServiceAccountToken?
    tolerations hostAliases priorityClassName priority? dnsConfig shareProcessNamespace? readinessGates
    runtimeClassName? enableServiceLinks? preemptionPolicy? overhead topologySpreadConstraints ephemeralContainers
    setHostnameAsFQDN? os hostUsers? schedulingGates resourceClaims resources hostnameOverride? 43 schedulingGroup`,
  LocalObjectReference: 'name',
  ObjectFieldSelector: 'apiVersion fieldPath',
  ResourceFieldSelector: 'containerName resource divisor',
  Container: `name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe
    lifecycle terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom
    terminationMessagePolicy volumeDevices startupProbe resizePolicy restartPolicy? restartPolicyRules`,
  ContainerPort: 'name hostPort containerPort protocol hostIP',
  EnvVar: 'name value valueFrom',
  EnvVarSource: 'fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef',
  ConfigMapKeySelector: '>LocalObjectReference key optional?',
  SecretKeySelector: '>LocalObjectReference key optional?',
  FileKeySelector: 'volumeName path key optional?',
  ResourceRequirements: 'limits requests claims',
  ResourceClaim: 'name request',
  VolumeMount: 'name readOnly mountPath subPath mountPropagation? subPathExpr recursiveReadOnly?',
  Probe: `>ProbeHandler initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold
    terminationGracePeriodSeconds?`,
  ProbeHandler: 'exec httpGet tcpSocket grpc',
  ExecAction: 'command',
  HTTPGetAction: 'path port host scheme httpHeaders',
  HTTPHeader: 'name value',
  TCPSocketAction: 'port host',
  GRPCAction: 'port service?',
  Lifecycle: 'postStart preStop stopSignal?',
  LifecycleHandler: 'exec httpGet tcpSocket sleep',
  SleepAction: 'seconds',
  SecurityContext: `capabilities privileged? seLinuxOptions runAsUser? runAsNonRoot? readOnlyRootFilesystem?
    allowPrivilegeEscalation? runAsGroup? procMount? windowsOptions seccompProfile appArmorProfile`,
  Capabilities: 'add drop',
  SELinuxOptions: 'user role type level',
  WindowsSecurityContextOptions: 'gmsaCredentialSpecName? gmsaCredentialSpec? runAsUserName? hostProcess?',
  SeccompProfile: 'type localhostProfile?',
  AppArmorProfile: 'type localhostProfile?',
  EnvFromSource: 'prefix configMapRef secretRef',
  ConfigMapEnvSource: '>LocalObjectReference optional?',
  SecretEnvSource: '>LocalObjectReference optional?',
  VolumeDevice: 'name devicePath',
  ContainerResizePolicy: 'resourceName restartPolicy',
  ContainerRestartRule: 'action exitCodes',
  ContainerRestartRuleOnExitCodes: 'operator values',
  PodSecurityContext: `seLinuxOptions runAsUser? runAsNonRoot? supplementalGroups fsGroup? runAsGroup? sysctls
    windowsOptions fsGroupChangePolicy? seccompProfile appArmorProfile supplementalGroupsPolicy? seLinuxChangePolicy?`,
  Sysctl: 'name value',
  Affinity: 'nodeAffinity podAffinity podAntiAffinity',
  NodeAffinity: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution',
  NodeSelector: 'nodeSelectorTerms',
  NodeSelectorTerm: 'matchExpressions matchFields',
  NodeSelectorRequirement: 'key operator values',
  PreferredSchedulingTerm: 'weight preference',
  PodAffinity: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution',
  PodAffinityTerm: 'labelSelector namespaces topologyKey namespaceSelector matchLabelKeys mismatchLabelKeys',
  WeightedPodAffinityTerm: 'weight podAffinityTerm',
  PodAntiAffinity: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution',
  Toleration: 'key operator value effect tolerationSeconds?',
  HostAlias: 'ip hostnames',
  PodDNSConfig: 'nameservers searches options',
  PodDNSConfigOption: 'name value?',
  PodReadinessGate: 'conditionType',
  TopologySpreadConstraint: `maxSkew topologyKey whenUnsatisfiable labelSelector minDomains? nodeAffinityPolicy?
    nodeTaintsPolicy? matchLabelKeys`,
  EphemeralContainer: '>EphemeralContainerCommon targetContainerName',
  EphemeralContainerCommon: `name image command args workingDir ports env resources volumeMounts livenessProbe
    readinessProbe lifecycle terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom
    terminationMessagePolicy volumeDevices startupProbe resizePolicy restartPolicy? restartPolicyRules`,
  PodOS: 'name',
  PodSchedulingGate: 'name',
  PodResourceClaim: 'name 3 resourceClaimName? resourceClaimTemplateName?',
  PodSchedulingGroup: 'podGroupName?',
  PodStatus: `phase conditions message reason hostIP podIP startTime containerStatuses qosClass initContainerStatuses
    nominatedNodeName podIPs ephemeralContainerStatuses resize resourceClaimStatuses hostIPs observedGeneration
    extendedResourceClaimStatus allocatedResources resources nodeAllocatableResourceClaimStatuses`,
  PodCondition: 'type status lastProbeTime lastTransitionTime reason message observedGeneration',
  ContainerStatus: `name state lastState ready restartCount image imageID containerID started? allocatedResources
    resources volumeMounts user allocatedResourcesStatus stopSignal?`,
  ContainerState: 'waiting running terminated',
  ContainerStateWaiting: 'reason message',
  ContainerStateRunning: 'startedAt',
  ContainerStateTerminated: 'exitCode signal reason message startedAt finishedAt containerID',
  VolumeMountStatus: 'name mountPath readOnly recursiveReadOnly? volumeStatus',
  VolumeStatus: 'image',
  ImageVolumeStatus: 'imageRef',
  ContainerUser: 'linux',
  LinuxContainerUser: 'uid gid supplementalGroups',
  ResourceStatus: 'name resources',
  ResourceHealth: 'resourceID health 6 message?',
  PodIP: 'ip',
  PodResourceClaimStatus: 'name resourceClaimName?',
  HostIP: 'ip',
  PodExtendedResourceClaimStatus: 'requestMappings resourceClaimName',
  ContainerExtendedResourceRequest: 'containerName resourceName requestName',
  NodeAllocatableResourceClaimStatus: 'resourceClaimName containers',
  PodTemplateSpec: 'metadata spec',
};
