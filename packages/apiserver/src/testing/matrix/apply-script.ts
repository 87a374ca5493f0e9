import { configMap, deployment, listOf } from './manifests.ts';
import { fails, ok, type Script } from './row.ts';

const WEB = deployment('web');
const LABELLED = { labels: { set: 'p' } };

const KUSTOMIZATION = `resources: [map.yaml]
namePrefix: k-
labels: [{ pairs: { by: kustomize } }]
`;
const MAP_YAML = `apiVersion: v1
kind: ConfigMap
metadata:
  name: map
data: { a: "1" }
`;

/** Declarative changes: apply of both sides, diff, prune, kustomize, validation. */
export const APPLY: Script = {
  name: 'apply',
  files: { 'kustomization.yaml': KUSTOMIZATION, 'map.yaml': MAP_YAML, 'bad.yaml': 'kind: {' },
  rows: [
    ok('apply -f - --dry-run=client', 'deployment.apps/web created (dry run)', { input: WEB }),
    ok('apply -f - --dry-run=server', 'deployment.apps/web created (server dry run)', { input: WEB }),
    ok('apply -f -', 'deployment.apps/web created', { input: WEB }),
    ok('apply -f -', 'deployment.apps/web unchanged', { input: WEB }),
    ok('apply -f - --dry-run=server', 'deployment.apps/web configured (server dry run)', {
      input: deployment('web', { replicas: 2 }),
    }),
    ok('apply view-last-applied deploy/web -o json', '{\n{lines}"replicas": 1,\n{lines}}'),
    ok('diff -f -', '{lines}\n-  replicas: 1\n+  replicas: 3\n{lines}', {
      exit: 1,
      input: deployment('web', { replicas: 3 }),
    }),
    ok('diff -f -', '', { input: WEB }),
    ok('apply -f -', 'deployment.apps/web configured', { input: deployment('web', { replicas: 3 }) }),
    ok('get deploy web -o jsonpath={.spec.replicas}', '3'),
    fails(
      'apply -f -',
      `The Deployment "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable`,
      {
        input: deployment('web', {
          selector: { matchLabels: { app: 'other' } },
          template: { metadata: { labels: { app: 'other' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        }),
      },
    ),
    ok('create cm bare --from-literal=a=1', 'configmap/bare created'),
    ok('apply -f -', 'configmap/bare configured', {
      input: configMap('bare', { a: '2' }),
      err: 'Warning: resource configmaps/bare is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.',
    }),
    ok('create cm late --from-literal=a=1', 'configmap/late created'),
    fails(
      'apply set-last-applied -f -',
      'error: no last-applied-configuration annotation found on resource: late, to create the annotation, run the command with --create-annotation',
      {
        input: configMap('late', { a: '1' }),
      },
    ),
    ok('apply set-last-applied --create-annotation -f -', 'configmap/late configured', {
      input: configMap('late', { a: '1' }),
    }),
    ok('apply --server-side -f -', 'configmap/owned serverside-applied', {
      input: configMap('owned', { a: '1', b: '1' }),
    }),
    fails(
      'apply --server-side --field-manager=other -f -',
      `error: Apply failed with 1 conflict: conflict with "kubectl": .data.a
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`,
      { input: configMap('owned', { a: '2' }) },
    ),
    ok('apply --server-side --field-manager=other --force-conflicts -f -', 'configmap/owned serverside-applied', {
      input: configMap('owned', { a: '2' }),
    }),
    ok(
      "get cm owned --show-managed-fields -o jsonpath='{range .metadata.managedFields[*]}{.manager}:{.operation} {end}'",
      'kubectl:Apply other:Apply',
    ),
    ok('apply --server-side --dry-run=server -f -', 'configmap/fresh serverside-applied (server dry run)', {
      input: configMap('fresh', {}),
    }),
    fails('get cm fresh', 'Error from server (NotFound): configmaps "fresh" not found'),
    ok('apply -f -', 'configmap/one created\nconfigmap/two created', {
      input: listOf(configMap('one', { a: '1' }, LABELLED), configMap('two', { a: '1' }, LABELLED)),
    }),
    ok(
      'apply --prune -l set=p --prune-allowlist=core/v1/ConfigMap -f -',
      'configmap/one unchanged\nconfigmap/two pruned',
      { input: configMap('one', { a: '1' }, LABELLED) },
    ),
    ok(
      'kustomize .',
      `apiVersion: v1\ndata:\n  a: "1"\nkind: ConfigMap\nmetadata:\n  labels:\n    by: kustomize\n  name: k-map`,
    ),
    ok('apply -k .', 'configmap/k-map created'),
    ok('get -k . --no-headers', 'k-map  1  {age}'),
    ok('delete -k .', 'configmap "k-map" deleted{any}'),
    fails(
      'apply -f bad.yaml',
      'error: error parsing bad.yaml: error converting YAML to JSON: yaml: line 1: did not find expected node content',
    ),
    fails(
      'apply -f -',
      'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replcas"',
      { input: deployment('typo', { replcas: 2 }) },
    ),
    fails(
      'create --validate=strict -f -',
      'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replcas", unknown field "spec.template.spec.containers[0].img"',
      {
        input: deployment('typo', {
          replcas: 2,
          template: {
            metadata: { labels: { app: 'typo' } },
            spec: { containers: [{ name: 'c', image: 'i', img: 'x' }] },
          },
        }),
      },
    ),
    ok('create --validate=warn -f -', 'deployment.apps/typo created', {
      input: deployment('typo', { replcas: 2, replicas: 0 }),
      err: 'Warning: unknown field "spec.replcas"',
    }),
    ok('apply --validate=false -f -', 'configmap/loose created', { input: { ...configMap('loose', {}), extra: 1 } }),
    fails(
      'apply -f -',
      'The Deployment "bad" is invalid: spec.template.metadata.labels: Invalid value: {"app":"bad"}: `selector` does not match template `labels`',
      { input: deployment('bad', { selector: { matchLabels: { app: 'x' } } }) },
    ),
    fails(
      'apply -f -',
      'error: the namespace from the provided object "elsewhere" does not match the namespace "apply". You must pass \'--namespace=elsewhere\' to perform this operation.',
      {
        input: configMap('x', {}, { namespace: 'elsewhere' }),
        exit: 1,
        until: 0,
      },
    ),
    fails('apply -f -', 'Error from server (NotFound): error when creating "STDIN": namespaces "elsewhere" not found', {
      input: configMap('x', {}, { namespace: 'elsewhere' }),
    }),
    ok('delete deploy web typo', 'deployment.apps "web" deleted{any}\ndeployment.apps "typo" deleted{any}'),
  ],
};
