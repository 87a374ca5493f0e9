import { listOf } from './manifests.ts';
import { ok, type Script } from './row.ts';

const CONTAINERS = [{ name: 'c', image: 'i:1' }];
const TEMPLATE = { metadata: { labels: { app: 'a' } }, spec: { containers: CONTAINERS } };
const SELECTOR = { matchLabels: { app: 'a' } };

const SETUP = listOf(
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'set' },
    spec: { serviceName: 'set', replicas: 0, selector: SELECTOR, template: TEMPLATE },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'each' },
    spec: {
      selector: SELECTOR,
      template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, nodeSelector: { none: 'x' } } },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'disk' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } },
  },
  {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick' },
    spec: {
      schedule: '0 0 1 1 *',
      jobTemplate: { spec: { template: { spec: { containers: CONTAINERS, restartPolicy: 'Never' } } } },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'range' },
    spec: { limits: [{ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '500m' } }] },
  },
);

const STATEFUL_SET = `spec:
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: Retain
    whenScaled: Retain
  podManagementPolicy: OrderedReady
  replicas: 0
  revisionHistoryLimit: 10
  selector:
    matchLabels:
      app: a
  serviceName: set
  template:
{lines}
  updateStrategy:
    rollingUpdate:
      partition: 0
    type: RollingUpdate
`;

const DAEMON_SET = `Name:           each
{lines}Selector:       app=a
Node-Selector:  none=x
Labels:         <none>
Annotations:    {any}
Desired Number of Nodes Scheduled: 0
Current Number of Nodes Scheduled: 0
Number of Nodes Scheduled with Up-to-date Pods: 0
Number of Nodes Scheduled with Available Pods: 0
Number of Nodes Misscheduled: 0
Pods Status:  0 Running / 0 Waiting / 0 Succeeded / 0 Failed
{lines}Events:{lines}`;

const CRON_JOB = `Name:                          tick
Namespace:                     kinds
Labels:                        <none>
Annotations:                   <none>
Schedule:                      0 0 1 1 *
Concurrency Policy:            Allow
Suspend:                       False
Successful Job History Limit:  3
Failed Job History Limit:      1
Starting Deadline Seconds:     <unset>
Selector:                      <unset>
Parallelism:                   <unset>
Completions:                   <unset>
Pod Template:
{lines}Last Schedule Time:  <unset>
Active Jobs:         <none>
Events:              <none>`;

const CLAIM = `Name:          disk
Namespace:     kinds
StorageClass:  
Status:        Pending
Volume:        
Labels:        <none>
Annotations:   <none>
Finalizers:    {any}
Capacity:      
Access Modes:  
VolumeMode:    Filesystem
Used By:       <none>`;

const LIMITS = `Name:       range
Namespace:  kinds
Type        Resource  Min  Max  Default Request  Default Limit  Max Limit/Request Ratio
----        --------  ---  ---  ---------------  -------------  -----------------------
Container   cpu       -    -    500m             1              -`;

const BINDING = `Name:         readers
Labels:       <none>
Annotations:  <none>
Role:
  Kind:  Role
  Name:  reader
Subjects:
  Kind            Name   Namespace
  ----            ----   ---------
  User            ann
  ServiceAccount  robot  kinds`;

/** Kinds that are not in the other scripts: defaults, tables and descriptions. */
export const KINDS: Script = {
  name: 'kinds',
  rows: [
    ok(
      'create -f -',
      'statefulset.apps/set created\ndaemonset.apps/each created\npersistentvolumeclaim/disk created\ncronjob.batch/tick created\nlimitrange/range created',
      { input: SETUP },
    ),
    ok('get sts set', 'NAME  READY  AGE\nset  0/0  {age}'),
    ok('get sts set -o wide', 'NAME  READY  AGE  CONTAINERS  IMAGES\nset  0/0  {age}  c  i:1'),
    ok('get sts set -o yaml', `{lines}${STATEFUL_SET}{lines}`),
    ok(
      'get ds each',
      'NAME  DESIRED  CURRENT  READY  UP-TO-DATE  AVAILABLE  NODE SELECTOR  AGE\neach  0  0  0  0  0  none=x  {age}',
    ),
    ok('describe ds each', DAEMON_SET),
    ok(
      "get ds each -o jsonpath='{.spec.updateStrategy} {.spec.revisionHistoryLimit}'",
      '{"rollingUpdate":{"maxSurge":0,"maxUnavailable":1},"type":"RollingUpdate"} 10',
    ),
    ok(
      'get pvc disk',
      'NAME  STATUS  VOLUME  CAPACITY  ACCESS MODES  STORAGECLASS  VOLUMEATTRIBUTESCLASS  AGE\ndisk  Pending            <unset>  {age}',
    ),
    ok('describe pvc disk --show-events=false', CLAIM),
    ok('describe cronjob tick', CRON_JOB),
    ok(
      "get cronjob tick -o jsonpath='{.spec.concurrencyPolicy} {.spec.failedJobsHistoryLimit} {.spec.successfulJobsHistoryLimit} {.spec.suspend}'",
      'Allow 1 3 false',
    ),
    ok('get limits range', 'NAME  CREATED AT\nrange  {time}'),
    ok('describe limits range', LIMITS),
    ok('create role reader --verb=get --resource=pods', 'role.rbac.authorization.k8s.io/reader created'),
    ok(
      'create rolebinding readers --role=reader --user=ann --serviceaccount=kinds:robot',
      'rolebinding.rbac.authorization.k8s.io/readers created',
    ),
    ok('describe rolebinding readers', BINDING),
    ok(
      'describe role reader',
      'Name:  reader\nLabels:  <none>\nAnnotations:  <none>\nPolicyRule:\n  Resources  Non-Resource URLs  Resource Names  Verbs\n  ---------  -----------------  --------------  -----\n  pods  []  []  [get]',
    ),
    ok('create pdb half --selector=app=a --min-available=50%', 'poddisruptionbudget.policy/half created'),
    ok(
      'describe pdb half',
      'Name:  half\nNamespace:  kinds\nMin available:  50%\nSelector:  app=a\nStatus:\n  Allowed disruptions:  0\n  Current:  0\n  Desired:  0\n  Total:  0\nEvents:  <none>{any}',
    ),
    ok(
      'describe pc system-node-critical',
      'Name:  system-node-critical\nValue:  2000001000\nGlobalDefault:  false\nPreemptionPolicy:  PreemptLowerPriority\nDescription:  Used for system critical pods that must not be moved from their current node.\nAnnotations:  <none>\nEvents:  <none>',
    ),
    ok('run plain --image=i:1', 'pod/plain created'),
    ok(
      "get pod plain -o jsonpath='{.status.qosClass} {.spec.priority} {.spec.preemptionPolicy} {.spec.enableServiceLinks}'",
      'Burstable 0 PreemptLowerPriority true',
    ),
    ok(
      'get svc kubernetes -n default',
      'NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE\nkubernetes  ClusterIP  10.96.0.1  <none>  443/TCP  {age}',
    ),
    ok(
      'get ns -o name',
      '{lines}namespace/default\n{lines}namespace/kube-node-lease\nnamespace/kube-public\nnamespace/kube-system\n{lines}',
    ),
    ok(
      'get endpointslice kubernetes -n default',
      'NAME  ADDRESSTYPE  PORTS  ENDPOINTS  AGE\nkubernetes  IPv4  6443  192.0.2.1  {age}',
    ),
    ok('get lease node-1 -n kube-node-lease', 'NAME  HOLDER  AGE\nnode-1  node-1  {age}'),
    ok('get ingressclass,storageclass', '', { err: 'No resources found' }),
    ok(
      'delete sts,ds,pvc,cronjob --all',
      'statefulset.apps "set" deleted{any}\ndaemonset.apps "each" deleted{any}\npersistentvolumeclaim "disk" deleted{any}\ncronjob.batch "tick" deleted{any}',
    ),
  ],
};
