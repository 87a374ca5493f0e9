import { test } from 'node:test';
import { runCases } from '../suite/case.ts';
import { runChanges } from '../suite/changes.ts';
import { ACROSS_NODES, SUITE } from '../suite/index.ts';
import { withWorld } from '../world.fixture.ts';

const proxyMode = 'userspace';

test('mode userspace does what every mode does', { timeout: 600_000 }, (t) =>
  withWorld(
    (world) => runCases(t, world, SUITE),
    () => ({ proxyMode, dualStack: true }),
  ),
);

test('mode userspace does what every mode does when services change', { timeout: 600_000 }, (t) =>
  withWorld(
    (world) => runChanges(t, world),
    () => ({ proxyMode }),
  ),
);

test('mode userspace does on two nodes what every mode does', { timeout: 600_000 }, (t) =>
  withWorld(
    (world) => runCases(t, world, ACROSS_NODES),
    () => ({ proxyMode, dualStack: true, secondNode: true }),
  ),
);
