import { type Family, type IpAddress, prefixContains } from '@podwire/base';
import type { Claim } from '../claims.ts';
import { describeEntry, type Entry, isInternal, portEntries, reachable, served } from '../entry.ts';
import {
  allowedSources,
  type ClusterModel,
  type EndpointModel,
  endpointName,
  keyOf,
  type NodeModel,
  ofFamily,
  type ServiceModel,
  type ServicePortModel,
} from '../model.ts';
import type { Chains } from './chain-change.ts';
import { ChainNames } from './chain-name.ts';
import { type Choosing, choiceRules, endpointChain, type Way, wayTo } from './choice-rules.ts';
import { type ChainId, chainId } from './layout.ts';
import { BALANCES } from './limits.ts';
import { type Chain, linesOf, type Rule, rule } from './rule.ts';

/** Chains that collect rules of all services. */
export const PLACES = [
  'nat KUBE-SERVICES',
  'nat KUBE-NODEPORTS',
  'filter KUBE-PROXY-FIREWALL',
  'filter KUBE-SERVICES',
  'filter KUBE-CLUSTER-IPS',
  'filter KUBE-EXTERNAL-SERVICES',
] as const;
export type Place = (typeof PLACES)[number];
export type PlacedRule = readonly [Place, Rule];

/** An entry and where it may lead. */
export interface EntryPlan extends Claim {
  readonly entry: Entry;
}

/** Everything one service contributes in one family; depends on that service, the node and the cluster's ranges only. */
export interface ServicePlan {
  readonly service: string;
  readonly entries: readonly EntryPlan[];
  /** Its own. */
  readonly chains: Chains;
  /** What it writes into chains of all services when those of its entries take effect; not kept, for it can be made again. */
  placed(effective: readonly Entry[]): PlacedRule[];
  /** Its cluster addresses are somebody else's business. */
  readonly foreign?: boolean;
}

export interface Where {
  readonly node: NodeModel;
  readonly cluster: ClusterModel;
  readonly family: Family;
}

export function planService(service: ServiceModel, where: Where): ServicePlan {
  const name = keyOf(service);
  const entries: EntryPlan[] = [];
  const chains = new Map<ChainId, string>();
  for (const port of service.ports) {
    const context = contextOf(service, port, where);
    const own = portEntries(service, port, { ...where, loopback: where.family === 'ipv4' });
    for (const entry of own) entries.push(planEntry(entry));
    for (const chain of [...choiceChains(context, own), ...externalChains(context, own), ...fenceChains(context, own)])
      chains.set(chainId(chain), linesOf(chain.name, chain.rules));
  }
  const placed = (effective: readonly Entry[]): PlacedRule[] => [
    ...once(effective.flatMap((entry) => placedRules(contextOf(service, entry.source.port, where), entry))),
    ...ofFamily(service.clusterAddresses, where.family).flatMap((address) => clusterAddressRules(name, address, where)),
  ];
  return { service: name, entries, chains, placed };
}

/** Cluster addresses of a service that somebody else balances. */
export function planForeign(service: string, addresses: readonly IpAddress[], { family }: Where): ServicePlan {
  const always = ofFamily(addresses, family).map((destination): PlacedRule => {
    const comment = 'served by another proxy';
    return ['filter KUBE-CLUSTER-IPS', rule({ destination, comment, jump: 'RETURN' })];
  });
  return { service, entries: [], chains: new Map(), placed: () => always, foreign: true };
}

/** Ports the service does not have are refused (SVC-6), also at an address that is in none of the service ranges. */
function clusterAddressRules(name: string, destination: IpAddress, { cluster, family }: Where): PlacedRule[] {
  const guarded = ofFamily(cluster.serviceCidrs, family).some((range) => prefixContains(range, destination));
  const refused = refusal({ destination, comment: `${name} has no such port` });
  return [
    ...(guarded ? [] : [['filter KUBE-SERVICES', rule({ destination, jump: 'KUBE-CLUSTER-IPS' })] as const]),
    ...refused.map((one) => ['filter KUBE-CLUSTER-IPS', one] as const),
  ];
}

type Refused = Pick<Parameters<typeof rule>[0], 'destination' | 'protocol' | 'port' | 'comment'>;

/** TCP is reset, the rest told by ICMP. */
function refusal(spec: Refused): Rule[] {
  const v6 = spec.destination?.includes(':');
  const icmp = `REJECT --reject-with ${v6 ? 'icmp6' : 'icmp'}-port-unreachable`;
  const reset = 'REJECT --reject-with tcp-reset';
  if (spec.protocol) return [rule({ ...spec, jump: spec.protocol === 'tcp' ? reset : icmp })];
  return [rule({ ...spec, protocol: 'tcp', jump: reset }), rule({ ...spec, jump: icmp })];
}

/** What is known of a port while its rules are made. */
interface Port extends Choosing {
  readonly service: ServiceModel;
  readonly port: ServicePortModel;
  readonly where: Where;
}

function contextOf(service: ServiceModel, port: ServicePortModel, where: Where): Port {
  const key = keyOf(service);
  const { protocol } = port;
  const names = new ChainNames({ service: key, portName: port.name, protocol });
  return { service, port, protocol, where, names, label: `${key}${port.name && `:${port.name}`}` };
}

function planEntry(entry: Entry): EntryPlan {
  const { id, service, kind, protocol, why } = entry;
  const describe = () => ({ what: describeEntry(entry, BALANCES), why });
  return { id, service, kind, protocol, endpoints: reachable(entry).map(endpointName), entry, describe };
}

/** All addresses of the node have one rule for a node port. */
function once(placed: readonly PlacedRule[]): readonly PlacedRule[] {
  const first = new Map(placed.map((one) => [one.join(' '), one]));
  return first.size < placed.length ? [...first.values()] : placed;
}

/** The rules that lead to the service's chains, or tell that there is nothing. */
function placedRules(context: Port, entry: Entry): PlacedRule[] {
  const { label, service, names, protocol, port } = context;
  const fenced = isFenced(context, entry);
  const to = { destination: entry.address, protocol, port: entry.port };
  const placed: PlacedRule[] = [];
  if (fenced) {
    const spec = { ...to, comment: `${label} source ranges`, jump: names.of('KUBE-FW-') };
    placed.push(['filter KUBE-PROXY-FIREWALL', rule(spec)]);
  }
  if (isServed(entry) && entry.kind === 'node port' && port.nodePort) {
    const spec = { protocol, comment: label, port: port.nodePort, jump: names.of('KUBE-EXT-') };
    placed.push(['nat KUBE-NODEPORTS', rule(spec)]);
  } else if (isServed(entry)) {
    const prefix = isInternal(entry.kind) ? clusterPrefix(service) : fenced ? 'KUBE-FW-' : 'KUBE-EXT-';
    placed.push(['nat KUBE-SERVICES', rule({ ...to, comment: `${label} ${entry.kind}`, jump: names.of(prefix) })]);
  }
  const place = isInternal(entry.kind) ? 'filter KUBE-CLUSTER-IPS' : 'filter KUBE-EXTERNAL-SERVICES';
  if (entry.target.kind === 'drop')
    placed.push([place, rule({ ...to, comment: `${label} has no local endpoints`, jump: 'DROP' })]);
  if (entry.target.kind === 'reject')
    for (const refused of refusal({ ...to, comment: `${label} has no endpoints` })) placed.push([place, refused]);
  return placed;
}

const isServed = ({ target, inside }: Entry): boolean => served(target).length > 0 || served(inside).length > 0;
const clusterPrefix = ({ internalLocal }: ServiceModel) => (internalLocal ? 'KUBE-SVL-' : 'KUBE-SVC-');

function isFenced({ service, where }: Port, { kind }: Entry): boolean {
  return kind === 'load-balancer IP' && allowedSources(service, where.family) !== undefined;
}

/** SVC with all endpoints, SVL with local ones, as far as there are entries that lead there, and a SEP for each endpoint. */
function choiceChains(context: Port, entries: readonly Entry[]): Chain[] {
  const { service, names } = context;
  const [inner] = entries.filter(({ kind }) => isInternal(kind));
  const [outer] = entries.filter(({ kind }) => !isInternal(kind));
  const svc = service.internalLocal ? [] : served(inner?.target);
  const all = svc.length ? svc : served(service.externalLocal ? outer?.inside : outer?.target);
  const svl = service.internalLocal ? served(inner?.target) : [];
  const local = svl.length ? svl : service.externalLocal ? served(outer?.target) : [];
  const ways = new Map<EndpointModel, Way>();
  const way = (endpoint: EndpointModel): Way => {
    const known = ways.get(endpoint) ?? wayTo(context, endpoint);
    ways.set(endpoint, known);
    return known;
  };
  const chains: Chain[] = [];
  for (const [prefix, endpoints] of [
    ['KUBE-SVC-', all],
    ['KUBE-SVL-', local],
  ] as const) {
    if (!endpoints.length) continue;
    const masquerade = prefix === clusterPrefix(service) ? outsideRules(context, entries) : [];
    const rules = [...masquerade, ...choiceRules(context, endpoints.map(way))];
    chains.push({ table: 'nat', name: names.of(prefix), rules });
  }
  for (const one of ways.values()) chains.push(endpointChain(context, one));
  return chains;
}

/** Who uses a cluster IP and is no pod would not get replies from the pod's node (SVC-8). */
function outsideRules({ label, where }: Port, entries: readonly Entry[]): Rule[] {
  const [pods, ...more] = ofFamily(where.cluster.podCidrs, where.family);
  const all = where.cluster.masqueradeAll === true;
  const one = !all && pods !== undefined && more.length === 0 && !pods.endsWith('/0');
  return entries.flatMap(({ kind, address, protocol, port }) =>
    isInternal(kind)
      ? [
          rule({
            ...(one && { notSource: pods }),
            destination: address,
            protocol,
            port,
            comment: `${label} ${kind}`,
            jump: one || all ? 'KUBE-MARK-MASQ' : 'KUBE-MARK-OUTSIDE',
          }),
        ]
      : [],
  );
}

/** From outside the cluster: with Local policy insiders may use all endpoints (SVC-13). */
function externalChains({ service, names, label, where }: Port, entries: readonly Entry[]): Chain[] {
  const entry = entries.find((one) => !isInternal(one.kind) && isServed(one));
  if (!entry) return [];
  const all = names.of('KUBE-SVC-');
  const name = names.of('KUBE-EXT-');
  const masquerade = 'KUBE-MARK-MASQ';
  if (!service.externalLocal) {
    const comment = `masquerade traffic for ${label} external destinations`;
    return [{ table: 'nat', name, rules: [rule({ comment, jump: masquerade }), rule({ jump: all })] }];
  }
  const pods = ofFamily(where.cluster.podCidrs, where.family).flatMap((source) => [
    rule({ source, comment: `${label} from pods of other nodes`, jump: 'KUBE-MARK-AWAY' }),
    rule({ source, comment: `pod traffic for ${label} external destinations`, jump: all }),
  ]);
  const match = '-m addrtype --src-type LOCAL';
  const node = [
    rule({ comment: `masquerade LOCAL traffic for ${label} external destinations`, match, jump: masquerade }),
    rule({ comment: `route LOCAL traffic for ${label} external destinations`, match, jump: all }),
  ];
  const local = served(entry.target).length ? [rule({ jump: names.of('KUBE-SVL-') })] : [];
  return [{ table: 'nat', name, rules: [...(entry.inside ? [...pods, ...node] : []), ...local] }];
}

/** nat: who is allowed goes on; filter: who has not, and was not translated, is dropped (SVC-17). */
function fenceChains(context: Port, entries: readonly Entry[]): Chain[] {
  const { service, names, label, where } = context;
  const fenced = entries.filter((entry) => isFenced(context, entry));
  if (fenced.length === 0) return [];
  const name = names.of('KUBE-FW-');
  const comment = `${label} source ranges`;
  const ranges = allowedSources(service, where.family) ?? [];
  const each = (jump: string): Rule[] => ranges.map((source) => rule({ source, comment, jump }));
  return [
    ...(fenced.some(isServed) ? [{ table: 'nat' as const, name, rules: each(names.of('KUBE-EXT-')) }] : []),
    { table: 'filter', name, rules: [...each('RETURN'), rule({ comment, jump: 'DROP' })] },
  ];
}
