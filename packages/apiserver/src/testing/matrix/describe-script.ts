import { deployment, listOf } from './manifests.ts';
import { fails, ok, type Script } from './row.ts';

const SETUP = listOf(
  deployment('web'),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web' },
    spec: {
      rules: [
        {
          host: 'web.test',
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'none', port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'web' },
    spec: {
      podSelector: {},
      ingress: [{ from: [{ podSelector: { matchLabels: { a: 'b' } } }], ports: [{ port: 80 }] }],
    },
  },
);

const DEPLOYMENT = `Name:                   web
Namespace:              describe
CreationTimestamp:      {any}
Labels:                 <none>
Annotations:            deployment.kubernetes.io/revision: 1
Selector:               app=web
Replicas:               1 desired | 1 updated | 1 total | 1 available | 0 unavailable
StrategyType:           RollingUpdate
MinReadySeconds:        0
RollingUpdateStrategy:  25% max unavailable, 25% max surge
Pod Template:
  Labels:  app=web
  Containers:
   c:
    Image:{any}
    Port:{any}
    Host Port:{any}
    Environment:{any}
    Mounts:{any}
  Volumes:{any}
{lines}Conditions:
  Type           Status  Reason
  ----           ------  ------
  Available      True    MinimumReplicasAvailable
  Progressing    True    NewReplicaSetAvailable
OldReplicaSets:  <none>
NewReplicaSet:   web-{id} (1/1 replicas created)
Events:{lines}`;

const POD = `Name:             web-{id}-{id}
Namespace:        describe
Priority:         0
Service Account:  default
Node:             node-{number}/192.0.2.11
Start Time:       {any}
Labels:           app=web
                  pod-template-hash={id}
Annotations:      <none>
Status:           Running
IP:               {ip}
IPs:
  IP:           {ip}
Controlled By:  ReplicaSet/web-{id}
Containers:
  c:
    Container ID:   containerd://c
    Image:          i:1
    Image ID:       i:1@sha256:0
    Port:           <none>
    Host Port:      <none>
    State:          Running
      Started:      {any}
    Ready:          True
    Restart Count:  0
    Environment:    <none>
    Mounts:         {lines}
Conditions:
  Type                        Status
  PodReadyToStartContainers   True 
  Initialized                 True 
  Ready                       True 
  ContainersReady             True 
  PodScheduled                True 
{lines}QoS Class:                   BestEffort
Node-Selectors:              <none>
Tolerations:                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                             node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
Events:{lines}`;

const SERVICE = `Name:  web
Namespace:  describe
Labels:  <none>
Annotations:  <none>
Selector:  app=web
Type:  ClusterIP
IP Family Policy:  SingleStack
IP Families:  IPv4
IP:  {ip}
IPs:  {ip}
Port:  http  80/TCP
TargetPort:  http/TCP
Endpoints:{any}
Session Affinity:  None
{lines}Events:  <none>`;

const INGRESS = `Name:             web
Labels:           <none>
Namespace:        describe
Address:          
Ingress Class:    <none>
Default backend:  <default>
Rules:
  Host        Path  Backends
  ----        ----  --------
  web.test    
              /   none:80 (<error: {id} "none" not found>)
Annotations:  <none>
Events:       <none>`;

const POLICY = `Name:         web
Namespace:    describe
Created on:   {any}
Labels:       <none>
Annotations:  <none>
Spec:
  PodSelector:     <none> (Allowing the specific traffic to all pods in this namespace)
  Allowing ingress traffic:
    To Port: 80/TCP
    From:
      PodSelector: a=b
  Not affecting egress traffic
  Policy Types: Ingress`;

const CONFIG_MAP = `Name:         settings
Namespace:    describe
Labels:       <none>
Annotations:  <none>

Data
====
color:
----
blue
{lines}BinaryData
====

Events:  <none>`;

const NODE = `Name:               node-1
Roles:              <none>
Labels:             kubernetes.io/hostname=node-1
Annotations:        <none>
CreationTimestamp:  {any}
Taints:             <none>
Unschedulable:      false
{lines}Conditions:
  Type             Status{lines}
  MemoryPressure   False{any}
  DiskPressure     False{any}
  PIDPressure      False{any}
  Ready            True{any}
Addresses:
  InternalIP:  192.0.2.11
  Hostname:    node-1
Capacity:
  cpu:     4
  memory:  8Gi
  pods:    110
Allocatable:
  cpu:     4
  memory:  8Gi
  pods:    110
System Info:
{lines}PodCIDR:                      {any}
{lines}Non-terminated Pods:          ({number} in total)
{lines}Allocated resources:
{lines}Events:{lines}`;

/** What `describe` gathers of the main kinds. */
export const DESCRIBE: Script = {
  name: 'describe',
  rows: [
    ok(
      'create -f -',
      'deployment.apps/web created\nservice/web created\ningress.networking.k8s.io/web created\nnetworkpolicy.networking.k8s.io/web created',
      { input: SETUP },
    ),
    ok('create cm settings --from-literal=color=blue', 'configmap/settings created'),
    ok('create secret generic hidden --from-literal=k=12345', 'secret/hidden created'),
    ok('create quota limit --hard=pods=5', 'resourcequota/limit created'),
    ok('rollout status deploy/web --timeout=60s', '{lines}successfully rolled out'),
    ok('describe deploy web', DEPLOYMENT),
    ok('describe pod -l app=web', POD),
    ok('describe svc web', SERVICE, { err: '{any}' }),
    ok('describe ing web', INGRESS),
    ok('describe netpol web', POLICY),
    ok('describe cm settings', CONFIG_MAP),
    ok(
      'describe secret hidden',
      'Name:  hidden\nNamespace:  describe\nLabels:  <none>\nAnnotations:  <none>\n\nType:  Opaque\n\nData\n====\nk:  5 bytes',
    ),
    ok('describe node node-1', NODE),
    ok(
      'describe ns describe',
      'Name:  describe\nLabels:  kubernetes.io/metadata.name=describe\nAnnotations:  <none>\nStatus:  Active\n\nResource Quotas\n  Name:  limit\n  Resource  Used  Hard\n  --------  ---  ---\n{lines}\nNo LimitRange resource.',
    ),
    ok(
      'describe sa default',
      'Name:  default\nNamespace:  describe\nLabels:  <none>\nAnnotations:  <none>\nImage pull secrets:  <none>\nMountable secrets:  <none>\nTokens:  <none>\nEvents:  <none>',
    ),
    ok(
      'describe rs -l app=web',
      'Name:  web-{id}\nNamespace:  describe\nSelector:  app=web,pod-template-hash={id}\n{lines}Controlled By:  Deployment/web\nReplicas:  1 current / 1 desired\nPods Status:  1 Running / 0 Waiting / 0 Succeeded / 0 Failed\n{lines}',
    ),
    ok(
      'describe endpointslice -l kubernetes.io/service-name=web',
      'Name:  web-{id}\nNamespace:  describe\n{lines}AddressType:  IPv4\n{lines}',
    ),
    ok(
      'describe clusterrole system:basic-user',
      'Name:  system:basic-user\nLabels:  kubernetes.io/bootstrapping=rbac-defaults\nAnnotations:  rbac.authorization.kubernetes.io/autoupdate: true\nPolicyRule:\n  Resources  Non-Resource URLs  Resource Names  Verbs\n  ---------  -----------------  --------------  -----\n{lines}selfsubjectreviews.authentication.k8s.io  []  []  [create]{lines}',
    ),
    fails('describe pod none', 'Error from server (NotFound): pods "none" not found'),
    fails('describe nonsense x', `error: the server doesn't have a resource type "nonsense"`),
  ],
};
