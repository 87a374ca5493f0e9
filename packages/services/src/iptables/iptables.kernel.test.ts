import { test } from 'node:test';
import { runCases } from '../suite/case.ts';
import { SUITE } from '../suite/index.ts';
import { withWorld } from '../world.fixture.ts';

for (const mode of ['iptables', 'nftables'] as const)
  test(`services, with real packets ${mode}`, { timeout: 120_000 }, (t) =>
    withWorld(
      (world) => runCases(t, world, SUITE),
      () => ({ proxyMode: mode }),
    ),
  );
