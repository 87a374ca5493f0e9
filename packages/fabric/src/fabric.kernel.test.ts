import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostPrefix, parseIp, parsePrefix } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { createFabricRoom, type FabricRoom } from './controller.ts';
import type { Backend } from './model.ts';
import {
  addRoute,
  callEcho,
  echoServer,
  openNetDisposable,
  roundTrip,
  sentBy,
  TestNodes,
  withTestLab,
} from './testing.ts';

const SOME_BYTES = 200_000;

/** A running room per node; stopped when the test ends. */
async function startRooms(nodes: TestNodes, namespaces: readonly Netns[], backend: Backend) {
  const rooms = namespaces.map((netns, i) => createFabricRoom({ ...nodes.context(i + 1, backend), netns }));
  for (const room of rooms) await room.start();
  return rooms as [FabricRoom, ...FabricRoom[]];
}

const stopAll = (rooms: readonly FabricRoom[]) => Promise.all(rooms.map((room) => room.stop()));

function routesOf(netns: Netns): string[] {
  using net = openNetDisposable(netns);
  return net.routes({ protocol: 113 }).map((r) => `${r.destination} via ${r.via} dev ${r.link}`);
}

describe('fabric', () => {
  for (const backend of ['host-gw', 'vxlan'] as const) {
    test(`${backend} carries TCP between pods of three nodes, with the sender's address`, async () => {
      await withTestLab(3, async ({ nodes, pods }) => {
        const objects = new TestNodes();
        for (const n of [1, 2, 3]) objects.put(n);
        const rooms = await startRooms(objects, nodes, backend);
        const servers = await Promise.all(pods.map(echoServer));
        const before = sentBy(nodes[0] as Netns, 'pwf.vxlan');
        for (const [from, pod] of pods.entries()) {
          for (const to of [1, 2, 3]) {
            const { socket, seenAs } = await callEcho(pod, `10.244.${to}.5`);
            assert.equal(seenAs, `10.244.${from + 1}.5`);
            await roundTrip(socket, SOME_BYTES);
            socket.destroy();
          }
        }
        const sent = sentBy(nodes[0] as Netns, 'pwf.vxlan') - before;
        assert.ok(
          backend === 'vxlan' ? sent > (2 * SOME_BYTES) / 65_536 : sent === 0,
          `${sent} packets through the tunnel`,
        );
        const fromNode = await callEcho(nodes[0] as Netns, '10.244.2.5');
        assert.equal(fromNode.seenAs, backend === 'vxlan' ? '10.244.1.0' : '172.30.0.11');
        fromNode.socket.destroy();
        for (const room of rooms) {
          assert.deepEqual(await room.diff(), []);
          assert.deepEqual([room.status().ready, room.status().errors, room.status().facts.peers], [true, [], 2]);
        }
        for (const server of servers) server.close();
        await stopAll(rooms);
      });
    });
  }

  test('a connection outlives a change of the backend there and back, and nothing of the tunnel stays', async () => {
    await withTestLab(2, async ({ nodes, pods }) => {
      const objects = new TestNodes();
      for (const n of [1, 2]) objects.put(n);
      const rooms = await startRooms(objects, nodes, 'host-gw');
      const server = await echoServer(pods[1] as Netns);
      const { socket } = await callEcho(pods[0] as Netns, '10.244.2.5');
      for (const backend of ['vxlan', 'host-gw'] as const) {
        await Promise.all(rooms.map((room) => room.setBackend(backend)));
        const before = sentBy(nodes[0] as Netns, 'pwf.vxlan');
        await roundTrip(socket, SOME_BYTES);
        const via = backend === 'vxlan' ? '10.244.2.0 dev pwf.vxlan' : '172.30.0.12 dev eth0';
        assert.deepEqual(routesOf(nodes[0] as Netns), [`10.244.2.0/24 via ${via}`]);
        assert.equal(sentBy(nodes[0] as Netns, 'pwf.vxlan') > before, backend === 'vxlan');
      }
      using net = openNetDisposable(nodes[0] as Netns);
      assert.equal(net.link('pwf.vxlan'), undefined);
      socket.destroy();
      server.close();
      await stopAll(rooms);
    });
  });

  test('a Node that comes is reachable, one that goes leaves nothing, and foreign routes stay', async () => {
    await withTestLab(2, async ({ nodes }) => {
      const [netns] = nodes as [Netns, ...Netns[]];
      addRoute(netns, '10.244.3.0/24', '172.30.0.77');
      addRoute(netns, '192.168.0.0/16', '172.30.0.77');
      const objects = new TestNodes();
      objects.put(1);
      const [room] = await startRooms(objects, [netns], 'vxlan');
      assert.deepEqual(routesOf(netns), []);
      for (const n of [2, 3]) objects.put(n);
      await room.idle();
      assert.deepEqual(routesOf(netns), ['10.244.2.0/24 via 10.244.2.0 dev pwf.vxlan']);
      assert.match(room.status().errors.join(), /10\.244\.3\.0\/24 is not written: one of protocol 4 exists/);
      for (const n of [2, 3]) objects.delete(n);
      await room.idle();
      using net = openNetDisposable(netns);
      assert.deepEqual(
        [routesOf(netns), net.fdb('pwf.vxlan'), net.neighbours('pwf.vxlan').filter((n) => n.state === 'permanent')],
        [[], [], []],
      );
      assert.deepEqual(
        net.routes({ protocol: 4 }).map((r) => r.destination),
        ['10.244.3.0/24', '192.168.0.0/16'],
      );
      objects.delete(1);
      objects.put(2);
      await room.idle();
      assert.match(room.status().errors.join(), /node-1 has no IPv4 InternalIP/);
      assert.ok(net.link('pwf.vxlan'), 'nothing is changed while the own Node is missing');
      await room.cleanup();
      assert.equal(net.link('pwf.vxlan'), undefined);
      assert.equal(net.routes({ protocol: 4 }).length, 2);
      await room.stop();
    });
  });

  test('drift is shown and repaired, entry by entry and for the whole device', async () => {
    await withTestLab(2, async ({ nodes: [netns] }) => {
      const objects = new TestNodes();
      for (const n of [1, 2]) objects.put(n);
      const [room] = await startRooms(objects, [netns as Netns], 'vxlan');
      using net = openNetDisposable(netns as Netns);
      const damage: [RegExp, () => void][] = [
        [/add route 10\.244\.2\.0/, () => net.applyRoutes({ add: [], remove: net.routes({ protocol: 113 }) })],
        [
          /fdb 02:77:ac:1e:00:0c dst 172\.30\.0\.12/,
          () => net.fdb('pwf.vxlan').forEach((entry) => void net.deleteFdb(entry)),
        ],
        [
          /delete fdb/,
          () => net.replaceFdb({ link: 'pwf.vxlan', mac: '02:77:01:02:03:04', destination: parseIp('172.30.0.9') }),
        ],
        [
          /delete neigh/,
          () => net.replaceNeighbour({ link: 'pwf.vxlan', address: parseIp('10.244.9.0'), mac: '02:77:01:02:03:04' }),
        ],
        [/change link/, () => net.setLink('pwf.vxlan', { mtu: 1300 })],
        [/change link/, () => net.setLink('pwf.vxlan', { up: false })],
        [
          /delete address 10\.0\.0\.1/,
          () => net.addAddress({ link: 'pwf.vxlan', address: parseIp('10.0.0.1'), prefixLength: 32 }),
        ],
        [/add link/, () => void net.deleteLink('pwf.vxlan')],
        [/ip_forward/, () => net.setSysctl('net/ipv4/ip_forward', '0')],
        [/delete route 10\.9\.9\.9/, () => stray(net)],
      ];
      for (const [expected, harm] of damage) {
        harm();
        assert.match((await room.diff()).map((e) => e.what).join('\n'), expected);
        assert.deepEqual(await room.resync(), { kind: 'done' });
        assert.deepEqual(await room.diff(), []);
      }
      await room.stop();
    });
  });

  test('a Node address that no interface has is an error that names it, and changes nothing', async () => {
    await withTestLab(2, async ({ nodes }) => {
      const objects = new TestNodes();
      for (const n of [1, 2]) objects.put(n);
      const room = createFabricRoom({ ...objects.context(1, 'host-gw'), netns: nodes[1] as Netns });
      await room.start();
      assert.equal(room.status().ready, false);
      assert.match(room.status().errors.join(), /no interface of this node has its InternalIP 172\.30\.0\.11/);
      assert.deepEqual([room.plan(), routesOf(nodes[1] as Netns)], [[], []]);
      await room.stop();
    });
  });

  test('a process with no memory takes over what it finds, and mends a tunnel of other parameters', async () => {
    await withTestLab(2, async ({ nodes: [netns] }) => {
      const objects = new TestNodes();
      for (const n of [1, 2]) objects.put(n);
      using net = openNetDisposable(netns as Netns);
      net.createVxlan({ name: 'pwf.vxlan', vni: 7, port: 4789, local: parseIp('172.30.0.11'), learning: false });
      net.createBridge({ name: 'pwf.old' });
      const [first] = await startRooms(objects, [netns as Netns], 'vxlan');
      assert.deepEqual([net.link('pwf.vxlan')?.vxlan?.vni, net.link('pwf.old')], [1, undefined]);
      await first.stop();
      const { index } = net.link('pwf.vxlan') ?? {};
      const [second] = await startRooms(objects, [netns as Netns], 'vxlan');
      assert.equal(net.link('pwf.vxlan')?.index, index, 'the device is kept');
      await second.stop();
      const [third] = await startRooms(objects, [netns as Netns], 'host-gw');
      assert.equal(net.link('pwf.vxlan'), undefined);
      assert.deepEqual(routesOf(netns as Netns), ['10.244.2.0/24 via 172.30.0.12 dev eth0']);
      await third.stop();
    });
  });
});

function stray(net: ReturnType<typeof openNetDisposable>): void {
  const route = { destination: hostPrefix(parseIp('10.9.9.9')), link: 'eth0', protocol: 113 };
  net.applyRoutes({ add: [route], remove: [] });
  assert.ok(net.routes({ protocol: 113 }).some((r) => r.destination === parsePrefix('10.9.9.9/32')));
}
