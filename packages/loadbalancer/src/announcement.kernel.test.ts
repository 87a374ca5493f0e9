import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger } from '@podwire/base';
import { connectTcp, listenTcp, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import type { ClusterConfig, KubeClient, Node, Room, Service } from '@podwire/kube';
import { FakeInformers } from '@podwire/kube/testing';
import { createLoadBalancerRoom } from './controller.ts';

/*
 *   client .100 ─┐
 *   node-1 .11  ─┼─ switch (br0), one L2 segment 172.30.0.0/24
 *   node-2 .12  ─┘
 */
const ip = (netns: Netns, line: string): string =>
  execFileSync('ip', ['-n', netns.name ?? '', ...line.split(' ')], { encoding: 'utf8' });

function plug(segment: Netns, host: Netns, address: string): void {
  const port = `p${address.split('.')[3]}`;
  ip(segment, `link add ${port} type veth peer name eth0 netns ${host.name}`);
  ip(segment, `link set ${port} master br0 up`);
  ip(host, 'link set eth0 up');
  ip(host, `addr add ${address}/24 dev eth0`);
}

const node = (name: string, address: string, ready = true): Node => ({
  metadata: { name },
  status: {
    addresses: [{ type: 'InternalIP', address }],
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  },
});
const VIP = '172.30.0.200';
const SERVICE: Service = {
  metadata: { namespace: 'default', name: 'web' },
  spec: { type: 'LoadBalancer' },
  status: { loadBalancer: { ingress: [{ ip: VIP }] } },
};

test(
  'exactly one node answers for an address, and the client follows when the owner changes',
  { timeout: 600_000 },
  () =>
    withNetns(4, async (segment, client, first, second) => {
      ip(segment, 'link add br0 type bridge');
      ip(segment, 'link set br0 up');
      plug(segment, client, '172.30.0.100');
      const nodes = [
        { netns: first, object: node('node-1', '172.30.0.11') },
        { netns: second, object: node('node-2', '172.30.0.12') },
      ];
      const informers = new FakeInformers();
      const config = { loadBalancerPools: ['172.30.0.192/26'] } as unknown as ClusterConfig;
      const servers: { close(): void }[] = [];
      const rooms: Room[] = [];
      for (const { netns, object } of nodes) {
        const name = object.metadata?.name ?? '';
        plug(segment, netns, object.status?.addresses?.[0]?.address ?? '');
        const server = await listenTcp({ netns, address: '0.0.0.0', port: 80 });
        server.on('connection', (socket) => socket.end(name));
        servers.push(server);
        informers.put('Node', object);
        const context = {
          nodeName: name,
          config,
          client: {} as KubeClient,
          informers,
          logger: silentLogger,
          runDirectory: '',
          stateDirectory: '',
        };
        rooms.push(createLoadBalancerRoom({ ...context, netns }));
      }
      try {
        for (const room of rooms) await room.start();
        const who = async (): Promise<string> => {
          const socket = await connectTcp({ netns: client, address: VIP, port: 80, timeout: 30_000 });
          return String((await socket.toArray()).join(''));
        };
        const holders = (): string[] =>
          nodes
            .filter(({ netns }) => ip(netns, 'addr show').includes(VIP))
            .map(({ object }) => object.metadata?.name ?? '');
        const idle = (): Promise<unknown> => Promise.all(rooms.map((room) => room.idle()));

        assert.deepEqual(holders(), []);
        informers.put('Service', SERVICE);
        await idle();
        const [owner = ''] = holders();
        assert.equal(holders().length, 1);
        assert.equal(await who(), owner);

        // The client has the owner's MAC in its neighbour table: while it sends nothing, only a gratuitous ARP changes that.
        const gone = nodes.find(({ object }) => object.metadata?.name === owner);
        informers.put('Node', node(owner, gone?.object.status?.addresses?.[0]?.address ?? '', false));
        await idle();
        const [next = ''] = holders();
        assert.equal(holders().length, 1);
        assert.notEqual(next, owner);
        const heir = nodes.find(({ object }) => object.metadata?.name === next)?.netns ?? segment;
        const [, mac = 'none'] = /link\/ether (\S+)/.exec(ip(heir, 'link show eth0')) ?? [];
        while (!ip(client, `neigh show ${VIP}`).includes(mac)) await sleep(20);
        assert.equal(await who(), next);

        // With Local policy the address is where an endpoint is; both nodes are ready again.
        for (const { object } of nodes) informers.put('Node', object);
        informers.put('Service', { ...SERVICE, spec: { ...SERVICE.spec, externalTrafficPolicy: 'Local' } });
        const slice = (nodeName: string) =>
          informers.put('EndpointSlice', {
            metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
            addressType: 'IPv4',
            endpoints: [{ addresses: ['10.244.1.2'], nodeName }],
          });
        for (const name of ['node-1', 'node-2', 'node-1']) {
          slice(name);
          await idle();
          assert.deepEqual(holders(), [name]);
          assert.equal(await who(), name);
        }

        // Drift is mended, foreign addresses are left alone, a deleted service frees its address.
        ip(first, `addr del ${VIP}/32 dev eth0`);
        assert.equal((await rooms[0]?.diff())?.length, 1);
        await rooms[0]?.resync();
        assert.deepEqual(holders(), ['node-1']);
        ip(first, 'addr add 172.30.0.201/32 dev eth0');
        informers.remove('Service', SERVICE);
        await idle();
        assert.deepEqual(holders(), []);
        informers.put('Service', SERVICE);
        slice('node-1');
        await idle();
        await rooms[0]?.cleanup();
        assert.deepEqual(holders(), []);
        assert.match(ip(first, 'addr show'), /172\.30\.0\.201/);
      } finally {
        for (const room of rooms) await room.stop();
        for (const server of servers) server.close();
      }
    }),
);
