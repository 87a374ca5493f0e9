import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterConfig, Informer, KindName } from '@podwire/kube';
import { FakeInformers } from '@podwire/kube/testing';
import { FollowedObjects } from './followed-objects.ts';
import { nodeFromApi } from './model-from-api.ts';
import { NodeState } from './node-state.ts';
import { PeerState } from './peer-state.ts';
import { ProxyCounts } from './proxy-counts.ts';
import { ServiceStore } from './service-store.ts';

/** Of an API server that has said that it does not have the newer kinds. */
class OldServer extends FakeInformers {
  override of<K extends KindName>(kind: K): Informer<K> {
    const informer = super.of(kind);
    if (kind !== 'ServiceImport' && kind !== 'ServiceCIDR') return informer;
    return { ...informer, synced: new Promise(() => {}), hasSynced: false };
  }
}

function follow(informers: FakeInformers) {
  const cluster = { podCidrs: [], serviceCidrs: [] };
  const store = new ServiceStore(cluster, nodeFromApi(undefined, 'node-1'));
  const node = new NodeState({ nodeName: 'node-1', config: cluster as unknown as ClusterConfig });
  const counts = new ProxyCounts();
  const seen = { changes: 0 };
  const followed = { store, node, peers: new PeerState('node-1'), counts };
  const objects = new FollowedObjects(informers, followed, () => seen.changes++);
  return { objects, store, counts, seen };
}

test('kinds that the API server does not have are not waited for, and looked at when they come', async () => {
  const informers = new OldServer();
  const { objects, store, seen } = follow(informers);
  await objects.begin();
  store.refresh();
  const imported = (ip: string) => ({
    metadata: { namespace: 'shop', name: 'web' },
    spec: { type: 'ClusterSetIP' as const, ips: [ip], ports: [{ port: 80 }] },
  });
  const addresses = () => {
    store.refresh();
    return [...store.services.values()].flatMap(({ clusterAddresses }) => clusterAddresses);
  };
  informers.put('ServiceImport', imported('10.96.7.1'));
  assert.equal(seen.changes, 1);
  assert.deepEqual(addresses(), ['10.96.7.1']);
  informers.put('ServiceImport', imported('10.96.7.2'));
  assert.deepEqual(addresses(), ['10.96.7.2']);
  informers.remove('ServiceImport', imported('10.96.7.2'));
  assert.deepEqual(addresses(), []);
  objects.stop();
  informers.put('ServiceImport', imported('10.96.7.3'));
  assert.deepEqual(addresses(), []);
});

test('slices are counted when they are of a service, so that a pass follows', async () => {
  const informers = new FakeInformers();
  const { objects, store, counts, seen } = follow(informers);
  await objects.begin();
  store.refresh();
  const put = (name: string, labels: Record<string, string>) =>
    informers.put('EndpointSlice', {
      metadata: { namespace: 'shop', name, labels },
      addressType: 'IPv4',
      endpoints: [],
    });
  put('stray', {});
  assert.deepEqual([counts.endpoints.told, seen.changes], [0, 0]);
  put('web-1', { 'kubernetes.io/service-name': 'web' });
  assert.deepEqual([counts.endpoints.told, seen.changes], [1, 1]);
  objects.stop();
});
