import { nthAddress } from '@podwire/base';
import { RoleAggregation } from '../authorization/role-aggregation.ts';
import { createDefaultRoles } from '../authorization/role-bootstrap.ts';
import { AllocationRepair } from '../core/allocation-repair.ts';
import {
  createPriorityClasses,
  createSystemNamespaces,
  publishKubernetesService,
  removeOldEvents,
} from '../core/bootstrap.ts';
import { LocalClient } from '../core/local-client.ts';
import type { CompleteOptions } from './api-server.ts';
import type { Objects } from './objects.ts';

const SWEEP_INTERVAL = 60_000;
/** 10,000 dual-stack Services take it 75 ms. */
const REPAIR_INTERVAL = 3 * 60_000;

/** What keeps objects right that the server itself is responsible for. */
export interface Upkeep {
  /** What was wrong at the start with addresses and node ports of Services. */
  readonly repairs: readonly string[];
  /** From now on, also from time to time. */
  begin(): void;
  stop(): void;
}

/** Makes what every cluster has. */
export async function prepare(objects: Objects, { serviceCidrs, advertise }: CompleteOptions): Promise<Upkeep> {
  const { store, registry, addresses } = objects;
  await createSystemNamespaces(registry);
  await Promise.all([createPriorityClasses(registry), createDefaultRoles(registry)]);
  const aggregation = new RoleAggregation(registry);
  await aggregation.settle();
  const client = new LocalClient(objects, new AbortController().signal);
  const repair = new AllocationRepair({ store, addresses, client });
  const repairs = await repair.start();
  const [cidr] = serviceCidrs;
  if (advertise && cidr) await publishKubernetesService(registry, nthAddress(cidr, 1), advertise);
  const timers: NodeJS.Timeout[] = [];
  return {
    repairs,
    begin: () => {
      timers.push(setInterval(() => void removeOldEvents(registry), SWEEP_INTERVAL).unref());
      // A write that failed shows in every later write.
      timers.push(setInterval(() => void repair.run().catch(() => {}), REPAIR_INTERVAL).unref());
    },
    stop: () => {
      for (const timer of timers) clearInterval(timer);
      aggregation.stop();
    },
  };
}
