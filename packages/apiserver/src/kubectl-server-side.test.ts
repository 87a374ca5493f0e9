import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clusterOf } from './testing/cluster-of.fixture.ts';
import { findKubectls } from './testing/kubectl.ts';

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: Record<string, unknown>;
}

interface Shown {
  readonly metadata: {
    readonly managedFields?: readonly Entry[];
    readonly resourceVersion: string;
    readonly labels?: object;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: { readonly replicas: number; readonly template: { readonly spec: { readonly containers: object[] } } };
}

const deployment = (name: string, spec: object, labels: object = { app: name }) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'a', image: 'i:1' }] } },
    ...spec,
  },
});

for (const kubectl of findKubectls()) {
  describe(`server-side apply of kubectl 1.${kubectl.minor}`, () => {
    const current = clusterOf(kubectl);
    const shown = async (name: string) =>
      JSON.parse(await current().ok(`get deployment ${name} -o json --show-managed-fields`)) as Shown;
    const owners = ({ metadata }: Shown) =>
      (metadata.managedFields ?? []).map(({ manager, operation, subresource }) =>
        [manager, operation, ...(subresource ? [subresource] : [])].join(' '),
      );

    test('what is applied is owned, and applying it again changes nothing', async () => {
      const config = deployment('one', { replicas: 2 });
      assert.equal(await current().ok('apply --server-side -f -', config), 'deployment.apps/one serverside-applied\n');
      const first = await shown('one');
      assert.deepEqual(owners(first), ['kubectl Apply']);
      assert.deepEqual(first.metadata.managedFields?.[0]?.fieldsV1, {
        'f:metadata': { 'f:labels': { 'f:app': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:selector': {},
          'f:template': {
            'f:metadata': { 'f:labels': { 'f:app': {} } },
            'f:spec': { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
          },
        },
      });
      await current().ok('apply --server-side -f -', config);
      assert.equal((await shown('one')).metadata.resourceVersion, first.metadata.resourceVersion);
      assert.doesNotMatch(await current().ok('get deployment one -o yaml'), /managedFields/);
    });

    test('a field of another manager is a conflict until it is forced', async () => {
      await current().ok('apply --server-side -f -', deployment('two', { replicas: 2 }));
      await current().ok('scale deployment two --replicas=5');
      const text = await current().fails('apply --server-side -f -', deployment('two', { replicas: 3 }));
      assert.match(
        text,
        /^error: Apply failed with 1 conflict: conflict with "kubectl[.0-9]*" with subresource "scale" using apps\/v1: \.spec\.replicas\n/,
      );
      const other = await current().fails(
        'apply --server-side --field-manager=other -f -',
        deployment('two', { replicas: 3 }, { app: 'x' }),
      );
      assert.match(
        other,
        /^error: Apply failed with 2 conflicts: conflicts with "kubectl":\n- \.metadata\.labels\.app\nconflicts with "kubectl[.0-9]*" with subresource "scale" using apps\/v1:\n- \.spec\.replicas\n/,
      );
      await current().ok('apply --server-side --force-conflicts -f -', deployment('two', { replicas: 3 }));
      const forced = await shown('two');
      assert.equal(forced.spec.replicas, 3);
      assert.deepEqual(owners(forced), ['kubectl Apply']);
    });

    test('what is no longer applied goes, unless somebody else has it', async () => {
      const labels = { app: 'three', mine: '1', shared: '1' };
      await current().ok('apply --server-side -f -', deployment('three', { paused: true, replicas: 4 }, labels));
      await current().ok('apply --server-side --field-manager=other -f -', {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'three', labels: { shared: '1' } },
      });
      await current().ok('apply --server-side -f -', deployment('three', {}, { app: 'three' }));
      const { metadata, spec } = await shown('three');
      assert.deepEqual(metadata.labels, { app: 'three', shared: '1' });
      assert.equal(spec.replicas, 1);
      assert.equal('paused' in spec, false);
    });

    test('objects of client-side apply are taken over', async () => {
      await current().ok('apply -f -', deployment('four', { replicas: 2 }, { app: 'four', old: '1' }));
      assert.deepEqual(owners(await shown('four')), ['kubectl-client-side-apply Update']);
      await current().ok('apply --server-side -f -', deployment('four', { replicas: 3 }));
      const { metadata, spec } = await shown('four');
      assert.deepEqual([spec.replicas, metadata.labels], [3, { app: 'four' }]);
      const last = metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'] ?? '';
      assert.equal((JSON.parse(last) as Shown).spec.replicas, 3);
      await current().ok('apply -f -', deployment('four', { replicas: 4 }));
      assert.equal((await shown('four')).spec.replicas, 4);
    });

    test('updates, labels and patches are recorded; an empty entry forgets all', async () => {
      await current().ok('create deployment five --image=i:1');
      await current().ok('label deployment five x=1');
      await current().ok('patch deployment five --subresource=status -p {"status":{"replicas":1}}');
      const five = await shown('five');
      assert.deepEqual(owners(five), ['kubectl-create Update', 'kubectl-label Update', 'kubectl-patch Update status']);
      assert.deepEqual(five.metadata.managedFields?.[1]?.fieldsV1, { 'f:metadata': { 'f:labels': { 'f:x': {} } } });
      await current().ok('patch deployment five --type=merge -p {"metadata":{"managedFields":[{}]}}');
      assert.equal((await shown('five')).metadata.managedFields, undefined);
      await current().ok('scale deployment five --replicas=2');
      const text = await current().fails('apply --server-side -f -', deployment('five', { replicas: 3 }));
      assert.match(text, /conflict with "before-first-apply" using apps\/v1/);
    });

    test('configurations that cannot be merged are refused', async () => {
      const twice = { template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } };
      const text = await current().fails('apply --server-side -f -', deployment('six', twice));
      assert.match(
        text,
        /failed to create typed patch object \(default\/six; apps\/v1, Kind=Deployment\): \.spec\.template\.spec\.containers: duplicate entries for key \[name="a"\]/,
      );
      const long = 'm'.repeat(129);
      const refused = await current().fails(`apply --server-side --field-manager=${long} -f -`, deployment('six', {}));
      assert.match(refused, /fieldManager: Too long: may not be more than 128 bytes/);
    });
  });
}
