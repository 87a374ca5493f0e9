import { test } from 'node:test';
import { runCases, type ServiceCase } from '../suite/case.ts';
import { runChanges } from '../suite/changes.ts';
import { SUITE } from '../suite/index.ts';
import { MATRIX6_CASES } from '../suite/matrix-cases.ts';
import type { Probe } from '../suite/probe.ts';
import { ADDRESS, ADDRESS6, withWorld } from '../world.fixture.ts';

const mode = () => ({ proxyMode: 'userspace' }) as const;

/** The one thing that is otherwise everywhere: an endpoint sees the node, whoever the client is. */
function fromNode({ sources, sourceAt, ...probe }: Probe): Probe {
  const { node } = probe.to[0].includes(':') ? ADDRESS6 : ADDRESS;
  return {
    ...probe,
    ...(sources && { sources: [node] }),
    ...(sourceAt && { sourceAt: Object.fromEntries(Object.keys(sourceAt).map((server) => [server, node])) }),
  };
}

const seenFromNode = (cases: readonly ServiceCase[]): ServiceCase[] =>
  cases.map((one) => ({
    ...one,
    steps: one.steps.map((step) => ({ ...step, probes: step.probes.map(fromNode) })),
  }));

test('services by userspace, with real packets', { timeout: 120_000 }, (t) =>
  withWorld((world) => runCases(t, world, seenFromNode(SUITE)), mode),
);

test('services by userspace in IPv6, with real packets', { timeout: 120_000 }, (t) =>
  withWorld(
    (world) => runCases(t, world, seenFromNode(MATRIX6_CASES)),
    () => ({ ...mode(), dualStack: true }),
  ),
);

test('services by userspace that change, with real packets', { timeout: 120_000 }, (t) =>
  withWorld((world) => runChanges(t, world), mode),
);
