import { PodwireError } from '@podwire/base';
import type { AddressResult } from './address.ts';
import type { Difference } from './diff.ts';
import type { FdbResult } from './fdb.ts';
import type { LinkResult } from './link-diff.ts';
import type { NeighbourResult } from './neighbour.ts';
import type { Net } from './net.ts';
import type { NetPlan } from './net-plan.ts';
import type { NextHopResult } from './nexthop-object.ts';
import type { RouteResult } from './route.ts';
import type { RuleResult } from './rule-batch.ts';
import type { SysctlResult } from './sysctl.ts';

/** What became of each change, noun by noun in the order of the plan. */
export interface NetResults {
  readonly links: readonly LinkResult[];
  readonly addresses: readonly Outcome<AddressResult>[];
  readonly nextHops: readonly Outcome<NextHopResult>[];
  readonly routes: readonly Outcome<RouteResult>[];
  readonly rules: readonly RuleResult[];
  readonly neighbours: readonly Outcome<NeighbourResult>[];
  readonly fdb: readonly Outcome<FdbResult>[];
  readonly sysctls: readonly SysctlResult[];
}

/** KernelError, or NET_NO_LINK for what was to come on a link that is not there. */
type Outcome<R> = Omit<R, 'error'> & { readonly error: PodwireError | undefined };

/**
 * Does what the plan says in the order that the kernel wants: what goes, from rules down to links; then what comes,
 * from links up to rules (of addresses, new ones come before old ones go). Sysctls are set once the links are there,
 * since many belong to one. What fails is in the results, and the rest is done. Throws NET_BAD_VALUE.
 */
export function applyNet(net: Net, plan: NetPlan): NetResults {
  const removed = {
    rules: net.applyRules(going(plan.rules)),
    routes: net.applyRoutes(going(plan.routes)),
    nextHops: net.applyNextHops(going(plan.nextHops)),
    fdb: net.applyFdb(going(plan.fdb)),
    neighbours: net.applyNeighbours(going(plan.neighbours)),
  };
  const links = net.applyLinks(plan.links);
  const sysctls = net.applySysctls(plan.sysctls);
  const addresses = write('address', plan.addresses, net.applyAddresses);
  return {
    links,
    sysctls,
    addresses,
    nextHops: [...removed.nextHops, ...write('nextHop', coming(plan.nextHops), net.applyNextHops)],
    neighbours: [...removed.neighbours, ...write('neighbour', coming(plan.neighbours), net.applyNeighbours)],
    fdb: [...removed.fdb, ...write('entry', coming(plan.fdb), net.applyFdb)],
    routes: [...removed.routes, ...write('route', coming(plan.routes), net.applyRoutes)],
    rules: [...removed.rules, ...net.applyRules(coming(plan.rules))],
  };
}

const going = <T>({ remove }: Difference<T>): Difference<T> => ({ add: [], remove });
const coming = <T>({ add }: Difference<T>): Difference<T> => ({ add, remove: [] });

interface OnLinks {
  readonly link?: string;
  readonly via?: string;
  readonly nextHops?: readonly { readonly link?: string }[];
}

type Result<K extends string, T> = { readonly [P in K]: T } & {
  readonly action: 'add' | 'remove';
  readonly error: PodwireError | undefined;
};

/** Writes; an addition that names a link that is not there fails alone. */
function write<K extends string, T extends OnLinks>(
  key: K,
  { add, remove }: Difference<T>,
  apply: (difference: Difference<T>) => Result<K, T>[],
): Result<K, T>[] {
  try {
    return apply({ add, remove });
  } catch (error) {
    if (!(error instanceof PodwireError && error.code === 'NET_NO_LINK')) throw error;
    const { link: gone } = error.details;
    const names = ({ link, via, nextHops = [] }: T) => [link, via, ...nextHops.map((hop) => hop.link)];
    const failed = add.filter((item) => names(item).some((name) => name !== undefined && name === gone));
    if (failed.length === 0) throw error;
    const rest = add.filter((item) => !failed.includes(item));
    const results = failed.map((item) => ({ [key]: item, action: 'add', error }) as unknown as Result<K, T>);
    return [...results, ...write(key, { add: rest, remove }, apply)];
  }
}

/** The errors among the results. */
export function failuresOf(results: NetResults): PodwireError[] {
  const all: readonly { readonly error: PodwireError | undefined }[] = Object.values(results).flat();
  return all.flatMap(({ error }) => error ?? []);
}
