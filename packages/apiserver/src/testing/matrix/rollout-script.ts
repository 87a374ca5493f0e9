import { deployment } from './manifests.ts';
import { fails, ok, type Script } from './row.ts';

/** Rollouts, waiting and deletion. */
export const ROLLOUT: Script = {
  name: 'rollout',
  rows: [
    ok('create -f -', 'deployment.apps/web created', { input: deployment('web', { replicas: 2 }) }),
    ok('rollout status deploy/web --timeout=60s', '{lines}deployment "web" successfully rolled out'),
    ok('rollout status deploy/web', 'deployment "web" successfully rolled out'),
    ok('annotate deploy web kubernetes.io/change-cause=first', 'deployment.apps/web annotate{any}'),
    ok('set image deploy/web c=i:2', 'deployment.apps/web image updated'),
    ok('rollout status deploy/web --timeout=60s', '{lines}deployment "web" successfully rolled out'),
    ok('annotate deploy web kubernetes.io/change-cause=second --overwrite', 'deployment.apps/web annotate{any}'),
    ok(
      'wait deploy web --for=jsonpath={.status.observedGeneration}=2 --timeout=30s',
      'deployment.apps/web condition met',
    ),
    ok('rollout history deploy/web', 'deployment.apps/web \nREVISION  CHANGE-CAUSE\n1  first\n2  {any}'),
    ok(
      'rollout history deploy/web --revision=1',
      'deployment.apps/web with revision #1\nPod Template:\n  Labels:\tapp=web\n\tpod-template-hash={id}\n{lines}  Containers:\n   c:\n    Image:  i:1{lines}'
        .replace('Labels:\t', 'Labels:{any}')
        .replace('{any}app=web', '{any}'),
    ),
    ok('rollout undo deploy/web', 'deployment.apps/web rolled back'),
    ok('rollout status deploy/web --timeout=60s', '{lines}deployment "web" successfully rolled out'),
    ok('get deploy web -o jsonpath={.spec.template.spec.containers[0].image}', 'i:1'),
    fails('rollout undo deploy/web --to-revision=9', 'error: unable to find specified revision 9 in history'),
    ok('rollout pause deploy/web', 'deployment.apps/web paused'),
    fails('rollout pause deploy/web', 'error: deployments.apps "web" is already paused'),
    fails(
      'rollout undo deploy/web',
      "error: you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
    ),
    ok('rollout resume deploy/web', 'deployment.apps/web resumed'),
    ok('rollout restart deploy/web', 'deployment.apps/web restarted'),
    ok('rollout status deploy/web --timeout=60s', '{lines}deployment "web" successfully rolled out'),
    ok('wait deploy/web --for=condition=Available --timeout=60s', 'deployment.apps/web condition met'),
    ok("wait deploy/web --for=jsonpath='{.status.readyReplicas}=2' --timeout=60s", 'deployment.apps/web condition met'),
    ok('wait pod -l app=web --for=condition=Ready --timeout=60s', '{lines}pod/web-{id}-{id} condition met'),
    fails(
      'wait deploy/web --for=condition=Never --timeout=1s',
      // where its watch began late, client-go warns before that of a very short one
      '{lines}error: timed out waiting for the condition on deployments/web',
    ),
    fails(
      'wait deploy/none --for=condition=Available --timeout=1s',
      'Error from server (NotFound): deployments.apps "none" not found',
    ),
    fails('wait pod -l app=none --for=condition=Ready --timeout=1s', 'error: no matching resources found'),
    ok('wait cm/none --for=delete --timeout=5s', ''),
    ok('scale deploy web --replicas=0', 'deployment.apps/web scaled'),
    ok('wait pod -l app=web --for=delete --timeout=60s', '{lines}'),
    ok('scale deploy web --replicas=1', 'deployment.apps/web scaled'),
    ok('rollout status deploy/web --timeout=60s', '{lines}deployment "web" successfully rolled out'),
    ok('delete deploy web --cascade=orphan', 'deployment.apps "web" deleted{any}'),
    ok('get rs -l app=web --no-headers', 'web-{id}  {number}  {number}  {number}  {age}{lines}'),
    ok('delete rs -l app=web --cascade=foreground', '{lines}replicaset.apps "web-{id}" deleted{lines}'),
    ok('get pods -l app=web', '', { err: 'No resources found in rollout namespace.' }),
    ok('create cm a', 'configmap/a created'),
    ok('create cm b', 'configmap/b created'),
    ok('delete cm a --dry-run=client', 'configmap "a" deleted{any} (dry run)'),
    ok('delete cm a --dry-run=server', 'configmap "a" deleted{any} (server dry run)'),
    ok('delete cm a --wait=false -o name', 'configmap/a'),
    fails('delete cm a b', 'Error from server (NotFound): configmaps "a" not found', {
      out: 'configmap "b" deleted{any}',
    }),
    ok('delete cm a --ignore-not-found', ''),
    fails('delete cm', 'error: resource(s) were provided, but no name was specified'),
    ok('delete cm -l none=1', 'No resources found'),
    ok('create cm c', 'configmap/c created'),
    ok(`patch cm c -p '{"metadata":{"finalizers":["test.io/hold"]}}'`, 'configmap/c patched'),
    fails('delete cm c --timeout=1s', '{lines}error: timed out waiting for the condition on configmaps/c', {
      out: 'configmap "c" deleted{any}',
    }),
    ok(`get cm c -o jsonpath='{.metadata.deletionGracePeriodSeconds} {.metadata.finalizers[0]}'`, '0 test.io/hold'),
    ok(`patch cm c --type=json -p '[{"op":"remove","path":"/metadata/finalizers"}]'`, 'configmap/c patched'),
    fails('get cm c', 'Error from server (NotFound): configmaps "c" not found'),
    ok('run solo --image=i:1', 'pod/solo created'),
    ok('wait pod/solo --for=jsonpath={.status.phase}=Running --timeout=60s', 'pod/solo condition met'),
    ok('delete pod solo --grace-period=0 --force', 'pod "solo" force deleted{any}', {
      err: 'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
    }),
    ok('create ns rollout-gone', 'namespace/rollout-gone created'),
    ok('create cm x -n rollout-gone', 'configmap/x created'),
    ok('delete ns rollout-gone --timeout=60s', 'namespace "rollout-gone" deleted'),
    fails('create cm x -n rollout-gone', 'error: failed to create configmap: namespaces "rollout-gone" not found'),
    ok('delete all --all', '{lines}'),
  ],
};
