import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { parsePrefix } from '@podwire/base';
import { connectTcp } from '@podwire/kernel';
import { putService, putSlice, type ServiceOptions } from '../api-objects.fixture.ts';
import { LOOPBACK_FAMILIES } from '../loopback.ts';
import { ADDRESS, ADDRESS6, type World, type WorldOptions } from '../world.fixture.ts';
import { probe } from './probe.ts';

/** A node with node ports at its loopback addresses too. */
export const LOOPBACK: WorldOptions = {
  dualStack: true,
  config: { nodePortAddresses: ['127.0.0.0/8', '::1/128', '172.30.0.0/24', 'fd00:30::/64'].map(parsePrefix) },
};

const NODE_PORT = 30_080;
const ports = [
  { name: 'http', protocol: 'TCP', port: 80, nodePort: NODE_PORT },
  { name: 'dns', protocol: 'UDP', port: 53, nodePort: NODE_PORT },
];
const ALL = ['far', 'near1', 'near2'];

/** Node ports at 127.0.0.1 in every mode, at ::1 where the mode can (SVC-9). */
export async function runLoopback(t: TestContext, world: World): Promise<void> {
  const { informers, room } = world;
  const both = LOOPBACK_FAMILIES[room.mode].includes('ipv6');
  const put = (options: ServiceOptions): void => {
    const clusterIPs = ['10.96.3.1', 'fd00:96::31'];
    const { backends } = options;
    const name = putService(informers, '10.96.3.1', { type: 'NodePort', clusterIPs, ports, ...options }, 'loopback');
    putSlice(informers, name, { addressType: 'IPv6', ...(backends && { backends }) }, `${name}-6`);
  };
  for (const policy of ['Cluster', 'Local'] as const)
    await t.test(`the node reaches every endpoint, policy ${policy}`, async () => {
      put({ externalTrafficPolicy: policy });
      await room.idle();
      for (const [address, node] of [
        ['127.0.0.1', ADDRESS.node],
        [ADDRESS.node, ADDRESS.node],
        ...(both ? [['::1', ADDRESS6.node] as const] : []),
      ] as const) {
        const to = [address, NODE_PORT] as const;
        await probe(world, { from: 'node', to, times: 40, servers: ALL.map((one) => `${one}:8080`), sources: [node] });
        await probe(world, { from: 'node', to, protocol: 'udp', times: 40, servers: ALL, sources: [node] });
      }
    });

  await t.test('also from a socket that is bound to 127.0.0.1', async () => {
    const [port, address] = [NODE_PORT, '127.0.0.1'];
    for (let i = 0; i < 6; i++) {
      const socket = await connectTcp({
        netns: world.netns.node,
        address,
        port,
        localAddress: address,
        timeout: 60_000,
      });
      const [data] = await once(socket, 'data');
      assert.equal(JSON.parse(String(data)).source, ADDRESS.node);
      socket.destroy();
    }
  });

  await t.test('where it is not, that is said', () => {
    const expected = both ? [] : [`node ports are not at ::1 in mode ${room.mode}; take it out of nodePortAddresses`];
    assert.deepEqual(room.status().limits, expected);
  });

  await t.test('a pod has loopback addresses of its own', async () => {
    for (const address of ['127.0.0.1', '::1'])
      await probe(world, { from: 'client', to: [address, NODE_PORT], fails: 'refused' });
  });

  await t.test('without endpoints it is refused', async () => {
    put({ backends: [] });
    await room.idle();
    for (const address of ['127.0.0.1', '::1'])
      await probe(world, { from: 'node', to: [address, NODE_PORT], fails: 'refused' });
  });
}
