import { type Family, familyOf, type IpAddress } from '@podwire/base';
import {
  allowedSources,
  type Balance,
  type EndpointModel,
  endpointName,
  isOf,
  isRoutable,
  keyOf,
  type NodeModel,
  ofFamily,
  type Protocol,
  type ServiceModel,
  type ServicePortModel,
  titleOf,
} from './model.ts';
import { portTargets, type Target } from './target.ts';

/**
 * In the order in which they win when two services want the same address and port. The clusterset IP is that of a
 * ServiceImport, and for clients what the cluster IP of a Service is.
 */
export const ADDRESS_KINDS = ['cluster IP', 'node port', 'load-balancer IP', 'external IP', 'clusterset IP'] as const;
export type AddressKind = (typeof ADDRESS_KINDS)[number];

/** Whether it is for clients inside: the internal policy counts, and their source is kept. */
export const isInternal = (kind: AddressKind): boolean => kind === 'cluster IP' || kind === 'clusterset IP';

/** One address, protocol and port of a service, and what a new connection to it comes to. */
export interface Entry {
  /** `10.96.0.1 tcp 80`: of all entries with the same one only the first takes effect. */
  readonly id: string;
  /** Its key: `namespace/name` of a Service. */
  readonly service: string;
  readonly kind: AddressKind;
  readonly address: IpAddress;
  /** Of the address; the port model has the service's own. */
  readonly port: number;
  readonly protocol: Protocol;
  readonly target: Target;
  /** For pods and the node itself, where it differs (SVC-13). */
  readonly inside?: Target;
  /** The service and its port in words. */
  readonly why: string;
  /** What it was made from. */
  readonly source: EntrySource;
}

interface EntrySource {
  readonly service: ServiceModel;
  readonly port: ServicePortModel;
}

/** All entries of one port in one family. `loopback`: node ports at loopback addresses, where wanted, too. */
export function portEntries(
  service: ServiceModel,
  port: ServicePortModel,
  where: { readonly node: NodeModel; readonly family: Family; readonly loopback?: boolean },
): Entry[] {
  const { internal, external, inside } = portTargets(service, port, where);
  const source = { service, port };
  const entries = (addresses: readonly IpAddress[], terms: Terms): Entry[] =>
    ofFamily(addresses, where.family).map((address) => new PortEntry(source, address, terms));
  const kind = service.kind ? 'clusterset IP' : 'cluster IP';
  const own = entries(service.clusterAddresses, { kind, port: port.port, target: internal });
  const { loadBalancerAddresses, externalAddresses } = service;
  if (!port.nodePort && loadBalancerAddresses.length === 0 && externalAddresses.length === 0) return own;
  const outer = { port: port.port, target: external, inside };
  const wanted = where.node.nodePortAddresses.filter((address) => where.loopback || isRoutable(address));
  return [
    ...own,
    ...(port.nodePort ? entries(wanted, { ...outer, kind: 'node port', port: port.nodePort }) : []),
    ...entries(loadBalancerAddresses, { ...outer, kind: 'load-balancer IP' }),
    ...entries(externalAddresses, { ...outer, kind: 'external IP' }),
  ];
}

/** What entries of one port have in common that differ in the address only. */
interface Terms extends Pick<Entry, 'kind' | 'port' | 'target'> {
  readonly inside?: Target | undefined;
}

/** There are many, and few are ever described: names and words are made when somebody asks for them. */
class PortEntry implements Entry {
  readonly id: string;
  readonly kind: AddressKind;
  readonly address: IpAddress;
  readonly port: number;
  readonly target: Target;
  readonly inside?: Target;
  readonly source: EntrySource;

  constructor(source: EntrySource, address: IpAddress, { kind, port, target, inside }: Terms) {
    this.id = `${address} ${source.port.protocol} ${port}`;
    this.kind = kind;
    this.address = address;
    this.port = port;
    this.target = target;
    if (inside) this.inside = inside;
    this.source = source;
  }

  get service(): string {
    return keyOf(this.source.service);
  }

  get protocol(): Protocol {
    return this.source.port.protocol;
  }

  get why(): string {
    const { name, port } = this.source.port;
    return `${titleOf(this.service)} port ${name || port}`;
  }
}

/** The same address and port, with other endpoints. */
export function retarget({ source, address, kind, port }: Entry, to: Pick<Entry, 'target' | 'inside'>): Entry {
  return new PortEntry(source, address, { kind, port, ...to });
}

/** Every endpoint a connection may lead to, each once. */
export function reachable({ target, inside }: Pick<Entry, 'target' | 'inside'>): readonly EndpointModel[] {
  if (!inside) return served(target);
  return [...new Map([...served(target), ...served(inside)].map((one) => [endpointName(one), one])).values()];
}

export const served = (target: Target | undefined): readonly EndpointModel[] =>
  target?.kind === 'serve' ? target.endpoints : [];

/**
 * The entry, where it leads and on which terms, and which endpoints of the service it passes over, in words. `balances`:
 * what the mode can do beside drawing at random.
 */
export function describeEntry(entry: Entry, balances: readonly Balance[] = []): string {
  const { kind, id, target, inside } = entry;
  const terms = termsOf(entry, balances);
  const where = `${describeTarget(target)}${inside ? `, from inside ${describeTarget(inside)}` : ''}`;
  return `${kind} ${id} ${where}${terms.length ? ` (${terms.join(', ')})` : ''}${describeLeftOut(entry)}`;
}

function describeTarget(target: Target): string {
  if (target.kind === 'reject') return 'is refused: no endpoints';
  if (target.kind === 'drop') return 'is dropped: Local policy and no endpoint on this node';
  return describeEndpoints(target.endpoints);
}

function termsOf({ kind, address, target, source: { service } }: Entry, balances: readonly Balance[]): string[] {
  const { balance, affinitySeconds, internalLocal, externalLocal, slowStart } = service;
  const local = isInternal(kind) ? internalLocal : externalLocal;
  const sources = kind === 'load-balancer IP' ? allowedSources(service, familyOf(address)) : undefined;
  return [
    ...(local && target.kind !== 'drop' ? ['policy Local'] : []),
    ...(affinitySeconds > 0 ? [`affinity ${affinitySeconds} s`] : []),
    ...(balance && balances.includes(balance) ? [`balance ${balance}`] : []),
    ...(slowStart && slowStart.parts > 1 ? [`slow start ${slowStart.seconds} s`] : []),
    ...(sources ? [`for ${sources.join(', ') || 'nobody'}`] : []),
  ];
}

/** More of them are counted, not named. */
const NAMED = 3;

function describeLeftOut(entry: Entry): string {
  const { port, service } = entry.source;
  const used = new Set(reachable(entry).map(endpointName));
  const family = familyOf(entry.address);
  const left = port.endpoints.filter((one) => isOf(one.address, family) && !used.has(endpointName(one)));
  if (left.length === 0) return '';
  const local = isInternal(entry.kind) ? service.internalLocal : service.externalLocal;
  const named = left.slice(0, NAMED).map((one) => `${endpointName(one)} ${whyLeftOut(one, local)}`);
  const more = left.length > NAMED ? [`${left.length - NAMED} more`] : [];
  return `; left out: ${[...named, ...more].join(', ')}`;
}

function whyLeftOut({ ready, fallback, local: here, forNodes, forZones }: EndpointModel, local: boolean): string {
  if (!ready) return fallback ? 'is terminating' : 'is not ready';
  if (local && !here) return 'is on another node';
  const meant = forNodes ?? forZones;
  return meant ? `is meant for ${meant.join(', ')}` : 'is one too many';
}

/** `-> 10.244.1.5:80 (weight 3), 10.244.1.6:80` */
export function describeEndpoints(endpoints: readonly EndpointModel[]): string {
  return `-> ${endpoints.map((one) => `${endpointName(one)}${one.weight ? ` (weight ${one.weight})` : ''}`).join(', ')}`;
}

/** Who comes first takes the address: by kind, then by name of the service. */
export function byPriority(a: Pick<Entry, 'kind' | 'service'>, b: Pick<Entry, 'kind' | 'service'>): number {
  return rank(a) - rank(b) || (a.service < b.service ? -1 : a.service > b.service ? 1 : 0);
}

const rank = ({ kind }: Pick<Entry, 'kind'>): number => ADDRESS_KINDS.indexOf(kind);
