import { type Family, type IpAddress, prefixContains } from '@podwire/base';
import { type Entry, portEntries, reachable, served } from '../entry.ts';
import {
  allowedSources,
  type ClusterModel,
  type EndpointModel,
  endpointName,
  type NodeModel,
  ofFamily,
  type ServiceModel,
  type ServicePortModel,
} from '../model.ts';
import { chainName, type PortIdentity } from './chain-name.ts';
import { choiceRules, endpointRules } from './choice-rules.ts';
import { type Chain, type Rule, rule } from './rule.ts';

/** Chains that collect rules of all services. */
export type Place =
  | 'nat KUBE-SERVICES'
  | 'nat KUBE-NODEPORTS'
  | 'filter KUBE-PROXY-FIREWALL'
  | 'filter KUBE-SERVICES'
  | 'filter KUBE-CLUSTER-IPS'
  | 'filter KUBE-EXTERNAL-SERVICES';
export type PlacedRule = readonly [Place, Rule];

/** An entry and the rules that lead to the service's chains. */
export interface EntryPlan extends Entry {
  readonly placed: readonly PlacedRule[];
  /** Every `address:port` a connection to it may lead to. */
  readonly endpoints: readonly string[];
}

/** Everything one service contributes in one family; depends on that service, the node and the cluster's ranges only. */
export interface ServicePlan {
  readonly service: string;
  readonly entries: readonly EntryPlan[];
  /** Whoever has the entries. */
  readonly always: readonly PlacedRule[];
  readonly chains: readonly Chain[];
}

export interface Where {
  readonly node: NodeModel;
  readonly cluster: ClusterModel;
  readonly family: Family;
}

export function planService(service: ServiceModel, where: Where): ServicePlan {
  const ports = service.ports.map((port) => planPort(service, port, where));
  const name = `${service.namespace}/${service.name}`;
  return {
    service: name,
    entries: ports.flatMap(({ entries }) => entries),
    always: ofFamily(service.clusterAddresses, where.family).flatMap((address) =>
      clusterAddressRules(name, address, where),
    ),
    chains: ports.flatMap(({ chains }) => chains),
  };
}

/** Ports the service does not have are refused (SVC-6), also at an address that is in none of the service ranges. */
function clusterAddressRules(name: string, destination: IpAddress, { cluster, family }: Where): PlacedRule[] {
  const guarded = ofFamily(cluster.serviceCidrs, family).some((range) => prefixContains(range, destination));
  const refused = refusal({ destination, comment: `${name} has no such port` });
  return [
    ...(guarded ? [] : [['filter KUBE-SERVICES', rule({ destination, jump: ['KUBE-CLUSTER-IPS'] })] as const]),
    ...refused.map((one) => ['filter KUBE-CLUSTER-IPS', one] as const),
  ];
}

type Refused = Pick<Parameters<typeof rule>[0], 'destination' | 'protocol' | 'port' | 'comment'>;

/** TCP is reset, the rest told by ICMP. */
function refusal(spec: Refused): Rule[] {
  const v6 = spec.destination?.includes(':');
  const icmp = ['REJECT', '--reject-with', v6 ? 'icmp6-port-unreachable' : 'icmp-port-unreachable'];
  const reset = ['REJECT', '--reject-with', 'tcp-reset'];
  if (spec.protocol) return [rule({ ...spec, jump: spec.protocol === 'tcp' ? reset : icmp })];
  return [rule({ ...spec, protocol: 'tcp', jump: reset }), rule({ ...spec, jump: icmp })];
}

/** What is known of a port while its rules are made. */
interface Port {
  readonly service: ServiceModel;
  readonly port: ServicePortModel;
  readonly where: Where;
  readonly identity: PortIdentity;
  /** `default/web:http`, for comments. */
  readonly label: string;
  readonly entries: readonly Entry[];
}

function planPort(service: ServiceModel, port: ServicePortModel, where: Where) {
  const { namespace, name } = service;
  const identity: PortIdentity = { namespace, name, portName: port.name, protocol: port.protocol, port: port.port };
  const label = `${namespace}/${name}${port.name && `:${port.name}`}`;
  const context: Port = {
    service,
    port,
    where,
    identity,
    label,
    entries: portEntries(service, port, { ...where, loopback: where.family === 'ipv4' }),
  };
  const nodePort = port.nodePort
    ? rule({ protocol: port.protocol, comment: label, port: port.nodePort, jump: [chainName('KUBE-EXT-', identity)] })
    : undefined;
  return {
    entries: context.entries.map(
      (entry): EntryPlan => ({
        ...entry,
        endpoints: reachable(entry).map(endpointName),
        placed: placedRules(context, entry, nodePort),
      }),
    ),
    chains: [...choiceChains(context), ...externalChains(context), ...fenceChains(context)],
  };
}

function placedRules(context: Port, entry: Entry, nodePort: Rule | undefined): PlacedRule[] {
  const { label, service, identity } = context;
  const fenced = isFenced(context, entry);
  const to = { destination: entry.address, protocol: entry.protocol, port: entry.port };
  const placed: PlacedRule[] = [];
  if (fenced) {
    const jump = [chainName('KUBE-FW-', identity)];
    placed.push(['filter KUBE-PROXY-FIREWALL', rule({ ...to, comment: `${label} source ranges`, jump })]);
  }
  if (entry.kind === 'node port' && nodePort && isServed(entry)) placed.push(['nat KUBE-NODEPORTS', nodePort]);
  else if (isServed(entry)) {
    const prefix = entry.kind === 'cluster IP' ? clusterPrefix(service) : fenced ? 'KUBE-FW-' : 'KUBE-EXT-';
    const jump = [chainName(prefix, identity)];
    placed.push(['nat KUBE-SERVICES', rule({ ...to, comment: `${label} ${entry.kind}`, jump })]);
  }
  const place = entry.kind === 'cluster IP' ? 'filter KUBE-CLUSTER-IPS' : 'filter KUBE-EXTERNAL-SERVICES';
  if (entry.target.kind === 'drop')
    placed.push([place, rule({ ...to, comment: `${label} has no local endpoints`, jump: ['DROP'] })]);
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
function choiceChains(context: Port): Chain[] {
  const { service, identity, label, entries } = context;
  const [inner] = entries.filter(({ kind }) => kind === 'cluster IP');
  const [outer] = entries.filter(({ kind }) => kind !== 'cluster IP');
  const svc = service.internalLocal ? [] : served(inner?.target);
  const all = svc.length ? svc : served(service.externalLocal ? outer?.inside : outer?.target);
  const svl = service.internalLocal ? served(inner?.target) : [];
  const local = svl.length ? svl : service.externalLocal ? served(outer?.target) : [];
  const chains: Chain[] = [];
  for (const [prefix, endpoints] of [
    ['KUBE-SVC-', all],
    ['KUBE-SVL-', local],
  ] as const) {
    if (!endpoints.length) continue;
    const masquerade = prefix === clusterPrefix(service) ? outsideRules(context) : [];
    const rules = [...masquerade, ...choiceRules({ service, identity, label, endpoints })];
    chains.push({ table: 'nat', name: chainName(prefix, identity), rules });
  }
  const union = new Map(
    [...all, ...local].map((endpoint): [string, EndpointModel] => [endpointName(endpoint), endpoint]),
  );
  for (const endpoint of union.values())
    chains.push({
      table: 'nat',
      name: chainName('KUBE-SEP-', identity, endpointName(endpoint)),
      rules: endpointRules({ service, identity, label, endpoint }),
    });
  return chains;
}

/** Who uses a cluster IP and is no pod would not get replies from the pod's node (SVC-8). */
function outsideRules({ label, where, entries }: Port): Rule[] {
  const [pods, ...more] = ofFamily(where.cluster.podCidrs, where.family);
  const all = where.cluster.masqueradeAll === true;
  const one = !all && pods !== undefined && more.length === 0 && !pods.endsWith('/0');
  return entries.flatMap(({ kind, address, protocol, port }) =>
    kind === 'cluster IP'
      ? [
          rule({
            ...(one && { notSource: pods }),
            destination: address,
            protocol,
            port,
            comment: `${label} cluster IP`,
            jump: [one || all ? 'KUBE-MARK-MASQ' : 'KUBE-MARK-OUTSIDE'],
          }),
        ]
      : [],
  );
}

/** From outside the cluster: with Local policy insiders may use all endpoints (SVC-13). */
function externalChains({ service, identity, label, where, entries }: Port): Chain[] {
  const entry = entries.find((one) => one.kind !== 'cluster IP' && isServed(one));
  if (!entry) return [];
  const all = [chainName('KUBE-SVC-', identity)];
  const name = chainName('KUBE-EXT-', identity);
  const masquerade = ['KUBE-MARK-MASQ'];
  if (!service.externalLocal) {
    const comment = `masquerade traffic for ${label} external destinations`;
    return [{ table: 'nat', name, rules: [rule({ comment, jump: masquerade }), rule({ jump: all })] }];
  }
  const pods = ofFamily(where.cluster.podCidrs, where.family).flatMap((source) => [
    rule({ source, comment: `${label} from pods of other nodes`, jump: ['KUBE-MARK-AWAY'] }),
    rule({ source, comment: `pod traffic for ${label} external destinations`, jump: all }),
  ]);
  const match = ['-m', 'addrtype', '--src-type', 'LOCAL'];
  const node = [
    rule({ comment: `masquerade LOCAL traffic for ${label} external destinations`, match, jump: masquerade }),
    rule({ comment: `route LOCAL traffic for ${label} external destinations`, match, jump: all }),
  ];
  const local = served(entry.target).length ? [rule({ jump: [chainName('KUBE-SVL-', identity)] })] : [];
  return [{ table: 'nat', name, rules: [...(entry.inside ? [...pods, ...node] : []), ...local] }];
}

/** nat: who is allowed goes on; filter: who has not, and was not translated, is dropped (SVC-17). */
function fenceChains(context: Port): Chain[] {
  const { service, identity, label, where, entries } = context;
  const fenced = entries.filter((entry) => isFenced(context, entry));
  if (fenced.length === 0) return [];
  const name = chainName('KUBE-FW-', identity);
  const comment = `${label} source ranges`;
  const ranges = allowedSources(service, where.family) ?? [];
  const each = (jump: string): Rule[] => ranges.map((source) => rule({ source, comment, jump: [jump] }));
  return [
    ...(fenced.some(isServed) ? [{ table: 'nat' as const, name, rules: each(chainName('KUBE-EXT-', identity)) }] : []),
    { table: 'filter', name, rules: [...each('RETURN'), rule({ comment, jump: ['DROP'] })] },
  ];
}
