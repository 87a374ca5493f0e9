import { configMap, deployment } from './manifests.ts';
import { fails, ok, type Script } from './row.ts';

const EDITOR = '#!/bin/sh\nsed -i "s/blue/red/" "$1"\n';
const NO_EDIT = '#!/bin/sh\nexit 0\n';

/** Changes of objects that are there. */
export const CHANGE: Script = {
  name: 'change',
  files: { 'red.sh': EDITOR, 'nothing.sh': NO_EDIT },
  rows: [
    ok('create cm one --from-literal=color=blue', 'configmap/one created'),
    ok('create -f -', 'deployment.apps/web created', { input: deployment('web') }),
    ok('label cm one team=a', 'configmap/one labeled'),
    ok('label cm one team=a', 'configmap/one not labeled'),
    fails('label cm one team=b', `error: 'team' already has a value (a), and --overwrite is false`),
    ok('label cm one team=b --overwrite', 'configmap/one labeled'),
    ok('label cm one other=x', 'configmap/one labeled'),
    ok('label cm one team-', 'configmap/one unlabeled'),
    ok('label cm one team-', 'label "team" not found.\nconfigmap/one not labeled'),
    ok('label cm one --list', 'other=x'),
    ok('annotate cm one note=hello', 'configmap/one annotate{any}'),
    fails(
      'annotate cm one note=bye',
      "error: --overwrite is false but found the following declared annotation(s): 'note' already has a value (hello)",
    ),
    ok('annotate cm one note-', 'configmap/one annotate{any}'),
    ok(`patch cm one -p '{"data":{"size":"big"}}'`, 'configmap/one patched'),
    ok(`patch cm one -p '{"data":{"size":"big"}}'`, 'configmap/one patched (no change)'),
    ok(`patch cm one --type=merge -p '{"data":{"size":null}}'`, 'configmap/one patched'),
    ok(`patch cm one --type=json -p '[{"op":"add","path":"/data/x","value":"1"}]'`, 'configmap/one patched'),
    fails(
      `patch cm one --type=json -p '[{"op":"remove","path":"/data/none"}]'`,
      `The request is invalid: the server rejected our request due to an error in our request{any}`,
    ),
    fails(
      `patch cm one --type=json -p '[{"op":"test","path":"/data/x","value":"2"}]'`,
      'The request is invalid: the server rejected our request due to an error in our request{any}',
    ),
    fails(
      `patch deploy web -p '{"spec":{"replicas":"two"}}'`,
      'Error from server (BadRequest): json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
      { until: 0 },
    ),
    ok(
      `patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s:1"}]}}}}'`,
      'deployment.apps/web patched',
    ),
    ok('get deploy web -o jsonpath={.spec.template.spec.containers[*].name}', 'side c'),
    ok(
      `patch deploy web --subresource=status --type=merge -p '{"status":{"conditions":[{"type":"Test","status":"True"}]}}'`,
      'deployment.apps/web patched',
    ),
    ok(`get deploy web --subresource=scale -o jsonpath='{.kind} {.spec.replicas}'`, 'Scale 1'),
    ok(
      `patch deploy web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'`,
      'scale.autoscaling/web patched',
    ),
    ok('edit cm one', 'configmap/one edited', { env: { KUBE_EDITOR: './red.sh' } }),
    ok('get cm one -o jsonpath={.data.color}', 'red'),
    ok('edit cm one', '', { err: 'Edit cancelled, no changes made.', env: { KUBE_EDITOR: './nothing.sh' } }),
    ok('replace -f -', 'configmap/one replaced', { input: configMap('one', { color: 'green' }) }),
    ok('get cm one -o jsonpath={.data}', '{"color":"green"}'),
    fails('replace -f -', 'Error from server (NotFound): error when replacing "STDIN": configmaps "none" not found', {
      input: configMap('none', {}),
    }),
    fails(
      'replace -f -',
      'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "one": the object has been modified; please apply your changes to the latest version and try again',
      {
        input: configMap('one', {}, { resourceVersion: '1' }),
      },
    ),
    ok('replace --force -f -', 'configmap "one" deleted{any}\nconfigmap/one replaced', {
      input: configMap('one', { color: 'blue' }),
    }),
    ok('set image deploy/web c=i:2 side=s:2', 'deployment.apps/web image updated'),
    fails('set image deploy/web none=i:2', 'error: unable to find container named "none"'),
    ok('set env deploy/web A=1 --containers=c', 'deployment.apps/web env updated'),
    ok('set env deploy/web --list', '# Deployment web, container side\n# Deployment web, container c\nA=1'),
    ok(
      'set resources deploy/web -c c --limits=cpu=200m,memory=64Mi',
      'deployment.apps/web resource requirements updated',
    ),
    ok(
      'get deploy web -o jsonpath={.spec.template.spec.containers[1].resources}',
      '{"limits":{"cpu":"200m","memory":"64Mi"}}',
    ),
    ok('set serviceaccount deploy/web robot', 'deployment.apps/web serviceaccount updated'),
    ok('expose deploy web --port=80 --target-port=http --name=front', 'service/front exposed'),
    ok('set selector svc front app=other', 'service/front selector updated'),
    ok('get svc front -o wide --no-headers', 'front  ClusterIP  {ip}  <none>  80/TCP  {age}  app=other'),
    fails('expose deploy web', "error: couldn't find port via --port flag or introspection"),
    ok('scale deploy web --replicas=3', 'deployment.apps/web scaled'),
    fails('scale deploy web --replicas=1 --current-replicas=9', 'error: Expected replicas to be 9, was 3'),
    fails(
      'scale cm one --replicas=1',
      'Error from server (NotFound): the server could not find the requested resource',
      { out: '' },
    ),
    ok('autoscale deploy web --min=1 --max=4 --cpu-percent=80', 'horizontalpodautoscaler.autoscaling/web autoscaled', {
      err: '{lines}',
    }),
    ok(
      'get hpa web',
      'NAME  REFERENCE  TARGETS  MINPODS  MAXPODS  REPLICAS  AGE\nweb  Deployment/web  cpu: <unknown>/80%  1  4  0  {age}',
    ),
    ok('delete hpa web', 'horizontalpodautoscaler.autoscaling "web" deleted{any}'),
    ok('run solo --image=i:1 --port=80 --labels=a=b --env=X=1 --expose', 'service/solo created\npod/solo created'),
    fails('run solo --image=i:1', 'Error from server (AlreadyExists): pods "solo" already exists'),
    fails(
      `patch pod solo -p '{"spec":{"containers":[{"name":"solo","env":[]}],"hostNetwork":true}}'`,
      'The Pod "solo" is invalid: spec: Forbidden: pod updates may not change fields other than {lines}',
    ),
    ok('set image pod/solo solo=i:2', 'pod/solo image updated'),
    fails('edit cm none', 'Error from server (NotFound): configmaps "none" not found', {
      env: { KUBE_EDITOR: './red.sh' },
    }),
  ],
};
