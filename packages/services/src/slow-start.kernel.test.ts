import { test } from 'node:test';
import { lackingSocketProbe, withSocketWorld } from './ebpf/socket-world.fixture.ts';
import { runSlowStart } from './suite/slow-start.ts';
import { withWorld } from './world.fixture.ts';

for (const proxyMode of ['nftables', 'iptables', 'userspace'] as const)
  test(`slow start in mode ${proxyMode}`, { timeout: 600_000 }, (t) =>
    withWorld(
      (world) => runSlowStart(t, world),
      () => ({ proxyMode }),
    ),
  );

test('slow start in mode ebpf', { skip: lackingSocketProbe(), timeout: 600_000 }, (t) =>
  withSocketWorld('ebpf', (world) => runSlowStart(t, world)),
);
