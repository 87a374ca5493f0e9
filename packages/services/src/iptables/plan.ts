import { type Entry, settleEntries } from '../entry.ts';
import { familiesOf, isRoutable, ofFamily, type ServicesModel } from '../model.ts';
import { baseChains } from './base-rules.ts';
import { type ChainId, chainId } from './layout.ts';
import { type Rule, rule } from './rule.ts';
import { type Place, planService, type ServicePlan, type Where } from './service-plan.ts';

/** What a node's service proxy wants in one family, as data. */
export interface Desired {
  /** Every chain of ours, and our rules in the kernel's chains. */
  readonly chains: ReadonlyMap<ChainId, readonly Rule[]>;
  readonly entries: readonly Entry[];
  /** What could not be had, for people. */
  readonly problems: readonly string[];
  /** Per UDP entry (`10.96.0.10 udp 53`) the endpoints its connections may lead to. */
  readonly udp: ReadonlyMap<string, readonly string[]>;
}

/** Of a family of which the cluster has no addresses: whatever is ours goes. */
export const UNUSED: Desired = { chains: new Map(), entries: [], problems: [], udp: new Map() };

/** Pure and deterministic; the order of `model.services` does not matter. */
export function plan(model: ServicesModel, family: Where['family']): Desired {
  const { cluster, node, services, foreignAddresses } = model;
  if (!familiesOf(cluster).includes(family)) return UNUSED;
  const where = { cluster, node, family };
  const plans = services.map((service) => planService(service, where));
  return assemble({ ...where, foreignAddresses }, plans);
}

/** Joins the services' plans, which may come from a cache. */
export function assemble(
  model: Where & Pick<ServicesModel, 'foreignAddresses'>,
  services: Iterable<ServicePlan>,
): Desired {
  const sorted = [...services].sort((a, b) => (a.service < b.service ? -1 : a.service > b.service ? 1 : 0));
  const { winners, conflicts } = settleEntries(sorted.flatMap(({ entries }) => entries));
  const won = conflicts.length ? new Set(winners) : undefined;
  const chains = new Map<ChainId, readonly Rule[]>();
  for (const chain of baseChains(model)) chains.set(chainId(chain), chain.rules);
  for (const [place, rules] of gather(model, sorted, (entry) => !won || won.has(entry))) chains.set(place, rules);
  for (const service of sorted) for (const chain of service.chains) chains.set(chainId(chain), chain.rules);
  return {
    chains,
    entries: winners,
    problems: conflicts,
    udp: new Map(winners.filter(({ protocol }) => protocol === 'udp').map(({ id, endpoints }) => [id, endpoints])),
  };
}

/** The chains that services share: by service in the middle, what is common before and after. */
function gather(
  model: Where & Pick<ServicesModel, 'foreignAddresses'>,
  services: readonly ServicePlan[],
  isWinner: (entry: ServicePlan['entries'][number]) => boolean,
): Map<Place, readonly Rule[]> {
  const { cluster, node, family, foreignAddresses } = model;
  const ranges = ofFamily(cluster.serviceCidrs, family);
  const notAllocated = { comment: 'not allocated', match: ['-m', 'addrtype', '!', '--dst-type', 'LOCAL'] };
  const rules: Record<Place, Set<Rule>> = {
    'nat KUBE-SERVICES': new Set(),
    'nat KUBE-NODEPORTS': new Set(),
    'filter KUBE-PROXY-FIREWALL': new Set(),
    'filter KUBE-SERVICES': new Set(ranges.map((destination) => rule({ destination, jump: ['KUBE-CLUSTER-IPS'] }))),
    'filter KUBE-CLUSTER-IPS': new Set(
      ofFamily(foreignAddresses, family).map((destination) =>
        rule({ destination, comment: 'served by another proxy', jump: ['RETURN'] }),
      ),
    ),
    'filter KUBE-EXTERNAL-SERVICES': new Set(),
  };
  for (const { entries, always } of services) {
    for (const entry of entries) if (isWinner(entry)) for (const [place, one] of entry.placed) rules[place].add(one);
    for (const [place, one] of always) rules[place].add(one);
  }
  // those at loopback addresses are for the node alone: base-rules.ts
  for (const destination of ofFamily(node.nodePortAddresses, family).filter(isRoutable))
    rules['nat KUBE-SERVICES'].add(rule({ destination, comment: 'node ports', jump: ['KUBE-NODEPORTS'] }));
  for (const destination of ranges)
    rules['filter KUBE-CLUSTER-IPS'].add(rule({ ...notAllocated, destination, jump: ['DROP'] }));
  return new Map(Object.entries(rules).map(([place, set]) => [place as Place, [...set]]));
}
