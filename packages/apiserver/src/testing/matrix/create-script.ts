import { fails, ok, type Script } from './row.ts';

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  creationTimestamp: "{time}"
  generation: 1
  labels:
    app: web
  name: web
  namespace: create
  uid: {uid}
spec:
  progressDeadlineSeconds: 600
  replicas: 2
  revisionHistoryLimit: 10
  selector:
    matchLabels:
      app: web
  strategy:
    rollingUpdate:
      maxSurge: 25%
      maxUnavailable: 25%
    type: RollingUpdate
  template:
    metadata:
      creationTimestamp: null
      labels:
        app: web
    spec:
      containers:
      - image: i:1
        imagePullPolicy: IfNotPresent
        name: i
        ports:
        - containerPort: 80
          protocol: TCP
        resources: {}
        terminationMessagePath: /dev/termination-log
        terminationMessagePolicy: File
      dnsPolicy: ClusterFirst
      restartPolicy: Always
      schedulerName: default-scheduler
      securityContext: {}
      terminationGracePeriodSeconds: 30
status: {}`;

const NODE_PORT = `apiVersion: v1
kind: Service
metadata:
  creationTimestamp: "{time}"
  labels:
    app: door
  name: door
  namespace: create
  uid: {uid}
spec:
  clusterIP: {ip}
  clusterIPs:
  - {ip}
  externalTrafficPolicy: Cluster
  internalTrafficPolicy: Cluster
  ipFamilies:
  - IPv4
  ipFamilyPolicy: SingleStack
  ports:
  - name: 80-8080
    nodePort: 30081
    port: 80
    protocol: TCP
    targetPort: 8080
  selector:
    app: door
  sessionAffinity: None
  type: NodePort
status:
  loadBalancer: {}`;

const JOB = `apiVersion: batch/v1
kind: Job
metadata:
  creationTimestamp: "{time}"
  generation: 1
  labels:
    batch.kubernetes.io/controller-uid: {uid}
    batch.kubernetes.io/job-name: once
    controller-uid: {uid}
    job-name: once
  name: once
  namespace: create
  uid: {uid}
spec:
  backoffLimit: 6
  completionMode: NonIndexed
  completions: 1
  manualSelector: false
  parallelism: 1
  podReplacementPolicy: TerminatingOrFailed
  selector:
    matchLabels:
      batch.kubernetes.io/controller-uid: {uid}
  suspend: false
  template:
    metadata:
      creationTimestamp: null
      labels:
        batch.kubernetes.io/controller-uid: {uid}
        batch.kubernetes.io/job-name: once
        controller-uid: {uid}
        job-name: once
    spec:
      containers:
      - command:
        - sleep
        - "1"
        image: i:1
        imagePullPolicy: IfNotPresent
        name: once
        resources: {}
        terminationMessagePath: /dev/termination-log
        terminationMessagePolicy: File
      dnsPolicy: ClusterFirst
      restartPolicy: Never
      schedulerName: default-scheduler
      securityContext: {}
      terminationGracePeriodSeconds: 30
status: {}`;

const INGRESS = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  creationTimestamp: "{time}"
  generation: 1
  name: in
  namespace: create
  uid: {uid}
spec:
  ingressClassName: c
  rules:
  - host: a.test
    http:
      paths:
      - backend:
          service:
            name: web
            port:
              number: 80
        path: /p
        pathType: Prefix
  tls:
  - hosts:
    - a.test
    secretName: t
status:
  loadBalancer: {}`;

/** The generators, and what a server makes of what they send. */
export const CREATE: Script = {
  name: 'create',
  files: {
    'app.conf': 'a=1\n',
    'vars.env': 'X=1\nY=2\n',
  },
  rows: [
    ok('create deployment web --image=i:1 --replicas=2 --port=80 --dry-run=server -o yaml', DEPLOYMENT),
    ok('create service nodeport door --tcp=80:8080 --node-port=30081 --dry-run=server -o yaml', NODE_PORT),
    ok('create job once --image=i:1 --dry-run=server -o yaml -- sleep 1', JOB, { from: 28 }),
    ok('create ingress in --class=c --rule=a.test/p*=web:80,tls=t --dry-run=server -o yaml', INGRESS),
    ok('create deployment web --image=i:1', 'deployment.apps/web created'),
    fails(
      'create deployment web --image=i:1',
      'error: failed to create deployment: deployments.apps "web" already exists',
    ),
    fails(
      'create sa Web_',
      `error: failed to create serviceaccount: ServiceAccount "Web_" is invalid: metadata.name: Invalid value: "Web_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
    ),
    fails('create deployment', 'error: required flag(s) "image" not set'),
    ok('create service clusterip inner --tcp=80:8080', 'service/inner created'),
    ok('create service loadbalancer outer --tcp=80', 'service/outer created'),
    ok('create service externalname away --external-name=example.org', 'service/away created'),
    ok(
      'get svc',
      'NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE\naway  ExternalName  <none>  example.org  <none>  {age}\ninner  ClusterIP  {ip}  <none>  80/TCP  {age}\nouter  LoadBalancer  {ip}  <pending>  80:{port}/TCP  {age}',
    ),
    ok('create configmap all --from-file=app.conf --from-env-file=vars.env', '', {
      exit: 1,
      err: 'error: from-env-file cannot be combined with from-file or from-literal',
    }),
    ok('create configmap file --from-file=app.conf --from-literal=k=v', 'configmap/file created'),
    ok('get cm file -o jsonpath={.data}', '{"app.conf":"a=1\\n","k":"v"}'),
    ok('create secret generic plain --from-literal=k=v', 'secret/plain created'),
    ok('get secret plain', 'NAME  TYPE  DATA  AGE\nplain  Opaque  1  {age}'),
    ok('get secret plain -o jsonpath={.data.k}', 'dg=='),
    ok(
      'create secret docker-registry reg --docker-server=r.test --docker-username=u --docker-password=p',
      'secret/reg created',
    ),
    ok('get secret reg --no-headers', 'reg  kubernetes.io/dockerconfigjson  1  {age}'),
    ok('create namespace create-other', 'namespace/create-other created'),
    fails(
      'create namespace create-other',
      'Error from server (AlreadyExists): namespaces "create-other" already exists',
    ),
    ok('create quota small --hard=pods=3,services=2', 'resourcequota/small created'),
    ok('create pdb safe --selector=app=web --min-available=1', 'poddisruptionbudget.policy/safe created'),
    ok('get pdb safe', 'NAME  MIN AVAILABLE  MAX UNAVAILABLE  ALLOWED DISRUPTIONS  AGE\nsafe  1  N/A  {number}  {age}'),
    ok('create priorityclass urgent --value=1000 --description=now', 'priorityclass.scheduling.k8s.io/urgent created'),
    ok(
      'get pc urgent',
      'NAME  VALUE  GLOBAL-DEFAULT  AGE  PREEMPTIONPOLICY\nurgent  1000  false  {age}  PreemptLowerPriority',
    ),
    ok('create role reader --verb=get,list --resource=pods,pods/log', 'role.rbac.authorization.k8s.io/reader created'),
    fails('create role broken --verb=get', 'error: at least one resource must be specified'),
    fails('create role broken --verb=get --resource=nonsense', `the server doesn't have a resource type "nonsense"`),
    ok(
      'create clusterrole probe --verb=get --non-resource-url=/healthz',
      'clusterrole.rbac.authorization.k8s.io/probe created',
    ),
    ok(
      'create rolebinding readers --role=reader --user=ann --serviceaccount=create:robot',
      'rolebinding.rbac.authorization.k8s.io/readers created',
    ),
    ok(
      'get rolebinding readers -o wide',
      'NAME  ROLE  AGE  USERS  GROUPS  SERVICEACCOUNTS\nreaders  Role/reader  {age}  ann    create/robot',
    ),
    ok(
      'create clusterrolebinding probes --clusterrole=probe --group=g',
      'clusterrolebinding.rbac.authorization.k8s.io/probes created',
    ),
    ok('get clusterrolebinding probes', 'NAME  ROLE  AGE\nprobes  ClusterRole/probe  {age}'),
    ok('create sa robot', 'serviceaccount/robot created'),
    ok('create token robot', 'ey{any}'),
    fails('create token nobody', 'error: failed to create token: serviceaccounts "nobody" not found'),
    ok('create cronjob nightly --image=i:1 --schedule=@daily', 'cronjob.batch/nightly created'),
    ok(
      'get cronjob nightly',
      'NAME  SCHEDULE  TIMEZONE  SUSPEND  ACTIVE  LAST SCHEDULE  AGE\nnightly  @daily  <none>  False  0  <none>  {age}',
    ),
    ok('create job now --from=cronjob/nightly', 'job.batch/now created'),
    ok(
      `get job now -o jsonpath='{.metadata.annotations} {.metadata.ownerReferences[0].kind}'`,
      '{"cronjob.kubernetes.io/instantiate":"manual"} CronJob',
    ),
    fails(
      'create cronjob broken --image=i:1 --schedule=daily',
      'error: failed to create cronjob: CronJob.batch "broken" is invalid: spec.schedule: Invalid value: "daily": expected exactly 5 fields, found 1: [daily]',
    ),
    fails(
      'create -f -',
      'error: error validating "STDIN": error validating data: kind not set; if you choose to ignore these errors, turn validation off with --validate=false',
      { input: { apiVersion: 'v1' } },
    ),
    fails(
      'create -f -',
      'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Nonsense" in version "v1"\nensure CRDs are installed first',
      { input: { apiVersion: 'v1', kind: 'Nonsense', metadata: { name: 'x' } } },
    ),
    fails('create -f missing.yaml', 'error: the path "missing.yaml" does not exist'),
  ],
};
