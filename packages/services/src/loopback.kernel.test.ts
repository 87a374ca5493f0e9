import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindUdp } from '@podwire/kernel';
import { putService } from './api-objects.fixture.ts';
import { lackingSocketProbe, withSocketWorld } from './ebpf/socket-world.fixture.ts';
import { FormerModes } from './former-modes.ts';
import { ROUTE_LOCALNET } from './loopback.ts';
import type { ServiceProxy } from './proxy.ts';
import { LOOPBACK, runLoopback } from './suite/loopback.ts';
import { ADDRESS, type World, type WorldOptions, withWorld } from './world.fixture.ts';

for (const proxyMode of ['nftables', 'iptables', 'userspace'] as const)
  test(`node ports at loopback addresses in mode ${proxyMode}`, { timeout: 600_000 }, (t) =>
    withWorld(
      (world) => runLoopback(t, world),
      () => ({ ...LOOPBACK, proxyMode }),
    ),
  );

test('node ports at loopback addresses in mode ebpf', { skip: lackingSocketProbe(), timeout: 600_000 }, (t) =>
  withSocketWorld('ebpf', (world) => runLoopback(t, world), LOOPBACK),
);

const sysctl = (world: World, ...args: string[]): string =>
  world.run('node', 'sysctl', '-n', ...args, ROUTE_LOCALNET).trim();

/** Makes 127.0.0.1 an address like others for a machine on the wire. */
function routeLoopback({ run }: World): void {
  run('outside', 'sysctl', '-qw', `${ROUTE_LOCALNET}=1`);
  for (const range of ['127.0.0.0/8', '127.0.0.1/32'])
    run('outside', 'ip', 'route', 'del', 'local', range, 'dev', 'lo', 'table', 'local');
  run('outside', 'ip', 'route', 'add', '127.0.0.1/32', 'via', '203.0.113.1');
}

for (const proxyMode of ['nftables', 'iptables'] as const)
  test(`nobody on the wire reaches loopback addresses in mode ${proxyMode}`, { timeout: 600_000 }, () =>
    withWorld(
      async (world) => {
        putService(world.informers, '10.96.3.2', {
          type: 'NodePort',
          ports: [{ name: 'dns', protocol: 'UDP', port: 53, nodePort: 30_081 }],
        });
        await world.room.idle();
        routeLoopback(world);
        const server = await bindUdp({ netns: world.netns.node, address: '127.0.0.1', port: 7777 });
        const client = await bindUdp({ netns: world.netns.outside, address: ADDRESS.outside, port: 40_000 });
        let received = 0;
        server.on('message', () => received++);
        const send = async (): Promise<void> => {
          for (const port of [7777, 30_081]) client.send('?', port, '127.0.0.1');
          await sleep(100);
        };
        const tracked = () =>
          world.run('node', 'conntrack', '-L', '--orig-src', ADDRESS.outside, '--orig-dst', '127.0.0.1');
        try {
          assert.equal(sysctl(world), '1');
          await send();
          assert.deepEqual([received, tracked()], [0, '']);
          world.run('node', 'sysctl', '-qw', `${ROUTE_LOCALNET}=0`);
          await world.room.resync();
          assert.equal(sysctl(world), '1');
          await world.room.cleanup();
          assert.equal(sysctl(world), '0');
          // it is not the world that keeps them apart
          world.run('node', 'sysctl', '-qw', `${ROUTE_LOCALNET}=1`);
          for (let i = 0; i < 300 && received === 0; i++) await send();
          assert.ok(received > 0);
        } finally {
          server.close();
          client.close();
        }
      },
      () => ({ ...LOOPBACK, proxyMode }),
    ),
  );

test('the kernel routes loopback addresses while a mode needs it', { timeout: 600_000 }, () =>
  withWorld(
    async (world) => {
      const seen = [];
      for (const mode of ['userspace', 'iptables', 'nftables', 'userspace'] as const) {
        await world.room.setMode(mode);
        seen.push(sysctl(world));
      }
      assert.deepEqual(seen, ['0', '1', '1', '0']);
    },
    () => LOOPBACK,
  ),
);

test('nobody who does not ask for it has the kernel route them', { timeout: 600_000 }, () =>
  withWorld(async (world) => {
    assert.equal(sysctl(world), '0');
    world.run('node', 'sysctl', '-qw', `${ROUTE_LOCALNET}=1`);
    await world.room.cleanup();
    assert.equal(sysctl(world), '1');
  }),
);

/** Agents that remember; the next one is started with other options. */
function agents(t: TestContext, first: WorldOptions): { next: WorldOptions; readonly directory: string } {
  const directory = fs.mkdtempSync(path.join(tmpdir(), 'podwire-loopback-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  return { next: { ...first, runDirectory: directory }, directory };
}

for (const [what, change] of [
  ['a mode without such rules', { proxyMode: 'userspace' }],
  ['no loopback addresses in nodePortAddresses', { config: {} }],
] as const)
  test(`an agent that dies and one with ${what}: nothing routes loopback addresses`, { timeout: 600_000 }, (t) => {
    const state = agents(t, { ...LOOPBACK, proxyMode: 'nftables' });
    return withWorld(
      async (world) => {
        const file = path.join(state.directory, 'route-localnet.json');
        assert.deepEqual([sysctl(world), fs.readFileSync(file, 'utf8')], ['1', '{"before":"0"}\n']);
        assert.equal(fs.statSync(file).mode & 0o777, 0o600);
        await world.restart();
        assert.equal(sysctl(world), '1');
        state.next = { ...state.next, ...change };
        await world.restart();
        assert.deepEqual([sysctl(world), fs.existsSync(file)], ['0', false]);
      },
      () => state.next,
    );
  });

test('loopback addresses are not routed any more when the rules that drop them go', { timeout: 600_000 }, (t) => {
  const state = agents(t, { ...LOOPBACK, proxyMode: 'nftables' });
  return withWorld(
    async (world) => {
      const seen: string[] = [];
      const sweep = FormerModes.prototype.sweep;
      t.mock.method(FormerModes.prototype, 'sweep', function (this: FormerModes, present: ServiceProxy) {
        seen.push(`${present.mode} ${sysctl(world)}`);
        return sweep.call(this, present);
      });
      state.next = { ...state.next, proxyMode: 'userspace' };
      await world.restart();
      assert.equal(seen[0], 'userspace 0');
    },
    () => state.next,
  );
});

test('what an administrator has set comes back, also by cleanup of another agent', { timeout: 600_000 }, (t) => {
  const state = agents(t, { ...LOOPBACK, proxyMode: 'userspace' });
  return withWorld(
    async (world) => {
      world.run('node', 'sysctl', '-qw', `${ROUTE_LOCALNET}=1`);
      await world.room.setMode('nftables');
      await world.room.setMode('userspace');
      assert.equal(sysctl(world), '1');
      world.run('node', 'sysctl', '-qw', `${ROUTE_LOCALNET}=0`);
      await world.room.setMode('iptables');
      assert.equal(sysctl(world), '1');
      state.next = { ...state.next, config: {}, proxyMode: 'iptables' };
      await world.restart();
      await world.room.cleanup();
      assert.equal(sysctl(world), '0');
    },
    () => state.next,
  );
});
