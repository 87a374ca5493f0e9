import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KINDS } from '@podwire/kube';
import { CERTIFICATE_REQUEST } from './testing/certificate-request.ts';
import { clusterOf } from './testing/cluster-of.fixture.ts';
import { findKubectls } from './testing/kubectl.ts';

const TEMPLATE = {
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'c', image: 'i:1' }] },
};
const ONE_TIME = { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } };
const RULES = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
const WEBHOOK = {
  name: 'check.example.com',
  clientConfig: { service: { name: 's', namespace: 'default' } },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  rules: RULES,
};

/** The least that makes an object of the kind, and what `kubectl get` shows of it after its name. */
const OBJECTS: readonly (readonly [type: string, fields: object, shown: RegExp])[] = [
  ['v1 LimitRange', { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } }, /^CREATED AT\s+20\d\d-/],
  ['v1 ResourceQuota', { spec: { hard: { pods: '3' } } }, /^REQUEST\s+LIMIT\s+AGE/],
  ['v1 PodTemplate', { template: TEMPLATE }, /^CONTAINERS\s+IMAGES\s+POD LABELS\s+c\s+i:1\s+app=a/],
  ['v1 ReplicationController', { spec: { template: TEMPLATE } }, /^DESIRED\s+CURRENT\s+READY\s+AGE\s+1\s+0\s+0\s/],
  [
    'v1 PersistentVolume',
    {
      spec: {
        accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
        capacity: { storage: '1Gi' },
        hostPath: { path: '/tmp' },
        storageClassName: 'fast',
      },
    },
    /\s1Gi\s+RWO,ROX\s+Retain\s+Pending\s+fast\s+<unset>\s/,
  ],
  [
    'v1 PersistentVolumeClaim',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    /\sPending\s+<unset>\s/,
  ],
  ['apps/v1 ControllerRevision', { data: { a: 1 }, revision: 3 }, /^CONTROLLER\s+REVISION\s+AGE\s+<none>\s+3\s/],
  ['batch/v1 Job', { spec: { template: ONE_TIME } }, /^STATUS\s+COMPLETIONS\s+DURATION\s+AGE\s+Running\s+0\/1\s/],
  [
    'batch/v1 CronJob',
    { spec: { schedule: '@daily', jobTemplate: { spec: { template: ONE_TIME } } } },
    /^SCHEDULE\s+TIMEZONE\s+SUSPEND\s+ACTIVE\s+LAST SCHEDULE\s+AGE\s+@daily\s+<none>\s+False\s+0\s+<none>\s/,
  ],
  [
    'autoscaling/v2 HorizontalPodAutoscaler',
    { spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'a', apiVersion: 'apps/v1' } } },
    /\sDeployment\/a\s+cpu: <unknown>\/80%\s+1\s+3\s+0\s/,
  ],
  ['policy/v1 PodDisruptionBudget', { spec: { minAvailable: 1 } }, /ALLOWED DISRUPTIONS\s+AGE\s+1\s+N\/A\s+0\s/],
  [
    'scheduling.k8s.io/v1 PriorityClass',
    { value: 5 },
    /^VALUE\s+GLOBAL-DEFAULT\s+AGE\s+PREEMPTIONPOLICY\s+5\s+false\s/,
  ],
  [
    'rbac.authorization.k8s.io/v1 Role',
    { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
    /^CREATED AT\s+20/,
  ],
  ['rbac.authorization.k8s.io/v1 ClusterRole', { rules: [] }, /^CREATED AT\s+20/],
  ['rbac.authorization.k8s.io/v1 RoleBinding', { roleRef: { kind: 'Role', name: 'r' } }, /^ROLE\s+AGE\s+Role\/r\s/],
  [
    'rbac.authorization.k8s.io/v1 ClusterRoleBinding',
    { roleRef: { kind: 'ClusterRole', name: 'r' } },
    /^ROLE\s+AGE\s+ClusterRole\/r\s/,
  ],
  [
    'storage.k8s.io/v1 StorageClass',
    { provisioner: 'p.example.com' },
    /ALLOWVOLUMEEXPANSION\s+AGE\s+p\.example\.com\s+Delete\s+Immediate\s+false\s/,
  ],
  [
    'storage.k8s.io/v1 CSIDriver',
    { spec: {} },
    /^ATTACHREQUIRED\s+PODINFOONMOUNT\s+STORAGECAPACITY\s+TOKENREQUESTS\s+REQUIRESREPUBLISH\s+MODES\s+AGE\s+true\s+false\s+false\s+<unset>\s+false\s+Persistent\s/,
  ],
  ['storage.k8s.io/v1 CSINode', { spec: { drivers: [{ name: 'd', nodeID: 'n' }] } }, /^DRIVERS\s+AGE\s+1\s/],
  [
    'storage.k8s.io/v1 CSIStorageCapacity',
    { storageClassName: 'fast', capacity: '1Gi' },
    /^STORAGECLASSNAME\s+CAPACITY\s+fast\s+1Gi/,
  ],
  [
    'storage.k8s.io/v1 VolumeAttachment',
    { spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'p' } } },
    /^ATTACHER\s+PV\s+NODE\s+ATTACHED\s+AGE\s+d\s+p\s+n\s+false\s/,
  ],
  [
    'certificates.k8s.io/v1 CertificateSigningRequest',
    {
      spec: {
        request: CERTIFICATE_REQUEST,
        signerName: 'example.com/s',
        usages: ['client auth'],
        expirationSeconds: 3600,
      },
    },
    /^AGE\s+SIGNERNAME\s+REQUESTOR\s+REQUESTEDDURATION\s+CONDITION\s+\S+\s+example.com\/s\s+kubernetes-admin\s+60m\s+Pending/,
  ],
  [
    'flowcontrol.apiserver.k8s.io/v1 FlowSchema',
    { spec: { priorityLevelConfiguration: { name: 'p' } } },
    /^PRIORITYLEVEL\s+MATCHINGPRECEDENCE\s+DISTINGUISHERMETHOD\s+AGE\s+MISSINGPL\s+p\s+1000\s+<none>\s+\S+\s+\?/,
  ],
  [
    'flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration',
    { spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } } },
    /^TYPE\s+NOMINALCONCURRENCYSHARES\s+QUEUES\s+HANDSIZE\s+QUEUELENGTHLIMIT\s+AGE\s+Limited\s+30\s+64\s+8\s+50\s/,
  ],
  ['multicluster.x-k8s.io/v1alpha1 ServiceExport', {}, /^AGE\s+\d/],
  [
    'multicluster.x-k8s.io/v1alpha1 ServiceImport',
    { spec: { type: 'ClusterSetIP', ips: ['10.96.0.77'], ports: [{ port: 80, protocol: 'TCP' }] } },
    /^TYPE\s+IP\s+AGE\s+ClusterSetIP\s+\["10\.96\.0\.77"\]\s/,
  ],
  ['node.k8s.io/v1 RuntimeClass', { handler: 'h' }, /^HANDLER\s+AGE\s+h\s/],
  ['admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration', { webhooks: [WEBHOOK] }, /^WEBHOOKS\s+AGE\s+1\s/],
  ['admissionregistration.k8s.io/v1 MutatingWebhookConfiguration', { webhooks: [WEBHOOK] }, /^WEBHOOKS\s+AGE\s+1\s/],
  [
    'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy',
    { spec: { matchConstraints: { resourceRules: RULES }, validations: [{ expression: 'true' }] } },
    /^VALIDATIONS\s+PARAMKIND\s+AGE\s+1\s+<unset>\s/,
  ],
  [
    'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding',
    { spec: { policyName: 'p', validationActions: ['Deny'] } },
    /^POLICYNAME\s+PARAMREF\s+AGE\s+p\s+<unset>\s/,
  ],
  [
    'admissionregistration.k8s.io/v1 MutatingAdmissionPolicy',
    {
      spec: {
        matchConstraints: { resourceRules: RULES },
        mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
        reinvocationPolicy: 'Never',
      },
    },
    /^MUTATIONS\s+PARAMKIND\s+AGE\s+1\s+<unset>\s/,
  ],
  [
    'admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding',
    { spec: { policyName: 'p' } },
    /^POLICYNAME\s+PARAMREF\s+AGE\s+p\s+<unset>\s/,
  ],
];

const [kubectl] = findKubectls();
if (!kubectl) {
  test('kubectl', { skip: 'probe kubectl: no kubectl of 1.29 or newer on PATH or in a Google Cloud SDK' }, () => {});
} else {
  describe(`kinds, with kubectl 1.${kubectl.minor}`, () => {
    const current = clusterOf(kubectl);

    test('every kind is among the resources, with its short names', async () => {
      const lines = (await current().ok('api-resources --no-headers')).trim().split('\n');
      for (const { plural, group, apiVersion, shortNames, namespaced, kind } of KINDS) {
        // Of several versions in a group the most stable one is shown.
        const shown = group === 'multicluster.x-k8s.io' ? `${group}/v1beta1` : apiVersion;
        const found = lines.find((line) => line.startsWith(`${plural} `) && line.includes(` ${shown} `));
        assert.ok(found, `${plural} ${shown}`);
        const words = [plural, ...(shortNames.length > 0 ? [shortNames.join(',')] : []), shown, namespaced, kind];
        assert.deepEqual(found.split(/\s+/), words.map(String));
      }
    });

    test('objects of every kind are made and shown', async () => {
      const it = current();
      const items = OBJECTS.map(([type, fields]) => {
        const [apiVersion, kind] = type.split(' ');
        return { apiVersion, kind, metadata: { name: 'the-one' }, ...fields };
      });
      await it.ok('apply -f -', { apiVersion: 'v1', kind: 'List', items });
      for (const [type, , shown] of OBJECTS) {
        const [apiVersion = '', kind = ''] = type.split(' ');
        const { group, plural } =
          KINDS.find((one) => one.kind === kind && one.apiVersion === apiVersion) ?? assert.fail(type);
        const output = await it.ok(`get ${[plural, group].filter(Boolean).join('.')} the-one`);
        assert.match(output.replace(/^NAME\s+/, '').replace(/\nthe-one\s+/, '\n'), shown, type);
      }
      const again = await it.ok('apply -f -', { apiVersion: 'v1', kind: 'List', items });
      // kubectl writes lists anew whose items have got defaults.
      const changed = [
        'limitrange',
        'validatingwebhookconfiguration',
        'mutatingwebhookconfiguration',
        'validatingadmissionpolicy',
        'mutatingadmissionpolicy',
      ];
      const lines = again
        .trim()
        .split('\n')
        .filter((line) => !line.endsWith(' unchanged'));
      assert.deepEqual(
        lines.map((line) => line.split(/[./]/)[0]),
        changed,
        again,
      );
    });

    test('all kinds at once, in all namespaces', async () => {
      const it = current();
      const all = await it.ok('get all -A');
      for (const name of ['job.batch', 'cronjob.batch', 'horizontalpodautoscaler.autoscaling', 'replicationcontroller'])
        assert.match(all, new RegExp(`default +${name}/the-one `), name);
      const plurals = KINDS.filter(({ isReadOnly }) => !isReadOnly).map(({ plural, group }) => `${plural}.${group}`);
      await it.ok(`get ${plurals.map((name) => name.replace(/\.$/, '')).join(',')} -A -o name`);
      assert.equal((await it.run('get componentstatuses')).stderr.split('\n').at(-2), 'No resources found');
      assert.match(await it.ok('get pc'), /system-node-critical\s+2000001000\s+false\s/);
    });

    test('fields are explained', async () => {
      const it = current();
      assert.match(await it.ok('explain job.spec.podFailurePolicy.rules'), /action\s+<string>/);
      assert.match(await it.ok('explain clusterrolebinding.subjects'), /namespace\s+<string>/);
      assert.match(await it.ok('explain crd.spec.versions.schema.openAPIV3Schema'), /x-kubernetes-validations/);
      assert.match(
        await it.ok('explain hpa --api-version=autoscaling/v1 --recursive'),
        /targetCPUUtilizationPercentage/,
      );
      assert.match(await it.ok('explain events --api-version=events.k8s.io/v1'), /reportingController\s+<string>/);
    });

    test('an Event has two faces', async () => {
      const it = current();
      await it.ok('create -f -', {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'e', namespace: 'default' },
        eventTime: new Date().toISOString().replace('Z', '000Z'),
        regarding: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'default' },
        note: 'it is on',
        reason: 'Started',
        action: 'Start',
        type: 'Normal',
        reportingController: 'example.com/test',
        reportingInstance: 'test-0',
      });
      const core = JSON.parse(await it.ok('get events e -o json'));
      assert.equal(core.apiVersion, 'v1');
      assert.deepEqual(
        [core.message, core.involvedObject.name, core.reportingComponent],
        ['it is on', 'p', 'example.com/test'],
      );
      const other = JSON.parse(await it.ok('get events.events.k8s.io e -o json'));
      assert.equal(other.apiVersion, 'events.k8s.io/v1');
      assert.deepEqual([other.note, other.regarding.name, other.message], ['it is on', 'p', undefined]);
      assert.match(await it.ok('get events.events.k8s.io'), /Normal\s+Started\s+pod\/p\s+it is on/);
      assert.match(await it.ok('events --for pod/p'), /Started\s+Pod\/p\s+it is on/);
    });

    test('an autoscaler of a share of the CPU, in both versions', async () => {
      const it = current();
      await it.ok('create deployment scaled --image=i:1');
      await it.ok('autoscale deployment scaled --min=2 --max=5 --cpu-percent=50');
      const { spec } = JSON.parse(await it.ok('get hpa scaled -o json'));
      assert.deepEqual(spec.metrics, [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      ]);
      const old = JSON.parse(
        await it.ok('get --raw /apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/scaled'),
      );
      assert.deepEqual(
        [old.spec.targetCPUUtilizationPercentage, old.spec.minReplicas, old.spec.metrics],
        [50, 2, undefined],
      );
    });

    test('objects of every kind are described', async () => {
      const it = current();
      for (const [type] of OBJECTS) {
        const [apiVersion = '', kind = ''] = type.split(' ');
        const { group, plural } =
          KINDS.find((one) => one.kind === kind && one.apiVersion === apiVersion) ?? assert.fail(type);
        const text = await it.ok(`describe ${[plural, group].filter(Boolean).join('.')} the-one`);
        assert.match(text, /^Name:\s+the-one$/m, type);
      }
    });

    test('a ReplicationController is scaled', async () => {
      const it = current();
      assert.match(await it.ok('scale rc the-one --replicas=4'), /the-one scaled/);
      assert.equal(await it.ok('get rc the-one -o jsonpath={.spec.replicas}'), '4');
      const scale = await it.ok('get --raw /api/v1/namespaces/default/replicationcontrollers/the-one/scale');
      assert.equal(JSON.parse(scale).status.selector, 'app=a');
    });
  });
}
