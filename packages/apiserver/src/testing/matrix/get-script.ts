import { deployment, listOf } from './manifests.ts';
import { fails, ok, type Script } from './row.ts';

const PLAIN_YAML = `apiVersion: v1
data:
  color: blue
kind: ConfigMap
metadata:
  creationTimestamp: "{time}"
  labels:
    team: a
  name: plain
  namespace: get
  resourceVersion: "{number}"
  uid: {uid}`;

const PLAIN_JSON = `{
    "apiVersion": "v1",
    "data": {
        "color": "blue"
    },
    "kind": "ConfigMap",
    "metadata": {
        "creationTimestamp": "{time}",
        "labels": {
            "team": "a"
        },
        "name": "plain",
        "namespace": "get",
        "resourceVersion": "{number}",
        "uid": "{uid}"
    }
}`;

const SETUP = listOf(
  deployment('web', { replicas: 2 }),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web' },
    spec: {
      ingressClassName: 'c',
      tls: [{ hosts: ['web.test'], secretName: 't' }],
      rules: [
        {
          host: 'web.test',
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'web' },
    spec: { podSelector: { matchLabels: { app: 'web' } } },
  },
);

/** Everything `get` prints. */
export const GET: Script = {
  name: 'get',
  rows: [
    ok('create configmap plain --from-literal=color=blue', 'configmap/plain created'),
    ok('label cm plain team=a', 'configmap/plain labeled'),
    ok(
      'apply -f -',
      'deployment.apps/web created\nservice/web created\ningress.networking.k8s.io/web created\nnetworkpolicy.networking.k8s.io/web created',
      { input: SETUP },
    ),
    ok('rollout status deploy/web --timeout=60s', '{lines}deployment "web" successfully rolled out'),
    ok(
      'get pods',
      'NAME  READY  STATUS  RESTARTS  AGE\nweb-{id}-{id}  1/1  Running  0  {age}\nweb-{id}-{id}  1/1  Running  0  {age}',
    ),
    ok(
      'get pods -l app=web -o wide',
      'NAME  READY  STATUS  RESTARTS  AGE  IP  NODE  NOMINATED NODE  READINESS GATES\nweb-{id}-{id}  1/1  Running  0  {age}  {ip}  node-{number}  <none>  <none>\nweb-{id}-{id}  1/1  Running  0  {age}  {ip}  node-{number}  <none>  <none>',
    ),
    ok('get deploy web', 'NAME  READY  UP-TO-DATE  AVAILABLE  AGE\nweb  2/2  2  2  {age}'),
    ok(
      'get deploy -o wide',
      'NAME  READY  UP-TO-DATE  AVAILABLE  AGE  CONTAINERS  IMAGES  SELECTOR\nweb  2/2  2  2  {age}  c  i:1  app=web',
    ),
    ok(
      'get rs -o wide',
      'NAME  DESIRED  CURRENT  READY  AGE  CONTAINERS  IMAGES  SELECTOR\nweb-{id}  2  2  2  {age}  c  i:1  app=web,pod-template-hash={id}',
    ),
    ok(
      'get svc,ing,netpol',
      'NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE\nservice/web  ClusterIP  {ip}  <none>  80/TCP  {age}\n\nNAME  CLASS  HOSTS  ADDRESS  PORTS  AGE\ningress.networking.k8s.io/web  c  web.test   80, 443  {age}\n\nNAME  POD-SELECTOR  AGE\nnetworkpolicy.networking.k8s.io/web  app=web  {age}',
    ),
    ok(
      "wait endpointslice -l kubernetes.io/service-name=web --for=jsonpath='{.endpoints[1].conditions.ready}'=true --timeout=60s",
      'endpointslice.discovery.k8s.io/web-{id} condition met',
    ),
    ok('get endpointslices', 'NAME  ADDRESSTYPE  PORTS  ENDPOINTS  AGE\nweb-{id}  IPv4  80  {ip},{ip}  {age}'),
    ok('get endpoints web -w', 'NAME  ENDPOINTS  AGE\n{lines}web  {ip}:80,{ip}:80  {age}', {
      meanwhile: 'version --client',
      err: 'Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice{lines}',
    }),
    ok(
      'get nodes',
      'NAME  STATUS  ROLES  AGE  VERSION\nnode-1  Ready  <none>  {age}  v1.33.0\nnode-2  Ready  <none>  {age}  v1.33.0',
    ),
    ok(
      'get node node-1 -o wide',
      'NAME  STATUS  ROLES  AGE  VERSION  INTERNAL-IP  EXTERNAL-IP  OS-IMAGE  KERNEL-VERSION  CONTAINER-RUNTIME\nnode-1  Ready  <none>  {age}  v1.33.0  192.0.2.11  <none>  Debian  6.1.0  containerd://2.0.0',
    ),
    ok('get sa', 'NAME  SECRETS  AGE\ndefault  0  {age}'),
    ok('get ns get --show-labels', 'NAME  STATUS  AGE  LABELS\nget  Active  {age}  kubernetes.io/metadata.name=get'),
    ok('get cm plain -L team', 'NAME  DATA  AGE  TEAM\nplain  1  {age}  a'),
    ok('get cm plain -o yaml', PLAIN_YAML),
    ok('get cm plain -o json', PLAIN_JSON),
    ok('get cm/plain deploy/web -o name', 'configmap/plain\ndeployment.apps/web'),
    ok('get cm plain -o jsonpath={.data.color}', 'blue'),
    ok("get pods -o jsonpath='{range .items[*]}{.status.phase} {end}'", 'Running Running'),
    ok(
      'get cm plain -o custom-columns=NAME:.metadata.name,COLOR:.data.color,NONE:.data.x',
      'NAME  COLOR  NONE\nplain  blue  <none>',
    ),
    ok("get cm plain -o go-template='{{.kind}} {{.data.color}}'", 'ConfigMap blue'),
    ok('get cm plain --no-headers', 'plain  1  {age}'),
    ok(
      'get deploy -A --field-selector metadata.namespace=get',
      'NAMESPACE  NAME  READY  UP-TO-DATE  AVAILABLE  AGE\nget  web  2/2  2  2  {age}',
    ),
    ok(
      'get pods --field-selector=status.phase=Running,spec.nodeName!=node-9 --no-headers -o name --chunk-size=1',
      'pod/web-{id}-{id}\npod/web-{id}-{id}',
    ),
    ok(
      "get ns --sort-by=.metadata.name -o name -l 'kubernetes.io/metadata.name in (get,default)'",
      'namespace/default\nnamespace/get',
    ),
    ok(
      'get node --sort-by=.status.addresses[0].address --no-headers',
      'node-1  Ready  <none>  {age}  v1.33.0\nnode-2  Ready  <none>  {age}  v1.33.0',
    ),
    ok('get pods -l app=none', '', { err: 'No resources found in get namespace.' }),
    ok('get pods -A -l app=none', '', { err: 'No resources found' }),
    ok('get cm nothing --ignore-not-found', ''),
    fails('get cm nothing', 'Error from server (NotFound): configmaps "nothing" not found'),
    fails('get deploy web nothing', 'Error from server (NotFound): deployments.apps "nothing" not found', {
      out: 'NAME  READY  UP-TO-DATE  AVAILABLE  AGE\nweb  2/2  2  2  {age}',
    }),
    fails('get nonsense', 'error: the server doesn\'t have a resource type "nonsense"'),
    fails('get pods -n nowhere', 'No resources found in nowhere namespace.', { exit: 0 }),
    fails(
      'get pods --field-selector=spec.image=a',
      'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "spec.image=a": field label not supported: spec.image',
    ),
    fails(
      "get pods -l 'a b'",
      `Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "a b", field selector "": unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt`,
    ),
    ok('get cm plain -w', 'NAME  DATA  AGE\nplain  1  {age}\nplain  1  {age}{lines}', {
      meanwhile: 'annotate cm plain tick=% --overwrite',
    }),
    ok('get cm -w --watch-only --output-watch-events', 'EVENT  NAME  DATA  AGE\nMODIFIED  plain  1  {age}{lines}', {
      meanwhile: 'annotate cm plain tick=%0 --overwrite',
    }),
    ok('get cm plain -w -o jsonpath={.metadata.annotations.tock};', '{any};{lines}7;{lines}', {
      meanwhile: 'annotate cm plain tock=%7 --overwrite',
    }),
    ok('get --raw /api/v1/namespaces/get/configmaps/nothing', '', {
      exit: 1,
      err: 'Error from server (NotFound): configmaps "nothing" not found',
    }),
    ok('get --raw /readyz', 'ok'),
    ok('get --raw /livez', 'ok'),
    ok('events', '{lines}'),
    fails('get events nothing', 'Error from server (NotFound): events "nothing" not found'),
    ok(
      'get all',
      '{lines}pod/web-{id}-{id}  1/1  Running  0  {age}\n{lines}service/web  ClusterIP  {ip}  <none>  80/TCP  {age}\n{lines}deployment.apps/web  2/2  2  2  {age}\n{lines}replicaset.apps/web-{id}  2  2  2  {age}',
    ),
  ],
};
