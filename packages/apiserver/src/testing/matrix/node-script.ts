import { fails, ok, type Script } from './row.ts';

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'guest', labels: { app: 'guest' } },
  spec: { nodeName: 'node-2', containers: [{ name: 'c', image: 'i:1', ports: [{ containerPort: 80 }] }] },
};

/** Nodes, and what goes on in pods. */
export const NODE: Script = {
  name: 'node',
  files: { 'a.txt': 'a\n' },
  rows: [
    ok('create -f -', 'pod/guest created', { input: POD }),
    ok('wait pod/guest --for=condition=Ready --timeout=60s', 'pod/guest condition met'),
    ok('logs guest --tail=1', 'three'),
    ok('logs -l app=guest --prefix', '[pod/guest/c] one\n[pod/guest/c] two\n[pod/guest/c] three'),
    fails('logs guest -c none', 'error: container none is not valid for pod guest'),
    fails('logs none', '{any}(NotFound): pods "none" not found{any}'),
    fails('logs deploy/none', '{any}rror from server (NotFound): deployments.apps "none" not found{any}'),
    ok('exec guest -- date', 'ran date'),
    fails('exec guest -c none -- date', 'Error from server (BadRequest): container none is not valid for pod guest'),
    fails('exec none -- date', 'Error from server (NotFound): pods "none" not found'),
    fails('exec guest', 'error: you must specify at least one command for the container'),
    fails('attach none', 'Error from server (NotFound): pods "none" not found'),
    fails('cp a.txt b.txt', 'error: one of src or dest must be a remote file specification', { exit: 1 }),
    fails('cp none:/a.txt b.txt', 'Error from server (NotFound): pods "none" not found'),
    fails('port-forward pod/none :80', 'Error from server (NotFound): pods "none" not found'),
    fails('port-forward svc/none :80', 'Error from server (NotFound): services "none" not found'),
    ok(`run lonely --image=i:1 --overrides='{"spec":{"nodeSelector":{"none":"x"}}}'`, 'pod/lonely created'),
    ok('get pod lonely', 'NAME  READY  STATUS  RESTARTS  AGE\nlonely  0/1  Pending  0  {age}'),
    ok('logs lonely', ''),
    fails('exec lonely -- date', 'Error from server (BadRequest): pod lonely does not have a host assigned'),
    ok('debug lonely --image=i:2 --target=lonely -c look --profile=general', 'Targeting container "lonely".{any}'),
    ok('get pod lonely -o jsonpath={.spec.ephemeralContainers[*].name}', 'look'),
    fails(
      `patch pod lonely --subresource=resize -p '{"spec":{"containers":[{"name":"lonely","resources":{"limits":{"cpu":"1"}}}]}}'`,
      'The Pod "lonely" is invalid: spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing',
      { from: 32 },
    ),
    fails(
      'port-forward pod/lonely :80',
      'error: unable to forward port because pod is not running. Current status=Pending',
    ),
    ok('delete pod lonely', 'pod "lonely" deleted{any}'),
    ok('taint node node-2 dedicated=x:NoSchedule', 'node/node-2 tainted'),
    fails(
      'taint node node-2 dedicated=y:NoSchedule',
      'error: node node-2 already has dedicated taint(s) with same effect(s) and --overwrite is false',
    ),
    ok('get node node-2 -o jsonpath={.spec.taints}', '[{"effect":"NoSchedule","key":"dedicated","value":"x"}]'),
    ok('taint node node-2 dedicated-', 'node/node-2 untainted'),
    ok('cordon node-2', 'node/node-2 cordoned'),
    ok('cordon node-2', 'node/node-2 already cordoned'),
    ok(
      'get node node-2',
      'NAME  STATUS  ROLES  AGE  VERSION\nnode-2  Ready,SchedulingDisabled  <none>  {age}  v1.33.0',
    ),
    fails(
      'drain node-2 --pod-selector=app=guest',
      `error: unable to drain node "node-2" due to error:{lines}cannot delete {any}node/guest{lines}`,
      { out: 'node/node-2 already cordoned' },
    ),
    ok(
      'drain node-2 --force --pod-selector=app=guest --timeout=60s',
      'node/node-2 already cordoned\nevicting pod node/guest\npod/guest evicted\nnode/node-2 drained',
      { err: 'Warning: deleting Pods {any}: node/guest' },
    ),
    ok('uncordon node-2', 'node/node-2 uncordoned'),
    fails('cordon none', 'Error from server (NotFound): nodes "none" not found'),
    fails('drain none', 'Error from server (NotFound): nodes "none" not found'),
    ok('label node node-1 node-role.kubernetes.io/worker=', 'node/node-1 labeled'),
    ok('get node node-1 --no-headers', 'node-1  Ready  worker  {age}  v1.33.0'),
    ok('label node node-1 node-role.kubernetes.io/worker-', 'node/node-1 unlabeled'),
  ],
};
