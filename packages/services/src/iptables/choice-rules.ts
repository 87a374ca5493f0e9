import { type EndpointModel, endpointName, type Protocol, type ServiceModel } from '../model.ts';
import type { ChainNames } from './chain-name.ts';
import { type Chain, type Rule, rule } from './rule.ts';

export interface Choosing {
  readonly service: Pick<ServiceModel, 'affinitySeconds' | 'balance'>;
  readonly protocol: Protocol;
  readonly names: ChainNames;
  readonly label: string;
}

/** Affinity first: whoever is on an endpoint's list stays; then one of the endpoints is drawn, by their weights. */
export function choiceRules(choosing: Choosing & { readonly endpoints: readonly EndpointModel[] }): Rule[] {
  const { service, names, label, endpoints } = choosing;
  const ways = endpoints.map((endpoint) => {
    const name = endpointName(endpoint);
    return { endpoint, comment: `${label} -> ${name}`, jump: names.ofEndpoint(name) };
  });
  const known = `--rcheck --seconds ${service.affinitySeconds} --reap`;
  const sticky = service.affinitySeconds
    ? ways.map(({ endpoint, comment, jump }) => rule({ comment, match: recent(jump, endpoint, known), jump }))
    : [];
  let rest = endpoints.reduce((sum, endpoint) => sum + weightOf(endpoint), 0);
  const drawn = ways.map(({ endpoint, comment, jump }, i) => {
    const left = endpoints.length - i;
    const match = left === 1 ? '' : draw(service, left, weightOf(endpoint) / rest);
    rest -= weightOf(endpoint);
    return rule({ comment, match, jump });
  });
  return [...sticky, ...drawn];
}

const weightOf = ({ weight = 1 }: EndpointModel): number => weight;

/** xt_statistic keeps 31 bits of a probability and iptables-save prints them. */
const PROBABILITY_ONE = 2 ** 31;

function draw({ balance }: Choosing['service'], left: number, share: number): string {
  if (balance === 'round-robin') return `-m statistic --mode nth --every ${left} --packet 0`;
  const probability = Math.round(share * PROBABILITY_ONE) / PROBABILITY_ONE;
  return `-m statistic --mode random --probability ${probability.toFixed(11)}`;
}

/** To the endpoint; from the endpoint itself only with another source (SVC-7). */
export function endpointChain(choosing: Choosing, endpoint: EndpointModel): Chain {
  const { service, protocol, names, label } = choosing;
  const to = endpointName(endpoint);
  const name = names.ofEndpoint(to);
  const remember = service.affinitySeconds ? `${recent(name, endpoint, '--set')} ` : '';
  const rules = [
    rule({ source: endpoint.address, comment: label, jump: 'KUBE-MARK-MASQ' }),
    rule({ protocol, comment: label, match: `${remember}-m ${protocol}`, jump: `DNAT --to-destination ${to}` }),
  ];
  return { table: 'nat', name, rules };
}

/** The list of an endpoint's clients has the name of its chain; it is the kernel's, and lives while a rule names it. */
function recent(list: string, { address }: EndpointModel, action: string): string {
  const mask = address.includes(':') ? 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' : '255.255.255.255';
  return `-m recent ${action} --name ${list} --mask ${mask} --rsource`;
}
