import { test } from 'node:test';
import { runCases, type ServiceCase } from '../suite/case.ts';
import { runChanges } from '../suite/changes.ts';
import { SUITE } from '../suite/index.ts';
import type { Probe } from '../suite/probe.ts';
import { ADDRESS, withWorld } from '../world.fixture.ts';

const mode = () => ({ proxyMode: 'userspace' }) as const;

/** The one thing that is otherwise everywhere: an endpoint sees the node, whoever the client is. */
const fromNode = ({ sources, sourceAt, ...probe }: Probe): Probe => ({
  ...probe,
  ...(sources && { sources: [ADDRESS.node] }),
  ...(sourceAt && { sourceAt: Object.fromEntries(Object.keys(sourceAt).map((server) => [server, ADDRESS.node])) }),
});
const CASES: readonly ServiceCase[] = SUITE.map((one) => ({
  ...one,
  steps: one.steps.map((step) => ({ ...step, probes: step.probes.map(fromNode) })),
}));

test('services by userspace, with real packets', { timeout: 120_000 }, (t) =>
  withWorld((world) => runCases(t, world, CASES), mode),
);

test('services by userspace that change, with real packets', { timeout: 120_000 }, (t) =>
  withWorld((world) => runChanges(t, world), mode),
);
