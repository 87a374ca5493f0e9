import { test } from 'node:test';
import { runCases } from '../suite/case.ts';
import { runChanges } from '../suite/changes.ts';
import { SUITE } from '../suite/index.ts';
import { withWorld } from '../world.fixture.ts';

const mode = () => ({ proxyMode: 'iptables' }) as const;

test('services by iptables, with real packets', { timeout: 120_000 }, (t) =>
  withWorld((world) => runCases(t, world, SUITE), mode),
);

test('services by iptables that change, with real packets', { timeout: 120_000 }, (t) =>
  withWorld((world) => runChanges(t, world), mode),
);
