import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { FakeInformers } from '@podwire/kube/testing';
import {
  putService,
  putSlice,
  removeService,
  removeSlices,
  type ServiceOptions,
  type SliceOptions,
} from '../api-objects.fixture.ts';
import type { World } from '../world.fixture.ts';
import { putImport } from './import-objects.ts';
import { insteadOf, problemsOf } from './limits.ts';
import { type Probe, probe } from './probe.ts';

/**
 * The one table of what a new connection comes to, run with real packets on every mode:
 *
 *   CaseService ──▶ world ──▶ Probe (client, address) ──▶ who answered, or how it failed, and which source was seen
 *
 * and on paper: the plan of mode nftables through the interpreter (virtual-node.ts).
 */
export interface ServiceCase {
  /** Cites SEMANTICS (SVC-n); no two cases have the same. */
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Services as they are from now on, and what is then to be seen. */
export interface Step {
  readonly services?: readonly CaseService[];
  readonly probes: readonly Probe[];
  /** What status() says of the services, in every mode, in this step. */
  readonly problems?: readonly RegExp[];
}

export interface CaseService {
  readonly address: string;
  /** With its own slice. */
  readonly options?: ServiceOptions;
  /** Further slices. */
  readonly slices?: readonly SliceOptions[];
  /** The service is deleted. */
  readonly gone?: boolean;
  /** A ServiceImport instead, whose address it is. */
  readonly isImport?: boolean;
  /** Instead of one that follows from the address. */
  readonly name?: string;
}

/** Connections that may fail by silence need time only; others would be late if too many were made at once. */
const AT_ONCE = { silent: 64, answered: 8 };
/** IPVS takes two connections from one port of a client to one endpoint for one, whatever the addresses they were made to. */
const answeredAtOnce = ({ room }: World): number => (room.mode === 'ipvs' ? 3 : AT_ONCE.answered);

/**
 * The first steps of all cases at once, then the second steps, and so on: no two cases may have an address in common. Each
 * case is a subtest. Cases of IPv6 need a world of both families.
 */
export async function runCases(t: TestContext, world: World, cases: readonly ServiceCase[]): Promise<void> {
  const failures = new Map<ServiceCase, unknown[]>(cases.map((one) => [one, []]));
  const steps = Math.max(...cases.map((one) => one.steps.length));
  for (let i = 0; i < steps; i++) {
    const round = cases.flatMap((one) => (one.steps[i] ? [{ one, step: one.steps[i] as Step }] : []));
    for (const { step } of round) putServices(world.informers, step.services ?? []);
    await world.room.idle();
    await world.second?.idle();
    // what the steps of this round do not mention is as it was
    const current = cases.flatMap((one) => one.steps.slice(0, i + 1).findLast((step) => step.services) ?? []);
    await t.test(`step ${i + 1} of ${steps} is in force`, () => judgeStatus(world, current));
    const started = performance.now();
    const probes = await runRound(world, round, failures);
    t.diagnostic(`step ${i + 1}: ${probes} probes in ${Math.round(performance.now() - started)} ms`);
  }
  for (const one of cases) await t.test(one.name, () => judgeCase(failures.get(one) ?? []));
}

/** Makes the services of a step what they are. */
export function putServices(informers: FakeInformers, services: readonly CaseService[]): void {
  for (const one of services) {
    const { address, options, slices = [], gone, isImport, name = serviceName(address) } = one;
    if (isImport) putImport(informers, name, one);
    else if (gone) removeService(informers, name);
    else {
      const names = slices.map((_, i) => `${name}-${i}`);
      putService(informers, address, options, name);
      for (const [i, slice] of slices.entries()) putSlice(informers, name, slice, names[i]);
      removeSlices(informers, name, [name, ...names]);
    }
  }
}

/** In the order of the addresses. */
const serviceName = (address: string): string =>
  `case-${address.replaceAll(/\w+/g, (group) => group.padStart(4, '0')).replaceAll(/[.:]/g, '-')}`;

function judgeStatus(world: World, steps: readonly Step[]): void {
  const services = steps.flatMap((step) => step.services ?? []);
  const expected = [...steps.flatMap((step) => step.problems ?? []), ...problemsOf(world.room.mode, services)];
  for (const room of [world.room, ...(world.second ? [world.second] : [])]) {
    const { errors, limits = [] } = room.status();
    const told = [...errors, ...limits];
    assert.deepEqual(
      told.filter((error) => !expected.some((problem) => problem.test(error))),
      [],
    );
    assert.deepEqual(
      expected.filter((problem) => !told.some((error) => problem.test(error))),
      [],
      'status() does not say',
    );
  }
}

interface Running {
  readonly one: ServiceCase;
  readonly probe: Probe;
}

/** Resolves with the number of probes. */
async function runRound(
  world: World,
  round: readonly { readonly one: ServiceCase; readonly step: Step }[],
  failures: ReadonlyMap<ServiceCase, unknown[]>,
): Promise<number> {
  const all = round.flatMap(({ one, step }) =>
    step.probes.map((each): Running => ({ one, probe: insteadOf(world.room.mode, each, step.services ?? []).probe })),
  );
  const run = (running: Running): Promise<void> =>
    probe(world, running.probe).catch((error) => {
      failures.get(running.one)?.push(error);
    });
  const [silent, answered] = [true, false].map((is) => all.filter((one) => (one.probe.fails === 'silence') === is));
  // those of one case one after the other: they would take each other's turns
  const byCase = [...Map.groupBy(answered ?? [], ({ one }) => one).values()];
  await Promise.all([
    inTurns(silent ?? [], AT_ONCE.silent, run),
    inTurns(byCase, answeredAtOnce(world), async (list) => {
      for (const running of list) await run(running);
    }),
  ]);
  return all.length;
}

/** So many at a time, in order. */
async function inTurns<T>(items: readonly T[], atOnce: number, run: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of rest) await run(item);
    }),
  );
}

function judgeCase(failures: readonly unknown[]): void {
  if (failures.length === 1) throw failures[0];
  if (failures.length) throw new AggregateError(failures, failures.map((error) => String(error)).join('\n'));
}
