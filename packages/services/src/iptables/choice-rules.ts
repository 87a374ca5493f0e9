import { type EndpointModel, endpointName, type Protocol, type ServiceModel, weightOf } from '../model.ts';
import type { ChainNames } from './chain-name.ts';
import { type Chain, type Rule, rule } from './rule.ts';

export interface Choosing {
  readonly service: Pick<ServiceModel, 'affinitySeconds' | 'balance'>;
  readonly protocol: Protocol;
  readonly names: ChainNames;
  readonly label: string;
}

/** One endpoint, and its chain. */
export interface Way {
  readonly endpoint: EndpointModel;
  /** `10.244.1.5:8080` */
  readonly to: string;
  readonly chain: string;
}

export function wayTo({ names }: Choosing, endpoint: EndpointModel): Way {
  const to = endpointName(endpoint);
  return { endpoint, to, chain: names.ofEndpoint(to) };
}

/** Affinity first: whoever is on an endpoint's list stays; then one of the endpoints is drawn, by their weights. */
export function choiceRules({ service, label }: Choosing, ways: readonly Way[]): Rule[] {
  const known = `--rcheck --seconds ${service.affinitySeconds} --reap`;
  const lead = (way: Way, match: string): Rule => rule({ comment: `${label} -> ${way.to}`, match, jump: way.chain });
  const sticky = service.affinitySeconds ? ways.map((way) => lead(way, recent(way, known))) : [];
  let rest = ways.reduce((sum, { endpoint }) => sum + weightOf(endpoint), 0);
  const drawn = ways.map((way, i) => {
    const [left, weight] = [ways.length - i, weightOf(way.endpoint)];
    const match = left === 1 ? '' : draw(service, left, weight / rest);
    rest -= weight;
    return lead(way, match);
  });
  return [...sticky, ...drawn];
}

/** xt_statistic keeps 31 bits of a probability and iptables-save prints them. */
const PROBABILITY_ONE = 2 ** 31;

function draw({ balance }: Choosing['service'], left: number, share: number): string {
  if (balance === 'round-robin') return `-m statistic --mode nth --every ${left} --packet 0`;
  const probability = Math.round(share * PROBABILITY_ONE) / PROBABILITY_ONE;
  return `-m statistic --mode random --probability ${probability.toFixed(11)}`;
}

/** To the endpoint; from the endpoint itself only with another source (SVC-7). */
export function endpointChain({ service, protocol, label }: Choosing, way: Way): Chain {
  const remember = service.affinitySeconds ? `${recent(way, '--set')} ` : '';
  const rules = [
    rule({ source: way.endpoint.address, comment: label, jump: 'KUBE-MARK-MASQ' }),
    rule({ protocol, comment: label, match: `${remember}-m ${protocol}`, jump: `DNAT --to-destination ${way.to}` }),
  ];
  return { table: 'nat', name: way.chain, rules };
}

/** The list of an endpoint's clients has the name of its chain; it is the kernel's, and lives while a rule names it. */
function recent({ endpoint, chain }: Way, action: string): string {
  const mask = endpoint.address.includes(':') ? 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' : '255.255.255.255';
  return `-m recent ${action} --name ${chain} --mask ${mask} --rsource`;
}
