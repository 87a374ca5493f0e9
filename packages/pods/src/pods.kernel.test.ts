import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseIp } from '@podwire/base';
import { bindUdp, type Netns, openPacketSocket } from '@podwire/kernel';
import type { KubeClient } from '@podwire/kube';
import { openNft } from '@podwire/nft';
import { podMac } from './attachment.ts';
import { pluginConfig } from './conflist.ts';
import { buildShim } from './shim.ts';
import { add, addRoute, arpFrame, ask, cni, openNetDisposable, udpFrame, whoami, withTestLab } from './testing.ts';

const WIRINGS = ['ptp', 'bridge'] as const;

for (const wiring of WIRINGS) {
  describe(wiring, () => {
    test('ADD, CHECK, DEL make, verify and remove a wire that works', async () => {
      await withTestLab(async ({ nodes: [node], namespace }) => {
        const room = await node.start({ wiring });
        const pod = namespace();
        const result = (await cni(room, 'ADD', pod)).body;
        assert.equal(result.ips[0].address, wiring === 'ptp' ? '10.244.1.2/32' : '10.244.1.2/24');
        using inside = openNetDisposable(pod);
        using outside = openNetDisposable(node.netns);
        const hostLink = result.interfaces.at(-2).name;
        assert.deepEqual(
          [outside.link(hostLink)?.mac, inside.link('eth0')?.mac],
          result.interfaces.slice(-2).map((i: { mac: string }) => i.mac),
        );
        const server = await whoami(pod);
        assert.equal(await ask(node.netns, '10.244.1.2'), wiring === 'ptp' ? '172.30.0.11' : '10.244.1.1');
        server.close();
        const config = { prevResult: result };
        assert.deepEqual(await cni(room, 'CHECK', pod, { config }), { exitCode: 0, body: undefined });
        assert.equal((await cni(room, 'ADD', pod)).body.code, 101);
        inside.setLink('eth0', { mtu: 1400 });
        assert.match((await cni(room, 'CHECK', pod, { config })).body.msg, /eth0 has MTU 1400, not 1500/);
        for (const who of [pod, pod.name ?? '', pod]) assert.equal((await cni(room, 'DEL', who)).exitCode, 0);
        assert.deepEqual(
          [outside.link(hostLink), inside.link('eth0'), outside.routes({ protocol: 112 })],
          [undefined, undefined, []],
        );
        assert.deepEqual(
          outside.neighbours().filter((n) => n.address === '10.244.1.2'),
          [],
        );
        assert.equal((await cni(room, 'CHECK', pod, { config })).body.code, 102);
        assert.deepEqual(room.status().facts, {
          pods: 0,
          wiring,
          mtu: 1500,
          repairs: 0,
          addresses: 0,
          addressesTotal: 253,
          podCidr: '10.244.1.0/24',
        });
      });
    });

    test('two pods of a node talk through its IP layer, without NAT', async () => {
      await withTestLab(async ({ nodes: [node], namespace }) => {
        const room = await node.start({ wiring });
        const [a, b] = [namespace(), namespace()];
        const [addressA, addressB] = [await add(room, a), await add(room, b)];
        const servers = [await whoami(a), await whoami(b)];
        assert.deepEqual(
          [await ask(a, addressB), await ask(b, addressA), await ask(a, addressA)],
          [addressA, addressB, addressA],
        );
        const nft = openNft(node.netns);
        const drop = { kind: 'verdict', verdict: { kind: 'drop' } } as const;
        const base = { type: 'filter', hook: 'forward', priority: 0 } as const;
        nft.apply({
          family: 'ip',
          name: 'wall',
          sets: [],
          chains: [{ name: 'forward', base, rules: [{ statements: [drop] }] }],
        });
        assert.equal(await ask(a, addressB, 80, 700), 'ETIMEDOUT', 'rules of the node see the packets');
        nft.close();
        for (const server of servers) server.close();
      });
    });

    test('pods of two nodes talk, and are themselves to each other', async () => {
      await withTestLab(async ({ nodes: [one, two], namespace }) => {
        const rooms = [await one.start({ wiring }), await two.start({ wiring })] as const;
        addRoute(one.netns, '10.244.2.0/24', '172.30.0.12');
        addRoute(two.netns, '10.244.1.0/24', '172.30.0.11');
        const [a, b] = [namespace(), namespace()];
        const [addressA, addressB] = [await add(rooms[0], a), await add(rooms[1], b)];
        const servers = [await whoami(a), await whoami(b)];
        assert.deepEqual([await ask(a, addressB), await ask(b, addressA)], [addressA, addressB]);
        assert.equal(await ask(one.netns, addressB), '172.30.0.11');
        for (const server of servers) server.close();
      });
    });

    test('a frame with a forged address or MAC goes nowhere', async () => {
      await withTestLab(async ({ nodes: [node], namespace }) => {
        const room = await node.start({ wiring });
        const [a, b] = [namespace(), namespace()];
        const [address, target] = [await add(room, a), await add(room, b)];
        const received: string[] = [];
        const server = await bindUdp({ netns: b, address: target, port: 53 });
        server.on('message', (data) => received.push(data.toString()));
        const gateway = wiring === 'ptp' ? 'ee:ee:ee:ee:ee:ee' : '0a:58:0a:f4:01:01';
        const mac = podMac(parseIp(address));
        const wire = openPacketSocket({ netns: a, link: 'eth0' });
        const send = (
          from: { mac: string; address: string },
          payload: string,
          to = { mac: gateway, address: target, port: 53 },
        ) => wire.send(udpFrame({ from, to, payload }));
        // a link that has just been raised drops frames
        for (let i = 0; i < 3000 && received.length === 0; i++) {
          send({ mac, address }, 'honest');
          await sleep(20);
        }
        send({ mac, address: '10.244.1.77' }, 'free pod address');
        send({ mac, address: target }, "other pod's address");
        send({ mac, address: '172.30.0.11' }, "node's address");
        send({ mac, address: '127.0.0.1' }, 'loopback source');
        send({ mac, address }, 'loopback target', { mac: gateway, address: '127.0.0.1', port: 53 });
        send({ mac: '0a:58:0a:f4:01:77', address }, 'forged MAC');
        send({ mac: podMac(parseIp(target)), address }, "other pod's MAC");
        if (wiring === 'bridge') wire.send(arpFrame(mac, target));
        send({ mac, address }, 'the last');
        for (let i = 0; i < 3000 && received.at(-1) !== 'the last'; i++) await sleep(20);
        assert.deepEqual(new Set(received), new Set(['honest', 'the last']));
        assert.equal(droppedBy(node.netns), wiring === 'ptp' ? 7 : 8);
        assert.equal(await ask(node.netns, target), 'ECONNREFUSED', 'the node still finds the other pod');
        wire.close();
        server.close();
      });
    });

    test('leaving the cluster is masqueraded, towards pods and nodes it is not', async () => {
      await withTestLab(async ({ nodes: [one, two], outside, namespace }) => {
        const room = await one.start({ wiring });
        addRoute(two.netns, '10.244.1.0/24', '172.30.0.11');
        const pod = namespace();
        const address = await add(room, pod);
        const servers = [await whoami(outside), await whoami(two.netns), await whoami(one.netns)];
        assert.deepEqual(
          [await ask(pod, '172.30.0.100'), await ask(pod, '172.30.0.12'), await ask(pod, '172.30.0.11')],
          ['172.30.0.11', address, address],
        );
        assert.equal(await ask(outside, address), 'ENETUNREACH');
        for (const server of servers) server.close();
      });
    });

    test('a host port is reached from outside, other pods, the node, its localhost, and the pod itself', async () => {
      await withTestLab(async ({ nodes: [node], outside, namespace }) => {
        const room = await node.start({ wiring });
        const [client, server] = [namespace(), namespace()];
        const clientAddress = await add(room, client);
        const portMappings = [
          { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
          { hostPort: 8081, containerPort: 80, protocol: 'tcp', hostIP: '172.30.0.11' },
        ];
        await add(room, server, { runtimeConfig: { portMappings } });
        const listening = await whoami(server);
        const direct = wiring === 'ptp' ? '172.30.0.11' : '172.30.0.11';
        assert.deepEqual(
          {
            outside: await ask(outside, '172.30.0.11', 8080),
            withHostIp: await ask(outside, '172.30.0.11', 8081),
            pod: await ask(client, '172.30.0.11', 8080),
            node: await ask(node.netns, '172.30.0.11', 8080),
            localhost: await ask(node.netns, '127.0.0.1', 8080),
            localhostWithHostIp: await ask(node.netns, '127.0.0.1', 8081),
            itself: await ask(server, '172.30.0.11', 8080),
          },
          {
            ...{ outside: '172.30.0.100', withHostIp: '172.30.0.100', pod: clientAddress, node: direct },
            ...{ localhost: direct, localhostWithHostIp: 'ECONNREFUSED', itself: direct },
          },
        );
        const other = await cni(room, 'ADD', namespace(), { runtimeConfig: { portMappings: portMappings.slice(1) } });
        assert.deepEqual([other.body.code, /8081\/tcp is already mapped/.test(other.body.msg)], [100, true]);
        await cni(room, 'DEL', server);
        assert.equal(await ask(outside, '172.30.0.11', 8080), 'ECONNREFUSED');
        listening.close();
      });
    });

    test('a restart without record adopts what runs, and mends what was broken meanwhile', async () => {
      await withTestLab(async ({ nodes: [node], namespace }) => {
        const first = await node.start({ wiring });
        const [a, b] = [namespace(), namespace()];
        const [addressA, addressB] = [await add(first, a), await add(first, b)];
        await first.stop();
        rmSync(join(node.directory, 'pods.json'));
        using net = openNetDisposable(node.netns);
        net.createVeth({ name: 'pwpdeadbeef000', peer: { name: 'eth9', netns: a } });
        net.applyRoutes({ add: [], remove: net.routes({ protocol: 112 }) });
        for (const n of net.neighbours().filter((n) => n.state === 'permanent')) net.deleteNeighbour(n);
        openNft(node.netns).delete('ip', 'podwire-pods');
        const second = await node.start({ wiring });
        assert.deepEqual([await second.diff(), net.link('pwpdeadbeef000')], [[], undefined]);
        const server = await whoami(b);
        assert.equal(await ask(a, addressB), addressA);
        server.close();
        assert.equal(await add(second, namespace()), '10.244.1.4');
        assert.equal((await cni(second, 'DEL', a)).exitCode, 0);
        assert.equal(second.status().facts.pods, 2);
        await second.cleanup();
        assert.deepEqual(
          net.links().map((l) => l.name),
          ['lo', 'eth0'],
        );
      });
    });
  });
}

describe('room', () => {
  test('an address configured in a live namespace of the node is not given out, whatever the record says', async () => {
    await withTestLab(async ({ nodes: [node], namespace }) => {
      const [wired, elsewhere] = [namespace(), namespace()];
      using host = openNetDisposable(node.netns);
      host.createVeth({ name: 'other', peer: { name: 'eth0', netns: wired } });
      for (const [netns, address] of [
        [wired, '10.244.1.3'],
        [elsewhere, '10.244.1.2'],
      ] as const) {
        using net = openNetDisposable(netns);
        net.addAddress({ link: 'lo', address: parseIp(address), prefixLength: 32 });
      }
      const room = await node.start();
      assert.deepEqual([await add(room, namespace()), await add(room, namespace())], ['10.244.1.2', '10.244.1.4']);
    });
  });

  test('a vanished namespace is freed at the next start, and by DEL', async () => {
    await withTestLab(async ({ nodes: [node], namespace }) => {
      const room = await node.start();
      const pods = [namespace(), namespace()] as const;
      for (const pod of pods) await add(room, pod);
      using net = openNetDisposable(node.netns);
      await room.stop();
      const gone = net.links().find((l) => l.alias?.includes('10.244.1.2'));
      net.deleteLink(gone?.name ?? '');
      const next = await node.start();
      assert.equal(next.status().facts.pods, 1);
      assert.equal((await cni(next, 'DEL', pods[0])).exitCode, 0);
      assert.equal(await add(next, namespace()), '10.244.1.4');
    });
  });

  test('an ADD that cannot be wired leaves nothing', async () => {
    await withTestLab(async ({ nodes: [node], namespace }) => {
      const room = await node.start({ podReady: () => Promise.reject(new Error('no policy')) });
      const pod = namespace();
      assert.match((await cni(room, 'ADD', pod)).body.msg, /no policy/);
      assert.equal((await cni(room, 'ADD', node.netns)).body.code, 4);
      assert.equal((await cni(room, 'ADD', pod, { config: { cniVersion: '9.9.9' } })).body.code, 1);
      using net = openNetDisposable(node.netns);
      assert.deepEqual(
        net.links().map((l) => l.name),
        ['lo', 'eth0'],
      );
      assert.deepEqual(JSON.parse(readFileSync(join(node.directory, 'pods.json'), 'utf8')).attachments, []);
    });
  });

  test('rules that others flushed are made again, and told', { timeout: 600_000 }, async () => {
    await withTestLab(async ({ nodes: [node], outside, namespace }) => {
      const reasons: unknown[] = [];
      const create = async (_kind: string, { reason }: { readonly reason: string }) => reasons.push(reason);
      const client = { get: async () => undefined, create } as unknown as KubeClient;
      const room = await node.start({ client });
      const pod = namespace();
      const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }];
      await add(room, pod, { runtimeConfig: { portMappings } });
      const server = await whoami(pod);
      assert.deepEqual([await ask(outside, '172.30.0.11', 8080), room.status().facts.repairs], ['172.30.0.100', 0]);
      node.netns.run(() => execFileSync('nft', ['flush', 'table', 'ip', 'podwire-pods']));
      const end = performance.now() + 120_000;
      while (room.status().facts.repairs === 0 && performance.now() < end) await sleep(20);
      assert.equal(await ask(outside, '172.30.0.11', 8080), '172.30.0.100');
      assert.deepEqual([room.status().facts.repairs, reasons, await room.diff()], [1, ['PodsRepaired'], []]);
      server.close();
    });
  });

  test('a cni0 of somebody else is not touched', async () => {
    await withTestLab(async ({ nodes: [node], namespace }) => {
      using net = openNetDisposable(node.netns);
      net.createBridge({ name: 'cni0' });
      const room = await node.start({ wiring: 'bridge' });
      assert.match((await cni(room, 'ADD', namespace())).body.msg, /cni0 exists that is not podwire's/);
      await room.cleanup();
      assert.ok(net.link('cni0'));
    });
  });

  test('the binary wires a pod for real', async () => {
    await withTestLab(async ({ nodes: [node], namespace }) => {
      const room = await node.start();
      const pod = namespace();
      const kind = await buildShim(join(node.directory, 'bin'), { socketPath: room.socketPath });
      const env = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c1', CNI_NETNS: pod.path, CNI_IFNAME: 'net0' };
      const child = spawn(join(node.directory, 'bin/podwire-cni'), { env, stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdin.end(pluginConfig());
      const [[data], [code]] = await Promise.all([once(child.stdout, 'data'), once(child, 'close')]);
      assert.deepEqual([code, JSON.parse(String(data)).ips[0].address, kind], [0, '10.244.1.2/32', kind]);
      using inside = openNetDisposable(pod);
      assert.equal(inside.link('net0')?.up, true);
    });
  });

  test('a burst of pods comes and goes without a trace', async () => {
    await withTestLab(async ({ nodes: [node], namespace }) => {
      const room = await node.start();
      const pods = Array.from({ length: 20 }, namespace);
      const addresses = await Promise.all(pods.map((pod) => add(room, pod)));
      assert.equal(new Set(addresses).size, 20);
      assert.deepEqual(await room.diff(), []);
      await Promise.all(pods.map((pod) => cni(room, 'DEL', pod)));
      assert.deepEqual([await room.diff(), room.status().facts.addresses], [[], 0]);
      using net = openNetDisposable(node.netns);
      assert.deepEqual(
        net.links().map((l) => l.name),
        ['lo', 'eth0'],
      );
    });
  });
});

/** Packets the anti-spoofing rules have dropped, of either family, as nft lists them; without IPv6 noise of the pods. */
function droppedBy(netns: Netns): number {
  const text = netns.run(() => execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }));
  return [...text.matchAll(/counter packets (\d+) .* drop comment "(?!IPv4 and ARP only)/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
}
