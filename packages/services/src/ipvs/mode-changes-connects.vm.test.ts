import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { putService } from '../api-objects.fixture.ts';
import { runChangesUnderConnects, traceOf, withModeWorld } from '../mode-changes.fixture.ts';

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    assert.ok(i < 240, 'it has not come to be so within two minutes');
    await sleep(500);
  }
}

test(
  'from and to mode ipvs while others connect: none is refused, and no SYN is lost',
  { timeout: 1_200_000 },
  async (t) => t.diagnostic(await runChangesUnderConnects(['ipvs', 'nftables', 'ipvs', 'iptables', 'ebpf'])),
);

test(
  'to mode ebpf, with a client that takes its port again: IPVS knows nothing of its connection before',
  { timeout: 600_000 },
  () =>
    withModeWorld('ipvs', async (place) => {
      const { world } = place;
      const tracked = () => world.run('node', 'ipvsadm', '-Lnc').match(/^TCP .*/gm) ?? [];
      putService(world.informers, '10.96.1.1', { backends: ['near1'] });
      await world.room.idle();
      world.run('client', 'sysctl', '-qw', 'net/ipv4/ip_local_port_range=40000 40000');
      await world.connect('client', '10.96.1.1', 80);
      await until(() => tracked().length === 1 && tracked().every((line) => / (TIME_WAIT|CLOSE) /.test(line)));
      await world.room.setMode('ebpf');
      assert.deepEqual(place.traces(), traceOf('ebpf'));
      await until(() => tracked().length === 0);
      assert.equal((await world.connect('client', '10.96.1.1', 80)).server, 'near1:8080');
    }),
);
