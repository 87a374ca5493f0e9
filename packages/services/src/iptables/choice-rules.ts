import { type EndpointModel, endpointName, type ServiceModel } from '../model.ts';
import { chainName, type PortIdentity } from './chain-name.ts';
import { type Rule, rule } from './rule.ts';

export interface Choosing {
  readonly service: Pick<ServiceModel, 'affinitySeconds' | 'balance'>;
  readonly identity: PortIdentity;
  readonly label: string;
}

/** Affinity first: whoever is on an endpoint's list stays; then one of the endpoints is drawn, by their weights. */
export function choiceRules(choosing: Choosing & { readonly endpoints: readonly EndpointModel[] }): Rule[] {
  const { service, label, endpoints } = choosing;
  const sticky = service.affinitySeconds
    ? endpoints.map((endpoint) => {
        const known = ['--rcheck', '--seconds', `${service.affinitySeconds}`, '--reap'];
        const chain = endpointChain(choosing, endpoint);
        return rule({
          comment: `${label} -> ${endpointName(endpoint)}`,
          match: recent(chain, endpoint, known),
          jump: [chain],
        });
      })
    : [];
  let rest = endpoints.reduce((sum, endpoint) => sum + weightOf(endpoint), 0);
  const drawn = endpoints.map((endpoint, i) => {
    const left = endpoints.length - i;
    const match = left === 1 ? [] : draw(service, left, weightOf(endpoint) / rest);
    rest -= weightOf(endpoint);
    return rule({ comment: `${label} -> ${endpointName(endpoint)}`, match, jump: [endpointChain(choosing, endpoint)] });
  });
  return [...sticky, ...drawn];
}

const weightOf = ({ weight = 1 }: EndpointModel): number => weight;

/** xt_statistic keeps 31 bits of a probability and iptables-save prints them. */
const PROBABILITY_ONE = 2 ** 31;

function draw({ balance }: Choosing['service'], left: number, share: number): string[] {
  const statistic = ['-m', 'statistic', '--mode'];
  if (balance === 'round-robin') return [...statistic, 'nth', '--every', `${left}`, '--packet', '0'];
  const probability = Math.round(share * PROBABILITY_ONE) / PROBABILITY_ONE;
  return [...statistic, 'random', '--probability', probability.toFixed(11)];
}

/** To the endpoint; from the endpoint itself only with another source (SVC-7). */
export function endpointRules(choosing: Choosing & { readonly endpoint: EndpointModel }): Rule[] {
  const { service, identity, label, endpoint } = choosing;
  const remember = service.affinitySeconds ? recent(endpointChain(choosing, endpoint), endpoint, ['--set']) : [];
  return [
    rule({ source: endpoint.address, comment: label, jump: ['KUBE-MARK-MASQ'] }),
    rule({
      protocol: identity.protocol,
      comment: label,
      match: [...remember, '-m', identity.protocol],
      jump: ['DNAT', '--to-destination', endpointName(endpoint)],
    }),
  ];
}

function endpointChain({ identity }: Choosing, endpoint: EndpointModel): string {
  return chainName('KUBE-SEP-', identity, endpointName(endpoint));
}

/** The list of an endpoint's clients has the name of its chain; it is the kernel's, and lives while a rule names it. */
function recent(list: string, { address }: EndpointModel, action: readonly string[]): string[] {
  const mask = address.includes(':') ? 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' : '255.255.255.255';
  return ['-m', 'recent', ...action, '--name', list, '--mask', mask, '--rsource'];
}
