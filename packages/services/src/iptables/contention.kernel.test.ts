import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnIn } from '@podwire/kernel';
import { putService, removeService } from '../api-objects.fixture.ts';
import type { World } from '../world.fixture.ts';
import { IptablesCommands } from './commands.ts';
import { iptables, type Variant, withVariant } from './variant-world.fixture.ts';

/** A lock of our own: that of the machine would stop everybody else on it. */
const directory = mkdtempSync(path.join(tmpdir(), 'podwire-xtables-'));
const lock = path.join(directory, 'lock');
process.env.XTABLES_LOCKFILE = lock;
after(() => rmSync(directory, { recursive: true }));

/** Somebody has the lock meanwhile; `release` gives it back. */
async function withLock(fn: (release: () => Promise<void>) => Promise<void>): Promise<void> {
  const holder = spawn('flock', ['--no-fork', lock, 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  const release = async (): Promise<void> => {
    holder.kill();
    await ended;
  };
  try {
    holder.stdin.write('held\n');
    await once(holder.stdout, 'data');
    await fn(release);
  } finally {
    await release();
  }
}

const TEXT = '*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n';

test('who waits for the lock in vain says so', { timeout: 600_000 }, (t) =>
  withVariant(t, 'iptables-legacy', ({ netns: { node } }) =>
    withLock(async (release) => {
      const commands = new IptablesCommands('-legacy', node, 1);
      await assert.rejects(commands.restore('ipv4', TEXT, true), {
        code: 'SERVICES_IPTABLES',
        message:
          /^iptables-legacy-restore ended with 4: .*Another app is currently holding the xtables lock.*tried again/s,
      });
      await release();
      await commands.restore('ipv4', TEXT, true);
    }),
  ),
);

test('a change waits until somebody gives the lock back', { timeout: 600_000 }, (t) =>
  withVariant(t, 'iptables-legacy', (world) =>
    withLock(async (release) => {
      putService(world.informers, '10.96.4.1');
      const idle = world.room.idle();
      assert.equal(await Promise.race([idle.then(() => 'written'), sleep(500, 'waiting')]), 'waiting');
      await release();
      await idle;
      assert.deepEqual(world.room.status().errors, []);
      await world.connect('client', '10.96.4.1', 80);
    }),
  ),
);

/** More services than a chain that is written anew has rules. */
function putServices({ informers }: World, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const name = `one-${String(i).padStart(2, '0')}`;
    return putService(informers, `10.96.5.${i + 1}`, { backends: ['near1'] }, name);
  });
}

/** Until the room has tried again what did not go. */
async function settled({ room }: World): Promise<void> {
  for (let i = 0; i < 1200 && !room.status().ready; i++) await sleep(50);
  assert.deepEqual(room.status().errors, []);
  assert.deepEqual(await room.diff(), []);
}

for (const variant of ['iptables-nft', 'iptables-legacy'] as const satisfies readonly Variant[]) {
  test(
    `where ${variant} has not the rules a change is about, everything is read and mended`,
    { timeout: 600_000 },
    (t) =>
      withVariant(t, variant, async (world) => {
        const { node } = world.netns;
        const names = putServices(world, 24);
        await world.room.idle();
        const rules = iptables(node, `${variant}-save`, '').split('\n');
        const rule = rules.find((line) => line.startsWith('-A KUBE-SERVICES') && line.includes('default/one-11'));
        assert.ok(rule);
        const lines = [`-D${rule.slice(2)}`, '-I KUBE-SERVICES 1 -s 192.0.2.7/32 -j RETURN', ''];
        iptables(node, `${variant}-restore`, `*nat\n${lines.join('\n')}COMMIT\n`, '--noflush');
        for (const name of names.slice(11, 13)) removeService(world.informers, name);
        await world.room.idle();
        await settled(world);
        assert.doesNotMatch(iptables(node, `${variant}-save`, ''), /one-1[12]|192\.0\.2\.7/);
        await world.connect('client', '10.96.5.14', 80);
      }),
  );

  test(`others write with ${variant} all the time, and all get what they want`, { timeout: 600_000 }, (t) =>
    withVariant(t, variant, async (world) => {
      const { node } = world.netns;
      putServices(world, 20);
      await world.room.idle();
      let [stop, writes] = [false, 0];
      const others = (async () => {
        for (; !stop; writes++) {
          const verb = writes % 2 ? '-D' : '-A';
          const args = ['-w', verb, 'INPUT', '-s', '192.0.2.8/32', '-j', 'ACCEPT'];
          const [code] = await once(spawnIn({ netns: node }, variant, args, { stdio: 'inherit' }), 'exit');
          assert.equal(code, 0);
        }
      })();
      try {
        // whoever is faster waits for the other
        for (let i = 0; i < 20 || writes <= 10; i++) {
          if (i % 2) removeService(world.informers, 'passing');
          else putService(world.informers, '10.96.6.1', { backends: ['near1'] }, 'passing');
          await world.room.idle();
        }
      } finally {
        stop = true;
        await others;
      }
      await settled(world);
      await world.connect('client', '10.96.5.20', 80);
    }),
  );
}
