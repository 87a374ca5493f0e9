import { test } from 'node:test';
import { runCases } from '../suite/case.ts';
import { runChanges } from '../suite/changes.ts';
import { ACROSS_NODES, SUITE } from '../suite/index.ts';
import { withVariant } from './variant-world.fixture.ts';

for (const variant of ['iptables-nft', 'iptables-legacy'] as const) {
  test(`${variant} does what every mode does`, { timeout: 600_000 }, (t) =>
    withVariant(t, variant, (world) => runCases(t, world, SUITE), { dualStack: true }),
  );

  test(`${variant} does on two nodes what every mode does`, { timeout: 600_000 }, (t) =>
    withVariant(t, variant, (world) => runCases(t, world, ACROSS_NODES), { dualStack: true, secondNode: true }),
  );

  test(`${variant} does what every mode does when services change`, { timeout: 600_000 }, (t) =>
    withVariant(t, variant, (world) => runChanges(t, world)),
  );
}
