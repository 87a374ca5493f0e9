import type { TypeTable } from './notation.ts';

const CONTAINER = `args:string[] command:string[] env:EnvVar[]@name envFrom:EnvFromSource[] image
  imagePullPolicy(Always|IfNotPresent|Never) lifecycle:Lifecycle livenessProbe:Probe name*
  ports:ContainerPort[]@containerPort,protocol readinessProbe:Probe resizePolicy:ContainerResizePolicy[]
  resources:ResourceRequirements={} restartPolicy restartPolicyRules:ContainerRestartRule[]
  securityContext:SecurityContext startupProbe:Probe stdin:bool stdinOnce:bool
  terminationMessagePath=/dev/termination-log terminationMessagePolicy(File|FallbackToLogsOnError)=File tty:bool
  volumeDevices:VolumeDevice[]@devicePath volumeMounts:VolumeMount[]@mountPath workingDir`;

/** core/v1 Pod and everything below its spec and status but volumes. */
export const POD_TYPES: TypeTable = {
  Pod: 'TypeMeta spec:PodSpec status:PodStatus',
  PodTemplateSpec: 'metadata:ObjectMeta spec:PodSpec',
  PodSpec: `activeDeadlineSeconds:int64 affinity:Affinity automountServiceAccountToken:bool containers*:Container[]@name
    dnsConfig:PodDNSConfig dnsPolicy(ClusterFirstWithHostNet|ClusterFirst|Default|None)=ClusterFirst
    enableServiceLinks:bool ephemeralContainers:EphemeralContainer[]@name hostAliases:HostAlias[]@ip hostIPC:bool
    hostNetwork:bool hostPID:bool hostUsers:bool hostname hostnameOverride imagePullSecrets:LocalObjectReference[]@name
    initContainers:Container[]@name nodeName nodeSelector:string{}@atomic os:PodOS overhead:quantity{}
    preemptionPolicy(PreemptLowerPriority|Never) priority:int32 priorityClassName readinessGates:PodReadinessGate[]
    resourceClaims:PodResourceClaim[]@name+retainKeys resources:ResourceRequirements
    restartPolicy(Always|OnFailure|Never)=Always runtimeClassName schedulerName=default-scheduler
    schedulingGates:PodSchedulingGate[]@name schedulingGroup:PodSchedulingGroup securityContext:PodSecurityContext={}
    serviceAccount serviceAccountName setHostnameAsFQDN:bool shareProcessNamespace:bool subdomain
    terminationGracePeriodSeconds:int64=30 tolerations:Toleration[]
    topologySpreadConstraints:TopologySpreadConstraint[]@topologyKey,whenUnsatisfiable volumes:Volume[]@name+retainKeys`,
  Container: CONTAINER,
  EphemeralContainer: `${CONTAINER} targetContainerName`,

  Affinity: 'nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAntiAffinity',
  NodeAffinity: `preferredDuringSchedulingIgnoredDuringExecution:PreferredSchedulingTerm[]
    requiredDuringSchedulingIgnoredDuringExecution:NodeSelector`,
  PreferredSchedulingTerm: 'preference*:NodeSelectorTerm weight+:int32',
  NodeSelector: 'nodeSelectorTerms*:NodeSelectorTerm[]',
  NodeSelectorTerm: 'matchExpressions:NodeSelectorRequirement[] matchFields:NodeSelectorRequirement[]',
  NodeSelectorRequirement: 'key* operator*(In|NotIn|Exists|DoesNotExist|Gt|Lt) values:string[]',
  PodAffinity: `preferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm[]
    requiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm[]`,
  PodAntiAffinity: `preferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm[]
    requiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm[]`,
  WeightedPodAffinityTerm: 'podAffinityTerm*:PodAffinityTerm weight+:int32',
  PodAffinityTerm: `labelSelector:LabelSelector matchLabelKeys:string[] mismatchLabelKeys:string[]
    namespaceSelector:LabelSelector namespaces:string[] topologyKey*`,

  EnvVar: 'name* value valueFrom:EnvVarSource',
  EnvVarSource: `configMapKeyRef:ConfigMapKeySelector fieldRef:ObjectFieldSelector fileKeyRef:FileKeySelector
    resourceFieldRef:ResourceFieldSelector secretKeyRef:SecretKeySelector`,
  ConfigMapKeySelector: 'key* name optional:bool',
  SecretKeySelector: 'key* name optional:bool',
  FileKeySelector: 'key* optional:bool path* volumeName*',
  ObjectFieldSelector: 'apiVersion=v1 fieldPath*',
  ResourceFieldSelector: 'containerName divisor:quantity resource*',
  EnvFromSource: 'configMapRef:ConfigMapEnvSource prefix secretRef:SecretEnvSource',
  ConfigMapEnvSource: 'name optional:bool',
  SecretEnvSource: 'name optional:bool',

  Lifecycle: 'postStart:LifecycleHandler preStop:LifecycleHandler stopSignal',
  LifecycleHandler: 'exec:ExecAction httpGet:HTTPGetAction sleep:SleepAction tcpSocket:TCPSocketAction',
  ExecAction: 'command:string[]',
  HTTPGetAction: 'host httpHeaders:HTTPHeader[] path=/ port+:intOrString scheme(HTTP|HTTPS)=HTTP',
  HTTPHeader: 'name* value+',
  SleepAction: 'seconds+:int64',
  TCPSocketAction: 'host port+:intOrString',
  GRPCAction: 'port+:int32 service',
  Probe: `exec:ExecAction failureThreshold:int32=3 grpc:GRPCAction httpGet:HTTPGetAction initialDelaySeconds:int32
    periodSeconds:int32=10 successThreshold:int32=1 tcpSocket:TCPSocketAction terminationGracePeriodSeconds:int64
    timeoutSeconds:int32=1`,
  ContainerPort: 'containerPort*:int32 hostIP hostPort:int32 name protocol(SCTP|TCP|UDP)=TCP',
  ContainerResizePolicy: 'resourceName+ restartPolicy+',
  ContainerRestartRule: 'action+ exitCodes:ContainerRestartRuleOnExitCodes',
  ContainerRestartRuleOnExitCodes: 'operator+ values:int32[]@set',
  ResourceRequirements: 'claims:ResourceClaim[]@name-nopatch limits:quantity{} requests:quantity{}',
  ResourceClaim: 'name* request',
  VolumeDevice: 'devicePath* name*',
  VolumeMount: 'mountPath* mountPropagation name* readOnly:bool recursiveReadOnly subPath subPathExpr',

  SecurityContext: `allowPrivilegeEscalation:bool appArmorProfile:AppArmorProfile capabilities:Capabilities privileged:bool
    procMount readOnlyRootFilesystem:bool runAsGroup:int64 runAsNonRoot:bool runAsUser:int64
    seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile windowsOptions:WindowsSecurityContextOptions`,
  PodSecurityContext: `appArmorProfile:AppArmorProfile fsGroup:int64 fsGroupChangePolicy runAsGroup:int64 runAsNonRoot:bool
    runAsUser:int64 seLinuxChangePolicy seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile
    supplementalGroups:int64[] supplementalGroupsPolicy sysctls:Sysctl[] windowsOptions:WindowsSecurityContextOptions`,
  AppArmorProfile: 'localhostProfile type*',
  SeccompProfile: 'localhostProfile type*',
  Capabilities: 'add:string[] drop:string[]',
  SELinuxOptions: 'level role type user',
  WindowsSecurityContextOptions: 'gmsaCredentialSpec gmsaCredentialSpecName hostProcess:bool runAsUserName',
  Sysctl: 'name* value+',

  PodDNSConfig: 'nameservers:string[] options:PodDNSConfigOption[] searches:string[]',
  PodDNSConfigOption: 'name value',
  HostAlias: 'hostnames:string[] ip*',
  LocalObjectReference: 'name',
  PodOS: 'name*(linux|windows)',
  PodReadinessGate: 'conditionType*',
  PodResourceClaim: 'name* resourceClaimName resourceClaimTemplateName',
  PodSchedulingGate: 'name*',
  PodSchedulingGroup: 'podGroupName',
  Toleration: 'effect(NoSchedule|PreferNoSchedule|NoExecute) key operator(Equal|Exists) tolerationSeconds:int64 value',
  TopologySpreadConstraint: `labelSelector:LabelSelector matchLabelKeys:string[] maxSkew+:int32 minDomains:int32
    nodeAffinityPolicy nodeTaintsPolicy topologyKey* whenUnsatisfiable*(DoNotSchedule|ScheduleAnyway)`,

  PodStatus: `allocatedResources:quantity{} conditions:PodCondition[]@type containerStatuses:ContainerStatus[]
    ephemeralContainerStatuses:ContainerStatus[] extendedResourceClaimStatus:PodExtendedResourceClaimStatus hostIP
    hostIPs:HostIP[]@ip+atomic initContainerStatuses:ContainerStatus[] message
    nodeAllocatableResourceClaimStatuses:NodeAllocatableResourceClaimStatus[] nominatedNodeName observedGeneration:int64
    phase podIP podIPs:PodIP[]@ip qosClass reason resize
    resourceClaimStatuses:PodResourceClaimStatus[]@name+retainKeys resources:ResourceRequirements startTime:time`,
  PodCondition: `lastProbeTime:time lastTransitionTime:time message observedGeneration:int64 reason status+ type+`,
  ContainerStatus: `allocatedResources:quantity{} allocatedResourcesStatus:ResourceStatus[]@name containerID image+ imageID+
    lastState:ContainerState name+ ready+:bool resources:ResourceRequirements restartCount+:int32 started:bool
    state:ContainerState stopSignal user:ContainerUser volumeMounts:VolumeMountStatus[]@mountPath`,
  ResourceStatus: 'name+ resources:ResourceHealth[]@resourceID-nopatch',
  ResourceHealth: 'health message resourceID+',
  ContainerState: 'running:ContainerStateRunning terminated:ContainerStateTerminated waiting:ContainerStateWaiting',
  ContainerStateRunning: 'startedAt:time',
  ContainerStateTerminated: 'containerID exitCode+:int32 finishedAt:time message reason signal:int32 startedAt:time',
  ContainerStateWaiting: 'message reason',
  ContainerUser: 'linux:LinuxContainerUser',
  LinuxContainerUser: 'gid+:int64 supplementalGroups:int64[] uid+:int64',
  VolumeMountStatus: 'mountPath+ name+ readOnly:bool recursiveReadOnly volumeStatus:VolumeStatus',
  VolumeStatus: 'image:ImageVolumeStatus',
  ImageVolumeStatus: 'imageRef+',
  PodExtendedResourceClaimStatus: 'requestMappings+:ContainerExtendedResourceRequest[] resourceClaimName+',
  ContainerExtendedResourceRequest: 'containerName+ requestName+ resourceName+',
  HostIP: 'ip+',
  NodeAllocatableResourceClaimStatus: 'containers:string[]@set resourceClaimName+ resources+:quantity{}',
  PodIP: 'ip+',
  PodResourceClaimStatus: 'name+ resourceClaimName',
};
