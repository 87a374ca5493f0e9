import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTcp, listenTcp } from '@podwire/kernel';
import { IPVS_SCHEDULERS } from '@podwire/kube';
import { putService, putSlice, removeService, type ServiceOptions } from '../api-objects.fixture.ts';
import { probe } from '../suite/probe.ts';
import { ADDRESS, type Place, type World, withWorld } from '../world.fixture.ts';

const mode = () => ({ proxyMode: 'ipvs' }) as const;
const saved = (world: World): string[] =>
  world
    .run('node', 'ipvsadm', '-Sn')
    .split('\n')
    .map((line) => line.trim().replace(/ -b flag-3|,flag-3/, ''))
    .filter((line) => line !== '');
const by = (annotations: Record<string, string>, more: ServiceOptions = {}): ServiceOptions => ({
  annotations,
  ...more,
});
const commands = (world: World): unknown => world.room.status().facts.commands;

/** A connection that says which endpoint it has. */
async function open(world: World, address: string, port = 80, from: Place = 'client') {
  const socket = await connectTcp({ netns: world.netns[from], address, port });
  const [hello] = await once(socket, 'data');
  socket.on('error', () => {});
  return {
    socket,
    server: String(JSON.parse(String(hello)).server),
    async echo(timeout = 60_000) {
      socket.write('ping');
      const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(timeout) });
      assert.equal(String(data), 'ping');
    },
  };
}

async function serversOf(world: World, count: number, address: string): Promise<string[]> {
  const servers: string[] = [];
  for (let i = 0; i < count; i++) servers.push((await world.connect('client', address, 80)).server);
  return servers;
}

/** IPVS remembers a connection that was reset for ten seconds. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await condition()); i++) {
    assert.ok(i < 240, 'it has not come to be so within two minutes');
    await sleep(500);
  }
}

test('how virtual servers choose', { timeout: 800_000 }, (t) =>
  withWorld(async (world) => {
    const { informers, room } = world;

    await t.test('a scheduler the kernel lacks is said, and rr takes its place', async () => {
      putService(informers, '10.96.1.8', {}, 'before');
      await room.idle();
      const modprobe = world.run('node', 'cat', '/proc/sys/kernel/modprobe').trim();
      world.run('node', 'sh', '-c', 'rmmod ip_vs_lblcr 2>/dev/null; echo /bin/false > /proc/sys/kernel/modprobe');
      try {
        putService(informers, '10.96.1.9', by({ 'podwire.io/ipvs-scheduler': 'lblcr' }), 'lacking');
        await room.idle();
        assert.deepEqual(room.status().limits, [
          'this kernel has no scheduler lblcr (module ip_vs_lblcr), so it is rr where it is asked for',
        ]);
        assert.ok(saved(world).includes('-A -t 10.96.1.9:80 -s rr'));
        await world.connect('client', '10.96.1.9', 80);
      } finally {
        world.run('node', 'sh', '-c', `echo ${modprobe} > /proc/sys/kernel/modprobe`);
      }
      removeService(informers, 'lacking');
      await world.restart();
      assert.deepEqual(world.room.status().limits, []);
    });

    await t.test('every scheduler by name, changed while the service lives; connections stay', async () => {
      putService(informers, '10.96.1.1', {}, 'scheduled');
      await world.room.idle();
      const first = await open(world, '10.96.1.1');
      for (const scheduler of IPVS_SCHEDULERS) {
        putService(informers, '10.96.1.1', by({ 'podwire.io/ipvs-scheduler': scheduler }), 'scheduled');
        await world.room.idle();
        const flags = { sh: ' -b sh-fallback', mh: ' -b mh-fallback,mh-port' }[scheduler as string] ?? '';
        assert.ok(saved(world).includes(`-A -t 10.96.1.1:80 -s ${scheduler}${flags}`), saved(world).join('\n'));
        assert.ok(saved(world).includes(`-A -u 10.96.1.1:53 -s ${scheduler}${flags}`));
        await world.connect('client', '10.96.1.1', 80);
        await first.echo();
      }
      first.socket.destroy();
    });

    await t.test('a scheduler nobody knows is said, and the default takes its place', async () => {
      putService(informers, '10.96.1.1', by({ 'podwire.io/ipvs-scheduler': 'wrong' }), 'scheduled');
      await world.room.idle();
      assert.match(world.room.status().limits?.join('\n') ?? '', /IPVS has no scheduler "wrong", so it is rr/);
      assert.ok(saved(world).includes('-A -t 10.96.1.1:80 -s rr'));
      removeService(informers, 'scheduled');
      await world.room.idle();
      assert.deepEqual(world.room.status().limits, []);
    });

    await t.test('weights', async () => {
      putService(informers, '10.96.1.2', by({ 'podwire.io/weights': `${ADDRESS.near1}=3, ${ADDRESS.far}=2` }));
      await world.room.idle();
      const servers = await serversOf(world, 24, '10.96.1.2');
      const count = (place: string) => servers.filter((server) => server.startsWith(place)).length;
      assert.deepEqual([count('near1'), count('far'), count('near2')], [12, 8, 4]);
    });

    await t.test('least connections', async () => {
      putService(informers, '10.96.1.3', by({ 'podwire.io/balance': 'least-connections' }));
      await world.room.idle();
      const held = [await open(world, '10.96.1.3'), await open(world, '10.96.1.3')];
      assert.notEqual(held[0]?.server, held[1]?.server);
      const third = ['near1:8080', 'near2:8080', 'far:8080'].find((one) => held.every(({ server }) => server !== one));
      // those that have ended count 1 of 256
      for (const server of await serversOf(world, 6, '10.96.1.3')) assert.equal(server, third);
      for (const { socket } of held) socket.destroy();
    });

    await t.test('clients inside stay at an external address of policy Local, by their address', async () => {
      putService(informers, '10.96.1.4', {
        ...{ type: 'NodePort', externalTrafficPolicy: 'Local', sessionAffinity: 'ClientIP' },
        ports: [{ name: 'http', port: 80, nodePort: 30_104 }],
      });
      await world.room.idle();
      for (const from of ['client', 'near2', 'node'] as const)
        await probe(world, { from, to: [ADDRESS.node, 30_104], times: 12, grouped: 'together' });
      assert.equal(saved(world).filter((line) => line.startsWith('-A -f')).length, 1);
      assert.ok(
        saved(world).some((line) => /^-A -f \S+ -s mh -b mh-fallback$/.test(line)),
        saved(world).join('\n'),
      );
    });
  }, mode),
);

test('what goes keeps its connections, and only those', { timeout: 800_000 }, (t) =>
  withWorld(async (world) => {
    const { informers } = world;

    await t.test('an endpoint: weight 0 until its last connection ends', async () => {
      const name = putService(informers, '10.96.2.1', { backends: ['near1'] });
      await world.room.idle();
      const old = await open(world, '10.96.2.1');
      putSlice(informers, name, { backends: ['near2', 'far'] });
      await world.room.idle();
      const draining = `-a -t 10.96.2.1:80 -r ${ADDRESS.near1}:8080 -m -w 0`;
      assert.ok(saved(world).includes(draining), saved(world).join('\n'));
      assert.ok(!saved(world).some((line) => line.includes(`-u 10.96.2.1:53 -r ${ADDRESS.near1}`)), 'UDP goes at once');
      assert.equal(world.room.status().facts.draining, 1);
      for (const server of await serversOf(world, 6, '10.96.2.1')) assert.notEqual(server, 'near1:8080');
      await world.room.resync();
      assert.deepEqual(await world.room.diff(), []);
      await old.echo();
      old.socket.resetAndDestroy();
      await until(async () => {
        await world.room.resync();
        return world.room.status().facts.draining === 0;
      });
      assert.ok(!saved(world).some((line) => line.includes(`10.96.2.1:80 -r ${ADDRESS.near1}`)));
    });

    await t.test('an endpoint that comes back has connections again', async () => {
      const name = putService(informers, '10.96.2.2', { backends: ['near1', 'near2'] });
      await world.room.idle();
      const held = [await open(world, '10.96.2.2'), await open(world, '10.96.2.2')];
      putSlice(informers, name, { backends: ['near2'] });
      await world.room.idle();
      putSlice(informers, name, { backends: ['near1', 'near2'] });
      await world.room.idle();
      assert.equal(new Set(await serversOf(world, 4, '10.96.2.2')).size, 2);
      for (const one of held) {
        await one.echo();
        one.socket.destroy();
      }
    });

    await t.test('a service: its port is free for others, and connections go on, also over a restart', async () => {
      const ports = [{ name: 'http', port: 80, nodePort: 30_203 }];
      const name = putService(informers, '10.96.2.3', { type: 'NodePort', ports });
      await world.room.idle();
      const [inside, outside] = [await open(world, '10.96.2.3'), await open(world, ADDRESS.node, 30_203, 'outside')];
      removeService(informers, name);
      await world.room.idle();
      for (const from of ['client', 'node', 'outside'] as const) {
        await probe(world, { from, to: ['10.96.2.3', 80], fails: 'silence' });
        await probe(world, { from, to: [ADDRESS.node, 30_203], fails: 'refused' });
      }
      const own = await listenTcp({ netns: world.netns.node, address: ADDRESS.node, port: 30_203 });
      own.on('connection', (socket) => socket.end(`${JSON.stringify({ server: 'own', source: '' })}\n`));
      for (const from of ['outside', 'node'] as const)
        assert.equal((await world.connect(from, ADDRESS.node, 30_203)).server, 'own');
      own.close();
      await world.restart();
      await inside.echo();
      await outside.echo();
      assert.equal(world.room.status().facts.draining, 2);
      for (const { socket } of [inside, outside]) socket.resetAndDestroy();
    });

    await t.test('all endpoints: new connections are refused', async () => {
      const name = putService(informers, '10.96.2.4');
      await world.room.idle();
      const old = await open(world, '10.96.2.4');
      putSlice(informers, name, { backends: [] });
      await world.room.idle();
      for (const from of ['client', 'node', 'outside'] as const)
        await probe(world, { from, to: ['10.96.2.4', 80], fails: 'refused' });
      await old.echo();
      old.socket.destroy();
    });
  }, mode),
);

test('what is there, and what others do', { timeout: 800_000 }, (t) =>
  withWorld(async (world) => {
    const { informers } = world;
    const ip = (line: string): string => world.run('node', 'ip', ...line.split(' '));
    const ipvsadm = (line: string): string => world.run('node', 'ipvsadm', ...line.split(' '));
    const ports = [
      { name: 'http', port: 80, nodePort: 30_301 },
      { name: 'dns', protocol: 'UDP', port: 53, nodePort: 30_301 },
    ];
    putService(informers, '10.96.3.1', { type: 'NodePort', externalTrafficPolicy: 'Local', ports });
    putService(informers, '10.96.3.2', { sessionAffinity: 'ClientIP' });
    await world.room.idle();
    ipvsadm('-A -t 192.0.2.1:99 -s wlc');
    const foreign = '-A -t 192.0.2.1:99 -s wlc';

    await t.test('a restarted room finds everything as it is and writes nothing', async () => {
      const before = saved(world);
      await world.restart();
      assert.equal(commands(world), 0);
      assert.deepEqual(saved(world), before);
    });

    await t.test('a restart removes strays, and nothing of others', async () => {
      ipvsadm('-A -t 10.96.9.9:80 -s rr');
      ipvsadm('-a -t 10.96.9.9:80 -r 10.244.1.5:8080 -m');
      ipvsadm('-a -t 10.96.3.2:80 -r 10.244.9.9:8080 -m');
      await world.restart();
      assert.ok(!saved(world).some((line) => /10\.96\.9\.9|10\.244\.9\.9/.test(line)), saved(world).join('\n'));
      assert.ok(saved(world).includes(foreign));
    });

    await t.test('a virtual server of somebody else at an address of a service is left alone, and told', async () => {
      ipvsadm('-A -t 192.0.2.7:80 -s wlc');
      const line = '-A -t 192.0.2.7:80 -s wlc';
      putService(informers, '10.96.3.7', { externalIPs: ['192.0.2.7'] }, 'meeting');
      for (const act of [() => world.room.idle(), () => world.room.resync(), () => world.restart()]) {
        await act();
        assert.ok(saved(world).includes(line), saved(world).join('\n'));
        assert.match(world.room.status().errors.join('\n'), /192\.0\.2\.7 tcp 80 is somebody else's and left alone/);
      }
      assert.deepEqual(await world.room.diff(), []);
      await world.connect('client', '10.96.3.7', 80);
      ipvsadm('-D -t 192.0.2.7:80');
      await world.room.resync();
      assert.deepEqual(world.room.status().errors, []);
      assert.ok(saved(world).includes('-A -t 192.0.2.7:80 -s rr'), saved(world).join('\n'));
      removeService(informers, 'meeting');
      await world.room.idle();
    });

    await t.test('a service that went while no agent was there', async () => {
      putService(informers, '10.96.3.3', { externalIPs: ['198.51.100.33'] }, 'gone');
      await world.room.idle();
      await world.room.stop();
      removeService(informers, 'gone');
      await world.restart();
      assert.ok(!saved(world).some((line) => /10\.96\.3\.3|198\.51\.100\.33/.test(line)), saved(world).join('\n'));
    });

    await t.test('what others delete or change is told, and mended by a resync (SVC-31)', async () => {
      const before = [...saved(world)].sort();
      ipvsadm('-D -t 10.96.3.1:80');
      ipvsadm('-e -t 10.96.3.2:80 -r 10.244.1.5:8080 -m -w 7');
      ipvsadm('-d -u 10.96.3.2:53 -r 10.244.1.6:5353');
      ip('rule del priority 90');
      ip('route flush table 7115');
      world.run('node', 'sysctl', '-qw', 'net/ipv4/vs/conntrack=0');
      world.run('node', 'nft', 'flush', 'chain', 'ip', 'podwire-ipvs', 'capture');
      const drift = (await world.room.diff()).map(({ what }) => what).join('\n');
      for (const part of [/add virtual server 10\.96\.3\.1 tcp 80/, /change destination/, /add destination/])
        assert.match(drift, part);
      for (const part of [/add rule/, /add route/, /set sysctl/]) assert.match(drift, part);
      assert.deepEqual(await world.room.resync(), { kind: 'done' });
      assert.deepEqual(await world.room.diff(), []);
      assert.deepEqual([...saved(world)].sort(), before);
      await world.connect('client', '10.96.3.1', 80);
    });

    await t.test('one of a thousand services changes by a few commands', async () => {
      for (let i = 0; i < 300; i++) putService(informers, `10.100.${i >> 8}.${i & 255}`, {}, `many-${i}`);
      await world.room.idle();
      putSlice(informers, 'many-150', { backends: ['near1', 'near2'] });
      await world.room.idle();
      assert.ok(Number(commands(world)) <= 4, String(commands(world)));
      for (let i = 0; i < 300; i++) removeService(informers, `many-${i}`);
      await world.room.idle();
      assert.deepEqual(await world.room.diff(), []);
    });

    await t.test('a packet has its own mark behind the room, and no other', async () => {
      const rules = `table ip t {
        counter foreign { }
        counter scratch { }
        counter marked { }
        chain pre { type filter hook prerouting priority -150; ip saddr ${ADDRESS.client} meta mark set 0xb5d00077; }
        chain out { type filter hook output priority 0; ip saddr ${ADDRESS.client} jump seen; }
        chain post { type filter hook postrouting priority 200; ip saddr ${ADDRESS.client} jump seen; }
        chain seen {
          meta mark & 0xffff0000 == 0xb5d20000 counter name scratch
          meta mark 0xb5d00077 counter name foreign
          meta mark != 0xb5d00077 counter name marked
        }
      }`;
      world.run('node', 'nft', rules);
      await world.connect('client', '10.96.3.2', 80);
      await world.connect('client', ADDRESS.node, 30_301);
      const packets = (name: string): number =>
        JSON.parse(world.run('node', 'nft', '-j', 'list', 'counter', 'ip', 't', name)).nftables[1].counter.packets;
      assert.deepEqual([packets('scratch'), packets('marked')], [0, 0]);
      assert.ok(packets('foreign') >= 8);
      world.run('node', 'nft', 'delete', 'table', 'ip', 't');
    });

    await t.test(
      'two connections from one port of a client to one endpoint: the older one loses its answers',
      async () => {
        for (const last of [5, 6]) putService(informers, `10.96.3.${last}`, { backends: ['near1'] });
        await world.room.idle();
        const range = world.run('client', 'sysctl', '-n', 'net/ipv4/ip_local_port_range').trim();
        world.run('client', 'sysctl', '-qw', 'net/ipv4/ip_local_port_range=45000 45000');
        const [one, other] = [await open(world, '10.96.3.5'), await open(world, '10.96.3.6')];
        world.run('client', 'sysctl', '-qw', `net/ipv4/ip_local_port_range=${range}`);
        assert.deepEqual([one.socket.localPort, other.socket.localPort], [45_000, 45_000]);
        await other.echo();
        await assert.rejects(one.echo(3000));
        for (const { socket } of [one, other]) socket.destroy();
      },
    );

    await t.test('cleanup removes everything of this mode and nothing else', async () => {
      const held = await open(world, '10.96.3.2');
      world.run('node', 'nft', 'add', 'table', 'ip', 'somebody-else');
      await world.room.cleanup();
      assert.deepEqual(saved(world), [foreign]);
      assert.equal(world.run('node', 'nft', 'list', 'tables').trim(), 'table ip somebody-else');
      assert.doesNotMatch(ip('rule'), /7115/);
      assert.doesNotMatch(ip('route show table all'), /7115/);
      held.socket.destroy();
    });

    await t.test('a kube-proxy in mode ipvs has the node to itself', async () => {
      ip('link add kube-ipvs0 type dummy');
      await world.restart();
      assert.match(world.room.status().errors.join('\n'), /kube-proxy in mode ipvs has its link kube-ipvs0 here/);
      assert.deepEqual(saved(world), [foreign]);
      ip('link del kube-ipvs0');
      await world.room.resync();
      assert.deepEqual(world.room.status().errors, []);
      await world.connect('client', '10.96.3.2', 80);
    });
  }, mode),
);

test('node ports are not at loopback addresses, which is said (SVC-9)', { timeout: 600_000 }, () =>
  withWorld(
    async (world) => {
      const ports = [{ name: 'http', port: 80, nodePort: 30_401 }];
      putService(world.informers, '10.96.4.1', { type: 'NodePort', ports });
      await world.room.idle();
      assert.deepEqual(
        world.room.status().limits?.map((line) => line.slice(0, 35)),
        ['node ports are not at 127.0.0.1 in ', 'node ports are not at ::1 in mode i'],
      );
      await probe(world, { from: 'node', to: ['127.0.0.1', 30_401], fails: 'refused' });
      await probe(world, { from: 'outside', to: [ADDRESS.node, 30_401] });
    },
    () => ({
      proxyMode: 'ipvs',
      dualStack: true,
      config: { nodePortAddresses: ['127.0.0.0/8', '::1/128', '172.30.0.0/24'] as never },
    }),
  ),
);
