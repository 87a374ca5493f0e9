import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectTcp } from '@podwire/kernel';
import type { EndpointModel, ServiceModel } from '../model.ts';
import { NodeNamespaces } from './namespaces.ts';
import { findPlace } from './place.ts';
import { SocketPlan } from './plan.ts';
import { SocketHooks } from './socket-hooks.ts';
import { SocketMaps } from './socket-maps.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';

const skip = lackingSocketProbe();

test(
  'the last of ten thousand services is reached, and one change writes its elements only',
  { skip, timeout: 600_000 },
  () =>
    withSocketWorld('nftables', async (world, place) => {
      const { near1, client } = world.netns;
      const endpoints = [5, 6].map((last) => ({
        address: `10.244.1.${last}`,
        port: 8080,
        ready: true,
        fallback: false,
        local: true,
        maybeLocal: true,
      })) as unknown as readonly EndpointModel[];
      const serviceOf = (i: number, count = 2) =>
        ({
          ...{
            namespace: 'default',
            name: `s${i}`,
            clusterAddresses: [`10.97.${i >> 8}.${i & 255}`],
            externalAddresses: [],
          },
          ...{ loadBalancerAddresses: [], affinitySeconds: 0, internalLocal: false, externalLocal: false },
          ports: [{ name: '', protocol: 'tcp', port: 80, endpoints: endpoints.slice(0, count) }],
        }) as unknown as ServiceModel;
      const services = new Map(Array.from({ length: 10_000 }, (_, i) => [`default/s${i}`, serviceOf(i)]));
      const node = { name: 'n', addresses: [], nodePortAddresses: [], podCidrs: [] };
      const view = { cluster: { podCidrs: [], serviceCidrs: [] }, node, services, foreign: new Map() };
      const where = findPlace(place, place.runDirectory);
      const plan = new SocketPlan();
      const maps = new SocketMaps(where.pins);
      const hooks = new SocketHooks(where, maps);
      try {
        assert.equal(maps.write(plan.update(view, 'all')), 30_000);
        new NodeNamespaces({ netns: client }, maps).refresh();
        hooks.attach(true);
        const socket = await connectTcp({ netns: client, address: '10.97.39.15', port: 80 });
        assert.equal(socket.remoteAddress, '10.97.39.15');
        socket.destroy();
        assert.equal(maps.mend(plan.entries), 0);
        services.set('default/s9999', serviceOf(9999, 1));
        assert.equal(maps.write(plan.update(view, new Set(['default/s9999']))), 2);
        services.delete('default/s9999');
        assert.equal(maps.write(plan.update(view, new Set(['default/s9999']))), 2);
        assert.deepEqual(maps.drift(plan.entries), []);
        await assert.rejects(connectTcp({ netns: near1, address: '10.97.0.1', port: 80, timeout: 200 }));
      } finally {
        hooks.detach();
        hooks.close();
        maps.close();
      }
    }),
);
