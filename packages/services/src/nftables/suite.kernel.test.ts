import { test } from 'node:test';
import { runCases } from '../suite/case.ts';
import { runChanges } from '../suite/changes.ts';
import { ACROSS_NODES, SUITE } from '../suite/index.ts';
import { withWorld } from '../world.fixture.ts';

const dualStack = () => ({ dualStack: true });

test('mode nftables does what every mode does', { timeout: 600_000 }, (t) =>
  withWorld((world) => runCases(t, world, SUITE), dualStack),
);

test('mode nftables does what every mode does when services change', { timeout: 600_000 }, (t) =>
  withWorld((world) => runChanges(t, world), dualStack),
);

test('mode nftables does on two nodes what every mode does', { timeout: 600_000 }, (t) =>
  withWorld(
    (world) => runCases(t, world, ACROSS_NODES),
    () => ({ dualStack: true, secondNode: true }),
  ),
);
