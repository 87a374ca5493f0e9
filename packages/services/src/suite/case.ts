import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { putService, putSlice, type ServiceOptions } from '../api-objects.fixture.ts';
import type { ProxyMode } from '../proxy.ts';
import type { World } from '../world.fixture.ts';
import { type Probe, probe } from './probe.ts';

/**
 * The one table of what a new connection comes to, run with real packets on every mode:
 *
 *   CaseService ──▶ world ──▶ Probe (client, address) ──▶ who answered, or how it failed, and which source was seen
 */
export interface ServiceCase {
  /** Cites SEMANTICS (SVC-n). */
  readonly name: string;
  readonly steps: readonly Step[];
  /** Modes that cannot do it, and why, as their README says. */
  readonly except?: Partial<Record<ProxyMode, string>>;
}

/** Services as they are from now on, and what is then to be seen. */
export interface Step {
  readonly services?: readonly CaseService[];
  readonly probes: readonly Probe[];
}

export interface CaseService {
  readonly address: string;
  /** With its own slice. */
  readonly options?: ServiceOptions;
  /** Further slices. */
  readonly slices?: readonly Parameters<typeof putSlice>[2][];
}

export async function runCases(t: TestContext, world: World, cases: readonly ServiceCase[]): Promise<void> {
  for (const one of cases) {
    const skip = one.except?.[world.room.mode];
    await t.test(one.name, skip === undefined ? {} : { skip: `mode ${world.room.mode}: ${skip}` }, () =>
      runCase(world, one),
    );
  }
}

async function runCase(world: World, { steps }: ServiceCase): Promise<void> {
  for (const { services = [], probes } of steps) {
    for (const { address, options, slices = [] } of services) {
      const name = putService(world.informers, address, options, `case-${address.replaceAll(/[.:]/g, '-')}`);
      for (const [i, slice] of slices.entries()) putSlice(world.informers, name, slice, `${name}-${i}`);
    }
    if (services.length) await world.room.idle();
    assert.deepEqual(world.room.status().errors, []);
    for (const one of probes) await probe(world, one);
  }
}
