import { fails, ok, type Script } from './row.ts';

/** What the server says about itself. */
export const DISCOVERY: Script = {
  name: 'discovery',
  rows: [
    ok('api-versions', `admissionregistration.k8s.io/v1\n{lines}apps/v1\n{lines}v1`),
    ok(
      'api-resources --api-group=apps',
      'NAME  SHORTNAMES  APIVERSION  NAMESPACED  KIND\ncontrollerrevisions    apps/v1  true  ControllerRevision\ndaemonsets  ds  apps/v1  true  DaemonSet\ndeployments  deploy  apps/v1  true  Deployment\nreplicasets  rs  apps/v1  true  ReplicaSet\nstatefulsets  sts  apps/v1  true  StatefulSet',
    ),
    ok(
      'api-resources --api-group=apps -o wide --no-headers',
      'controllerrevisions    apps/v1  true  ControllerRevision  create,delete,deletecollection,get,list,patch,update,watch  \ndaemonsets  ds  apps/v1  true  DaemonSet  create,delete,deletecollection,get,list,patch,update,watch  all\ndeployments  deploy  apps/v1  true  Deployment  create,delete,deletecollection,get,list,patch,update,watch  all\nreplicasets  rs  apps/v1  true  ReplicaSet  create,delete,deletecollection,get,list,patch,update,watch  all\nstatefulsets  sts  apps/v1  true  StatefulSet  create,delete,deletecollection,get,list,patch,update,watch  all',
    ),
    ok(
      'api-resources --namespaced=false --api-group=networking.k8s.io -o name',
      'ingressclasses.networking.k8s.io\nipaddresses.networking.k8s.io\nservicecidrs.networking.k8s.io',
    ),
    ok('api-resources --categories=all --api-group= -o name', 'pods\nreplicationcontrollers\nservices'),
    ok('version', 'Client Version: v1.{number}.{any}\nKustomize Version: v{any}\nServer Version: v1.{number}.{any}', {
      from: 28,
      err: '{lines}',
    }),
    ok('version -o json', '{lines}"serverVersion": {{lines}"gitVersion": "v1.{any}"{lines}', { err: '{lines}' }),
    ok(
      'cluster-info',
      "{any}Kubernetes control plane{any} is running at {any}https://127.0.0.1:{any}\n\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.",
    ),
    ok('config current-context', 'podwire'),
    ok(
      'config get-contexts',
      'CURRENT  NAME  CLUSTER  AUTHINFO  NAMESPACE\n*  podwire  podwire  podwire-admin  discovery',
    ),
    ok(
      'config view --minify -o jsonpath={.users[0].user}',
      '{"client-certificate-data":"DATA+OMITTED","client-key-data":"DATA+OMITTED"}',
    ),
    ok(
      'explain pod.spec.containers.image',
      'KIND:       Pod\nVERSION:    v1\n\nFIELD: image <string>\n\n{lines}DESCRIPTION:\n{lines}',
    ),
    ok(
      'explain deployment.spec.strategy',
      'GROUP:      apps\nKIND:       Deployment\nVERSION:    v1\n\nFIELD: strategy <DeploymentStrategy>\n{lines}FIELDS:\n  rollingUpdate  <RollingUpdateDeployment>\n{lines}  type  <string>\n{lines}',
    ),
    ok(
      'explain svc.spec --recursive',
      '{lines}  ports  <[]ServicePort>\n    appProtocol  <string>\n    name  <string>\n    nodePort  <integer>\n    port  <integer> -required-\n    protocol  <string>\n{lines}    targetPort  <IntOrString>\n{lines}',
    ),
    ok(
      'explain hpa --api-version=autoscaling/v1',
      'GROUP:      autoscaling\nKIND:       HorizontalPodAutoscaler\nVERSION:    v1\n{lines}',
    ),
    ok(
      'explain ingress.spec.rules --output=plaintext-openapiv2',
      'KIND:     Ingress\nVERSION:  networking.k8s.io/v1\n\nRESOURCE: rules <[]Object>\n{lines}   host  <string>\n{lines}   http  <Object>\n{lines}',
    ),
    fails('explain pod.spec.nonsense', 'error: field "nonsense" does not exist', { out: '{lines}' }),
    fails('explain nonsense', `the server doesn't have a resource type "nonsense"`),
    ok('proxy --port=0', 'Starting to serve on 127.0.0.1:{number}', { meanwhile: 'version --client' }),
    ok('get --raw /openapi/v2', '{"swagger":"2.0"{any}'),
    fails('nonsense', 'error: unknown command "nonsense" for "kubectl"{lines}'),
    fails('get pods --nonsense', "error: unknown flag: --nonsense\nSee 'kubectl get --help' for usage."),
  ],
};

/** Who may do what. */
export const ACCESS: Script = {
  name: 'access',
  rows: [
    ok('auth can-i create pods', 'yes'),
    ok('auth can-i create pods --as=ann', 'no', { exit: 1 }),
    ok('auth can-i get pods/log -q', ''),
    ok('auth can-i get nonsense', 'yes', { err: "Warning: the server doesn't have a resource type 'nonsense'" }),
    ok('auth can-i get nodes', 'yes', { err: "Warning: resource 'nodes' is not namespace scoped" }),
    ok(
      'auth whoami',
      'ATTRIBUTE  VALUE\nUsername  kubernetes-admin\nGroups  [system:masters system:authenticated]{lines}',
      { from: 28 },
    ),
    ok('auth whoami --as=ann --as-group=team', 'ATTRIBUTE  VALUE\nUsername  ann\nGroups  [team system:authenticated]', {
      from: 28,
    }),
    // A server of 1.33 has only the version that kubectl 1.28 learned.
    fails('auth whoami', 'error: the selfsubjectreviews API is not enabled in the cluster\n{any}', { until: 27 }),
    ok('create role reader --verb=get --resource=pods', 'role.rbac.authorization.k8s.io/reader created'),
    ok('create rolebinding ann --role=reader --user=ann', 'rolebinding.rbac.authorization.k8s.io/ann created'),
    ok('auth can-i get pods --as=ann', 'yes'),
    ok(
      'auth can-i --list --as=ann',
      'Resources  Non-Resource URLs  Resource Names  Verbs\n{lines}pods  []  []  [get]{lines}',
    ),
    fails(
      'get pods --as=ann',
      'Error from server (Forbidden): pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "access"',
    ),
    fails('get pod x --as=ann', 'Error from server (NotFound): pods "x" not found'),
    fails(
      'delete cm x --as=ann',
      'Error from server (Forbidden): configmaps "x" is forbidden: User "ann" cannot delete resource "configmaps" in API group "" in the namespace "access"',
    ),
    fails(
      'create deployment d --image=i --as=ann',
      'error: failed to create deployment: deployments.apps is forbidden: User "ann" cannot create resource "deployments" in API group "apps" in the namespace "access"',
    ),
    ok('auth reconcile -f -', 'role.rbac.authorization.k8s.io/reader reconciled', {
      err: '\treconciliation required update\n\tmissing rules added:\n\t\t{Verbs:[list] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}',
      input: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'reader', namespace: 'access' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
      },
    }),
    ok('auth can-i list pods --as=ann', 'yes'),
    fails('top nodes', 'error: Metrics API not available'),
    fails('top pods', 'error: Metrics API not available'),
    fails(
      'certificate approve nothing',
      'Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "nothing" not found',
    ),
    ok('get nodes', '', { exit: 1, env: { KUBECONFIG: '/nonexistent' }, err: '{lines}' }),
    fails(
      'get pods --server=https://127.0.0.1:1',
      '{lines}The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?',
    ),
  ],
};
