import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { placeIn } from '../placement.ts';
import { PROVISIONER, SELECTED_NODE } from '../volumes/claim-plan.ts';
import { ClusterView } from './cluster-view.ts';

type Claim = ObjectOf<'PersistentVolumeClaim'>;
type Volume = ObjectOf<'PersistentVolume'>;

const nodes = ['a', 'b'].map(
  (name): ObjectOf<'Node'> => ({
    metadata: { name, labels: { host: name } },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  }),
);
const classes = ['fast', 'local', 'zonal'].map(
  (name): ObjectOf<'StorageClass'> => ({
    metadata: { name },
    provisioner: name === 'local' ? 'kubernetes.io/no-provisioner' : PROVISIONER,
    volumeBindingMode: 'WaitForFirstConsumer',
    ...(name === 'zonal' ? { allowedTopologies: [{ matchLabelExpressions: [{ key: 'host', values: ['b'] }] }] } : {}),
  }),
);
const claim = (name: string, { metadata = {}, status, ...spec }: Partial<Claim> & Claim['spec'] = {}): Claim => ({
  metadata: { name, namespace: 'default', uid: name, ...metadata },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  status: status ?? {},
});
const bound = (name: string, volumeName: string): Claim => claim(name, { volumeName, status: { phase: 'Bound' } });
const volume = (name: string, host: string, more: Volume['spec'] = {}): Volume => {
  const nodeSelectorTerms = [{ matchExpressions: [{ key: 'host', operator: 'In', values: [host] }] }];
  const nodeAffinity = { required: { nodeSelectorTerms } };
  const spec = { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, storageClassName: 'local' };
  return { metadata: { name }, spec: { ...spec, nodeAffinity, ...more } };
};

const mounting = (names: readonly string[], spec: object = {}): ObjectOf<'Pod'> => {
  const volumes = names.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
  return { metadata: { namespace: 'default' }, spec: { containers: [], volumes, ...spec } };
};

interface Asked {
  readonly wanted?: readonly string[];
  readonly pods?: readonly ObjectOf<'Pod'>[];
}

function place(claims: readonly Claim[], volumes: readonly Volume[] = [], { wanted, pods = [] }: Asked = {}): string {
  const named =
    <T extends Named>(all: readonly T[]) =>
    (name: string) =>
      all.find((one) => nameOf(one) === name);
  const storage = {
    ...{ claim: named(claims), volume: named(volumes), volumes: () => volumes, storageClass: named(classes) },
    csiNode: () => undefined,
  };
  const placement = placeIn(mounting(wanted ?? claims.map(nameOf)), new ClusterView(nodes, pods, { storage }));
  return 'node' in placement ? placement.node : placement.refused.replace(/^0\/2 nodes are available: /, '');
}
type Named = { readonly metadata?: { readonly name?: string } };
const nameOf = ({ metadata }: Named): string => metadata?.name ?? '';

const hopeless = 'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';

test('no node will do while a claim is missing, going, lost or waits for no pod', () => {
  assert.equal(place([], [], { wanted: ['x'] }), `persistentvolumeclaim "x" not found. ${hopeless}`);
  assert.equal(place([claim('x')]), `pod has unbound immediate PersistentVolumeClaims. ${hopeless}`);
  assert.match(place([claim('x'), claim('y')], [], { wanted: ['x', 'z'] }), /^persistentvolumeclaim "z" not found\./);
  const going = claim('x', { metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' } });
  assert.match(place([going]), /^persistentvolumeclaim "x" is being deleted\./);
  const lost = claim('x', { volumeName: 'v', status: { phase: 'Lost' } });
  assert.match(place([lost]), /^persistentvolumeclaim "x" bound to non-existent persistentvolume "v"\./);
});

test('a bound volume has its pod on a node that it can be reached from', () => {
  assert.equal(place([bound('x', 'v')], [volume('v', 'b')]), 'b');
  assert.equal(
    place([bound('x', 'v')], [volume('v', 'c')]),
    `2 node(s) had volume node affinity conflict. ${hopeless}`,
  );
  assert.match(place([bound('x', 'v'), bound('y', 'w')], [volume('v', 'a'), volume('w', 'b')]), /^2 node\(s\) had/);
  assert.match(place([bound('x', 'v')]), /^2 node\(s\) unavailable due to one or more pvc\(s\) bound to non-existent/);
});

test('a claim that waits for its pod gets a volume there is on the node, or one that is made', () => {
  const local = claim('x', { storageClassName: 'local' });
  const other = claim('y', { storageClassName: 'local' });
  assert.equal(place([local], [volume('v', 'b')]), 'b');
  assert.equal(place([local, other], [volume('v', 'a'), volume('w', 'b'), volume('x', 'b')]), 'b');
  const none = "node(s) didn't find available persistent volumes to bind";
  assert.equal(place([local]), `2 ${none}. ${hopeless}`);
  assert.match(place([local, other], [volume('v', 'a'), volume('w', 'b')]), new RegExp(`^2 ${none.slice(0, 4)}`));
  assert.equal(place([claim('x', { storageClassName: 'fast' })]), 'a');
  assert.equal(place([claim('x', { storageClassName: 'zonal' })]), 'b');
  const annotations = { [SELECTED_NODE]: 'b' };
  assert.equal(place([claim('x', { storageClassName: 'fast', metadata: { annotations } })]), 'b');
  const claimRef = { namespace: 'default', name: 'x' };
  assert.equal(place([local], [volume('v', 'a'), volume('kept', 'b', { claimRef })]), 'b');
});

test('a claim of one pod only is not given to another, on whatever node', () => {
  const claims = [
    claim('x', { ...bound('x', 'v').spec, accessModes: ['ReadWriteOncePod'], status: { phase: 'Bound' } }),
  ];
  const volumes = [volume('v', 'a')];
  const pods = [mounting(['x'], { nodeName: 'a' })];
  const words = /^2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode\./;
  assert.match(place(claims, volumes, { pods }), words);
  const over = pods.map((pod) => ({ ...pod, status: { phase: 'Succeeded' } }));
  assert.equal(place(claims, volumes, { pods: over }), 'a');
  assert.equal(place([bound('x', 'v')], volumes, { pods }), 'a');
});
