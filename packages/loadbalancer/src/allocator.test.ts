import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '@podwire/base';
import type { ClusterConfig, KubeClient, Service } from '@podwire/kube';
import { FakeInformers } from '@podwire/kube/testing';
import { type AddressAllocator, startAddressAllocator } from './allocator.ts';

/** An API of Services and Events that is as slow to show a write as a real watch. */
function fakeCluster() {
  const informers = new FakeInformers();
  const events: string[] = [];
  const writes: string[] = [];
  const client = {
    patch: async (_kind: string, key: { name: string; namespace: string }, patch: { status: object }) => {
      const service = informers.of('Service').get(key.name, key.namespace);
      if (!service) throw new Error('gone');
      writes.push(`${key.name} ${JSON.stringify(patch.status)}`);
      setTimeout(() => informers.put('Service', { ...service, status: { ...service.status, ...patch.status } }), 5);
    },
    get: async () => undefined,
    create: async (_kind: string, event: { reason: string; message: string }) =>
      events.push(`${event.reason}: ${event.message}`),
  } as unknown as KubeClient;
  const config = { loadBalancerPools: ['172.30.0.192/31', 'fd00::/64'] } as unknown as ClusterConfig;
  const start = () => startAddressAllocator({ client, informers, config, logger: silentLogger });
  return { informers, events, writes, start };
}

const service = (name: string, spec: NonNullable<Service['spec']> = { type: 'LoadBalancer' }): Service => ({
  metadata: { namespace: 'default', name, uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' as never },
  spec,
});
/** Waits until it is so, and then until what was written has been shown and looked at. */
async function settle(allocator: AddressAllocator, isSo: () => boolean): Promise<void> {
  for (let left = 3000, more = 5; left > 0 && more > 0; left--) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await allocator.idle();
    if (isSo()) more--;
  }
}

test('addresses are written once with ipMode VIP, exhaustion is told once, a freed address is used again', async () => {
  const cluster = fakeCluster();
  for (const name of ['a', 'b', 'c']) cluster.informers.put('Service', service(name));
  cluster.informers.put('Service', service('other', { type: 'LoadBalancer', loadBalancerClass: 'example.com/other' }));
  const allocator = await cluster.start();
  await settle(allocator, () => cluster.writes.length >= 2 && cluster.events.length > 0);
  assert.deepEqual(cluster.writes, [
    'a {"loadBalancer":{"ingress":[{"ip":"172.30.0.192","ipMode":"VIP"}]}}',
    'b {"loadBalancer":{"ingress":[{"ip":"172.30.0.193","ipMode":"VIP"}]}}',
  ]);
  assert.equal(cluster.events.length, 1);
  assert.match(cluster.events[0] ?? '', /^AddressPoolExhausted: no address is free: 2 are in use/);
  cluster.informers.remove('Service', service('a'));
  await settle(allocator, () => cluster.writes.length >= 3);
  assert.match(cluster.writes.at(-1) ?? '', /^c .*172.30.0.192/);
  await allocator.stop();
});

test('a restart writes nothing; a service that is no load balancer any more loses its address', async () => {
  const cluster = fakeCluster();
  cluster.informers.put('Service', {
    ...service('a'),
    status: { loadBalancer: { ingress: [{ ip: '172.30.0.193' }] } },
  });
  const allocator = await cluster.start();
  await allocator.idle();
  assert.deepEqual(cluster.writes, []);
  const now = cluster.informers.of('Service').get('a', 'default');
  cluster.informers.put('Service', { ...now, spec: { type: 'ClusterIP' } } as Service);
  await settle(allocator, () => cluster.writes.length > 0);
  assert.deepEqual(cluster.writes, ['a {"loadBalancer":{"ingress":[]}}']);
  await allocator.stop();
});
