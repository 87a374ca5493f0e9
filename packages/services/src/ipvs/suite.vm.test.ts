import { test } from 'node:test';
import { runCases } from '../suite/case.ts';
import { runChanges } from '../suite/changes.ts';
import { SUITE } from '../suite/index.ts';
import { withWorld } from '../world.fixture.ts';

test('what every mode does alike', { timeout: 1_800_000 }, (t) =>
  withWorld(
    (world) => runCases(t, world, SUITE),
    () => ({ proxyMode: 'ipvs', dualStack: true }),
  ),
);

test('what every mode does alike when services change', { timeout: 1_200_000 }, (t) =>
  withWorld(
    (world) => runChanges(t, world),
    () => ({ proxyMode: 'ipvs' }),
  ),
);
