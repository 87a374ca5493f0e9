import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PodwireError } from '@podwire/base';
import { connectTcp, listenTcp } from '@podwire/kernel';
import type { ClusterConfig, Node } from '@podwire/kube';
import { putService, putSlice } from './api-objects.fixture.ts';
import { ADDRESS, ADDRESS6, type Place, type World, withWorld } from './world.fixture.ts';

const HEALTH_PORT = 10_256;

/** GET, by hand since it goes through another namespace; undefined when refused. */
async function get({ netns }: World, url: { from: Place; address: string; port: number; path?: string }) {
  const { from, address, port, path = '/' } = url;
  try {
    const socket = await connectTcp({ netns: netns[from], address, port, timeout: 60_000 });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: node\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += chunk;
    const [head = '', ...body] = text.split('\r\n\r\n');
    const json = /\{.*\}/.exec(body.join(''))?.[0] ?? '{}';
    return { status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1]), head, body: JSON.parse(json) };
  } catch (error) {
    if (error instanceof PodwireError && error.details.errnoName === 'ECONNREFUSED') return undefined;
    throw error;
  }
}

test('health of services and of the proxy, over the network', { timeout: 600_000 }, (t) =>
  withWorld(
    async (world) => {
      const { informers } = world;
      const port = 31_000;
      const spec = {
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        ports: [{ name: 'http', port: 80, nodePort: 30_000 }],
      };
      const outside = { from: 'outside', address: ADDRESS.node } as const;

      await t.test('a health check node port follows local endpoints and the policy (SVC-15)', async () => {
        const name = putService(informers, '10.96.0.1', { ...spec, healthCheckNodePort: port });
        await world.room.idle();
        const found = await get(world, { ...outside, port });
        assert.deepEqual(
          [found?.status, found?.body],
          [200, { service: { namespace: 'default', name }, localEndpoints: 2, serviceProxyHealthy: true }],
        );
        assert.match(found?.head ?? '', /x-load-balancing-endpoint-weight: 2\r/i);
        assert.equal((await get(world, { from: 'outside', address: ADDRESS6.node, port }))?.status, 200);
        putSlice(informers, name, { backends: ['far'] });
        await world.room.idle();
        assert.equal((await get(world, { ...outside, port }))?.status, 503);
        putService(informers, '10.96.0.1', { ...spec, externalTrafficPolicy: 'Cluster' }, name);
        await world.room.idle();
        assert.equal(await get(world, { ...outside, port }), undefined);
        putService(informers, '10.96.0.1', { ...spec, healthCheckNodePort: port + 1 }, name);
        await world.room.idle();
        assert.equal((await get(world, { ...outside, port: port + 1 }))?.status, 200);
        informers.remove('Service', { metadata: { namespace: 'default', name } });
        await world.room.idle();
        assert.equal(await get(world, { ...outside, port: port + 1 }), undefined);
      });

      await t.test('a port that somebody has is told, and taken when it is free', async () => {
        const other = await listenTcp({ netns: world.netns.node, address: '::', port });
        const name = putService(informers, '10.96.0.2', { ...spec, healthCheckNodePort: port });
        await world.room.idle();
        assert.match(world.room.status().errors.join(), /health port 31000 cannot be opened/);
        assert.equal((await world.connect('client', '10.96.0.2', 80)).source, ADDRESS.client);
        await new Promise((resolve) => other.close(resolve));
        await world.room.resync();
        assert.deepEqual(world.room.status().errors, []);
        assert.equal((await get(world, { ...outside, port }))?.status, 200);
        informers.remove('Service', { metadata: { namespace: 'default', name } });
      });

      await t.test('the proxy drains a node that goes, and lives on (SVC-16)', async () => {
        const ask = async (path: string) => (await get(world, { ...outside, port: HEALTH_PORT, path }))?.status;
        assert.deepEqual([await ask('/healthz'), await ask('/livez'), await ask('/x')], [200, 200, 404]);
        const node = informers.of('Node').get('node-1') as Node;
        informers.put('Node', {
          ...node,
          spec: { ...node.spec, taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] },
        });
        assert.deepEqual([await ask('/healthz'), await ask('/livez')], [503, 200]);
        informers.put('Node', node);
        assert.equal(await ask('/healthz'), 200);
        informers.remove('Node', node);
        assert.deepEqual([await ask('/healthz'), await ask('/livez')], [503, 200]);
        informers.put('Node', node);
      });

      await t.test('a stopped room gives its ports up, a new one has them', async () => {
        await world.restart();
        assert.equal((await get(world, { ...outside, port: HEALTH_PORT, path: '/livez' }))?.status, 200);
      });
    },
    () => ({ config: { proxyHealthPort: HEALTH_PORT } as Partial<ClusterConfig> }),
  ),
);

test('node ports at the addresses of the given ranges (SVC-9)', { timeout: 600_000 }, () =>
  withWorld(
    async (world) => {
      const ports = [{ name: 'http', port: 80, nodePort: 30_000 }];
      putService(world.informers, '10.96.0.1', { type: 'NodePort', ports });
      await world.room.idle();
      // of the link, not of the Node object
      assert.equal((await world.connect('outside', '203.0.113.1', 30_000)).source, ADDRESS.node);
      await assert.rejects(world.connect('outside', ADDRESS.node, 30_000, 400));
      world.run('node', 'ip', 'addr', 'add', '203.0.113.2/24', 'dev', 'uplink');
      await world.room.resync();
      assert.equal((await world.connect('outside', '203.0.113.2', 30_000)).source, ADDRESS.node);
    },
    () => ({ config: { nodePortAddresses: ['203.0.113.0/24'] } as unknown as Partial<ClusterConfig> }),
  ),
);
