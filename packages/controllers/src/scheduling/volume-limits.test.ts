import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { placeIn } from '../placement.ts';
import { ClusterView } from './cluster-view.ts';
import type { StorageView } from './storage-view.ts';

const DRIVER = 'disk.example.com';

const node: ObjectOf<'Node'> = {
  metadata: { name: 'a' },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
};
const csi = (volumeHandle: string) => ({ driver: DRIVER, volumeHandle });
/** Claim `v1` is bound to a volume of handle 1; claim `new` waits for one to be made. */
const storage = (count: number | undefined): StorageView => ({
  claim: (name) => ({
    metadata: { name, namespace: 'default' },
    spec: name === 'new' ? { storageClassName: 'disks' } : { volumeName: name },
    status: { phase: name === 'new' ? 'Pending' : 'Bound' },
  }),
  volume: (name) => ({ metadata: { name }, spec: { csi: csi(name.slice(1)) } }),
  volumes: () => [],
  storageClass: () => ({ provisioner: DRIVER, volumeBindingMode: 'WaitForFirstConsumer' }),
  csiNode: (name) => ({
    metadata: { name },
    spec: { drivers: [{ name: DRIVER, nodeID: name, ...(count === undefined ? {} : { allocatable: { count } }) }] },
  }),
});
const pod = (name: string, claims: readonly string[], nodeName?: string): ObjectOf<'Pod'> => ({
  metadata: { name, namespace: 'default' },
  spec: {
    containers: [],
    volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
    ...(nodeName ? { nodeName } : {}),
  },
});

const full = '0/1 nodes are available: 1 node(s) exceed max volume count.';

/** Where a pod with these claims goes beside pods with those, or why nowhere. */
function place(claims: readonly string[], count: number | undefined, others: readonly (readonly string[])[]): string {
  const present = others.map((theirs, index) => pod(`other-${index}`, theirs, 'a'));
  const placement = placeIn(pod('one', claims), new ClusterView([node], present, { storage: storage(count) }));
  return 'node' in placement ? placement.node : placement.reasons;
}

test('a node takes as many volumes of a CSI driver as its CSINode says', () => {
  assert.equal(place(['v1'], 2, [['v2']]), 'a');
  assert.equal(place(['v1'], 2, [['v2'], ['v3']]), full);
  assert.equal(place(['v1', 'v2'], 2, [['v3']]), full);
  assert.equal(place(['v1'], 2, [['v1', 'v2'], ['v1']]), 'a', 'the same volume is attached once');
  assert.equal(place(['v1'], undefined, [['v2'], ['v3']]), 'a', 'the node does not say');
  assert.equal(place([], 0, [['v2']]), 'a');
  assert.equal(place(['v1'], 0, []), full);
});

test('volumes that are still to be made count, too', () => {
  assert.equal(place(['new'], 1, [['v1']]), full);
  assert.equal(place(['new'], 2, [['v1']]), 'a');
  assert.equal(place(['v1'], 1, [['new']]), full);
});
