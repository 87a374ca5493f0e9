import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTcp } from '@podwire/kernel';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { ADDRESS, type World, withWorld } from '../world.fixture.ts';
import { FOREIGN_RULE, iptables, type Variant, withVariant } from './variant-world.fixture.ts';

const saved = (world: World, variant: Variant): string =>
  iptables(world.netns.node, `${variant}-save`, '')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\[\d+:\d+\]/g, '');
const add = (world: World, variant: Variant, text: string): string =>
  iptables(world.netns.node, `${variant}-restore`, `${text}\nCOMMIT\n`, '--noflush');
const commands = (world: World): unknown => world.room.status().facts.commands;

test('services by iptables in both families, with real packets', { timeout: 600_000 }, (t) =>
  withWorld(
    async (world) => {
      await t.test('what ip6tables has is adopted, and is gone after cleanup', async () => {
        const sticky = { sessionAffinity: 'ClientIP' as const, addressType: 'IPv6' as const };
        putService(world.informers, 'fd00:96::1', sticky);
        putService(world.informers, 'fd00:97::1', {
          ...sticky,
          type: 'LoadBalancer',
          ingress: [{ ip: '2001:db8:1::9' }],
          loadBalancerSourceRanges: ['2001:db8::/64'],
        });
        await world.room.idle();
        assert.deepEqual(await world.room.diff(), []);
        await world.restart();
        assert.equal(commands(world), 0);
        const first = await world.connect('client', 'fd00:96::1', 80);
        for (let i = 0; i < 10; i++) assert.deepEqual(await world.connect('client', 'fd00:96::1', 80), first);
        await world.connect('outside', '2001:db8:1::9', 80);
        await world.room.cleanup();
        assert.doesNotMatch(iptables(world.netns.node, 'ip6tables-nft-save', ''), /KUBE|PODWIRE|podwire/);
      });
    },
    () => ({ proxyMode: 'iptables', dualStack: true }),
  ),
);

for (const variant of ['iptables-nft', 'iptables-legacy'] as const)
  test(`what ${variant} has is adopted, mended and removed`, { timeout: 600_000 }, (t) =>
    withVariant(t, variant, async (world) => {
      const { informers, room } = world;
      const affinity = { sessionAffinity: 'ClientIP' as const };
      const sourceRanges = {
        type: 'LoadBalancer',
        ingress: [{ ip: '198.51.100.9' }],
        loadBalancerSourceRanges: ['192.0.2.0/24'],
      };
      const ports = [
        { name: 'http', port: 80, nodePort: 30_007 },
        { name: 'sctp', protocol: 'SCTP', port: 80 },
      ];
      const stickyPorts = [
        { name: 'http', port: 80, nodePort: 30_008 },
        { name: 'dns', protocol: 'UDP', port: 53 },
      ];
      putService(informers, '10.96.2.1', { ...affinity, type: 'NodePort', ports: stickyPorts }, 'sticky');
      putService(informers, '10.96.2.5', { annotations: { 'podwire.io/balance': 'round-robin' } }, 'turns');
      putService(informers, '10.96.2.2', { ...sourceRanges, externalTrafficPolicy: 'Local', ports }, 'fenced');
      putService(informers, '10.96.2.3', { backends: [] }, 'empty');
      putService(informers, '10.200.2.4', { internalTrafficPolicy: 'Local', backends: ['far'] }, 'elsewhere');
      await room.idle();

      await t.test('a restarted room finds everything as it is and writes nothing', async () => {
        assert.deepEqual(await world.room.diff(), []);
        await world.restart();
        assert.equal(commands(world), 0);
        assert.deepEqual(world.room.status().errors, []);
      });

      await t.test('names of objects stay names, whatever is in them', async () => {
        const names = [`it's "x" \\ -j ACCEPT`, 'x\nCOMMIT\n*filter\n-P INPUT DROP', 'é\0', 'x'.repeat(300)];
        for (const [i, name] of names.entries())
          putService(informers, `10.96.3.${i + 1}`, { ...affinity, backends: ['near1'] }, name);
        await world.room.idle();
        assert.deepEqual(world.room.status().errors, []);
        assert.deepEqual(await world.room.diff(), []);
        for (const i of names.keys())
          assert.equal((await world.connect('client', `10.96.3.${i + 1}`, 80)).server, 'near1:8080');
        for (const name of names) informers.remove('Service', { metadata: { namespace: 'default', name } });
        await world.room.idle();
      });

      await t.test('affinity is common to the cluster IP and the node port of a port', async () => {
        const [first] = [await world.connect('client', '10.96.2.1', 80)];
        for (let i = 0; i < 10; i++)
          assert.equal((await world.connect('client', ADDRESS.node, 30_008)).server, first.server);
      });

      await t.test('round robin takes turns', async () => {
        const counts = new Map<string, number>();
        for (let i = 0; i < 30; i++) {
          const { server } = await world.connect('client', '10.96.2.5', 80);
          counts.set(server, (counts.get(server) ?? 0) + 1);
        }
        assert.deepEqual([...counts.values()], [10, 10, 10]);
      });

      await t.test('one endpoint less costs the chains of its service', async () => {
        putSlice(informers, 'sticky', { backends: ['near1', 'near2'] });
        await world.room.idle();
        // two ports: SVC with its two rules for each endpoint left and one of the cluster IP, one SEP gone
        assert.equal(commands(world), 2 * (1 + 1 + 4 + 2));
        assert.deepEqual(await world.room.diff(), []);
      });

      await t.test('what others delete, change and add among ours is mended by a resync (SVC-31)', async () => {
        const before = saved(world, variant);
        const damages = [
          '*nat\n-F PREROUTING',
          '*nat\n-F KUBE-SERVICES',
          '*filter\n-I KUBE-FORWARD -j DROP',
          '*nat\n-D KUBE-POSTROUTING 3',
          '*filter\n-F KUBE-CLUSTER-IPS\n-F KUBE-SERVICES\n-X KUBE-CLUSTER-IPS',
        ];
        for (const damage of damages) {
          add(world, variant, damage);
          assert.ok((await world.room.diff()).length > 0, damage);
          assert.deepEqual(await world.room.resync(), { kind: 'done' });
          assert.deepEqual(await world.room.diff(), []);
          assert.equal(saved(world, variant), before, damage);
        }
        await world.connect('client', '10.96.2.1', 80);
      });

      await t.test('chains of a service that is gone go', async () => {
        informers.remove('Service', { metadata: { namespace: 'default', name: 'fenced' } });
        await world.room.idle();
        assert.doesNotMatch(saved(world, variant), /fenced|KUBE-(FW|SVL)-/);
      });

      await t.test("cleanup leaves nothing but others' rules, also those that lead to our chains", async () => {
        add(world, variant, '*nat\n:CNI-HOSTPORT - [0:0]\n-A CNI-HOSTPORT -s 10.244.1.9/32 -j KUBE-MARK-MASQ');
        await world.room.cleanup();
        const rest = saved(world, variant).split('\n');
        const others = [`-A ${FOREIGN_RULE}`, '-A CNI-HOSTPORT -s 10.244.1.9/32 -j KUBE-MARK-MASQ'];
        assert.deepEqual(rest.filter((line) => line.startsWith('-A')).sort(), others.sort());
        const chains = rest.filter((line) => /^:(KUBE|PODWIRE|CNI)/.test(line)).map((line) => line.split(' ')[0]);
        assert.deepEqual(chains, [':CNI-HOSTPORT', ':KUBE-MARK-MASQ']);
      });
    }),
  );

test('where a kube-proxy has its chains, the room leaves them alone and says so', { timeout: 600_000 }, () =>
  withWorld(
    async (world) => {
      const before = saved(world, 'iptables-nft');
      putService(world.informers, '10.96.2.1');
      await world.room.idle();
      const { ready, errors } = world.room.status();
      assert.equal(ready, false);
      assert.match(errors.join(), /a chain KUBE-SERVICES that is not podwire's .* a kube-proxy serves this node/);
      assert.equal(saved(world, 'iptables-nft'), before);
      await world.room.cleanup();
      assert.equal(saved(world, 'iptables-nft'), before);
    },
    ({ node }) => {
      iptables(node, 'iptables-nft-restore', '*nat\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n');
      return { proxyMode: 'iptables' };
    },
  ),
);

test('from nftables to iptables and back, with a connection open and new ones all the time', { timeout: 600_000 }, () =>
  withWorld(async (world) => {
    putService(world.informers, '10.96.2.1', { backends: ['near1'] });
    await world.room.idle();
    const socket = await connectTcp({ netns: world.netns.client, address: '10.96.2.1', port: 80 });
    const echo = async (): Promise<void> => {
      socket.write('ping');
      assert.equal(String((await once(socket, 'data'))[0]), 'ping');
    };
    await once(socket, 'data');
    let [stop, connections] = [false, 0];
    const newcomers = (async () => {
      for (; !stop; connections++) await world.connect('client', '10.96.2.1', 80);
    })();
    for (const mode of ['iptables', 'nftables', 'iptables', 'nftables'] as const) {
      await world.room.setMode(mode);
      assert.equal(world.room.mode, mode);
      await echo();
      assert.deepEqual(await world.room.diff(), []);
      for (const enough = connections + 3; connections < enough; ) await sleep(5);
    }
    stop = true;
    await newcomers;
    assert.ok(connections > 10, `${connections} connections`);
    socket.destroy();
    assert.doesNotMatch(saved(world, 'iptables-nft'), /KUBE|PODWIRE|podwire/);
  }),
);
