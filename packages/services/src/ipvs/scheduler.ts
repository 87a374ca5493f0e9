import { IPVS_SCHEDULERS } from '@podwire/kube';
import { type Balance, type ClusterModel, keyOf, type ServiceModel, titleOf } from '../model.ts';

/** How IPVS chooses a destination; ipvsadm(8), --scheduler. */
export type Scheduler = (typeof IPVS_SCHEDULERS)[number];

/** Those without a look at weights, and what does the same with one. */
const WEIGHED: Partial<Record<Scheduler, Scheduler>> = { rr: 'wrr', lc: 'wlc' };
const WEIGHTLESS: readonly Scheduler[] = ['rr', 'lc', 'dh'];
const BALANCES: Readonly<Record<Exclude<Balance, 'random'>, Scheduler>> = {
  'round-robin': 'rr',
  'least-connections': 'lc',
  'source-hash': 'sh',
  maglev: 'mh',
};
/** 1: another destination when the chosen one has weight 0 (sh-fallback, mh-fallback); 2: the client's port counts (mh-port). */
const FLAGS: Partial<Record<Scheduler, readonly (1 | 2 | 3)[]>> = { sh: [1], mh: [1, 2] };

export interface Scheduling {
  readonly scheduler: Scheduler;
  readonly schedulerFlags?: readonly (1 | 2 | 3)[];
}

export function schedulingOf(scheduler: Scheduler): Scheduling {
  const schedulerFlags = FLAGS[scheduler];
  return { scheduler, ...(schedulerFlags && { schedulerFlags }) };
}

/** The one that is asked for by name, else what does what the balance says, else the cluster's; with weights one that looks at them. */
export function schedulerOf(service: ServiceModel, cluster: ClusterModel): Scheduler {
  const named = IPVS_SCHEDULERS.find((one) => one === service.ipvsScheduler);
  if (named) return named;
  const { balance = 'random' } = service;
  const scheduler = balance === 'random' ? (cluster.ipvsScheduler ?? 'rr') : BALANCES[balance];
  return (hasWeights(service) && WEIGHED[scheduler]) || scheduler;
}

/** What cannot be had of a service's wishes, in words. */
export function schedulerLimits(service: ServiceModel, cluster: ClusterModel): string[] {
  const { ipvsScheduler: asked } = service;
  const scheduler = schedulerOf(service, cluster);
  const lines: string[] = [];
  if (asked !== undefined && asked !== scheduler)
    lines.push(
      `IPVS has no scheduler ${JSON.stringify(asked.slice(0, 40))}, so it is ${scheduler}; choose one of ${IPVS_SCHEDULERS.join(', ')}`,
    );
  if (hasWeights(service) && WEIGHTLESS.includes(scheduler))
    lines.push(`scheduler ${scheduler} does not look at weights; choose ${WEIGHED[scheduler] ?? 'wrr'}`);
  return lines.map((line) => `${titleOf(keyOf(service))}: ${line}`);
}

/** Now, or from time to time: a scheduler that is exchanged begins anew. */
function hasWeights({ ports, slowStart }: ServiceModel): boolean {
  return (
    (slowStart?.parts ?? 1) > 1 || ports.some(({ endpoints }) => endpoints.some(({ weight }) => weight !== undefined))
  );
}
