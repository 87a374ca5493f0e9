import { type Family, familyOf, type IpAddress } from '@podwire/base';
import type { SetElement } from '@podwire/nft';
import type { Choice } from '../choice/choice.ts';
import { type AddressKind, type Entry, isInternal } from '../entry.ts';
import {
  allowedSources,
  type ClusterModel,
  isOf,
  type NodeModel,
  ofFamily,
  type Protocol,
  type ServiceModel,
} from '../model.ts';
import type { Peers } from '../peers.ts';
import type { SetName } from './sets.ts';

export type PlannedElement = readonly [SetName, SetElement];
/** An element that other services may want too: it is its key, which is one value (twice in set hairpin). */
export type SharedElement = readonly [SetName, SetElement['key'][number]];

/** One address, protocol and port of a service, and every element it needs. */
export interface EntryPlan {
  /** `10.96.0.1 tcp 80`: of all entries with the same one only the first takes effect. */
  readonly id: string;
  /** Its key: `namespace/name` of a Service. */
  readonly service: string;
  readonly kind: AddressKind;
  readonly address: IpAddress;
  readonly protocol: Protocol;
  readonly choices: readonly Choice[];
  readonly elements: readonly PlannedElement[];
  /** Every `address:port` a connection to it may lead to. */
  readonly endpoints: readonly string[];
  /** In words: made only when somebody reads them. */
  describe(): { readonly what: string; readonly why: string };
}

/** Everything one service contributes to the table of one family; depends on that service and the node only. */
export interface ServicePlan {
  readonly service: string;
  readonly entries: readonly EntryPlan[];
  readonly shared: readonly SharedElement[];
}

/** The node the rules are for, and the family of the table. */
export interface Place {
  readonly cluster: ClusterModel;
  readonly node: NodeModel;
  readonly family: Family;
  readonly peers?: Peers | undefined;
}

/** Addresses of a service and endpoints that may be a client of it, which other services may have too. */
export function sharedElements(
  { clusterAddresses, ports }: ServiceModel,
  entries: readonly EntryPlan[],
  family: Family,
): SharedElement[] {
  if (entries.length === 0 && clusterAddresses.length === 0) return [];
  const shared = ofFamily(clusterAddresses, family).map((key): SharedElement => ['cluster-ips', key]);
  for (const address of externalAddresses(entries)) shared.push(['external-ips', address]);
  for (const address of maybeClients(ports)) if (isOf(address, family)) shared.push(['hairpin', address]);
  return shared;
}

// most services have none of these, so none gets a set without need

const NONE: ReadonlySet<IpAddress> = new Set();

function externalAddresses(entries: readonly EntryPlan[]): ReadonlySet<IpAddress> {
  let found: Set<IpAddress> | undefined;
  for (const { kind, address } of entries) {
    if (isInternal(kind)) continue;
    found ??= new Set();
    found.add(address);
  }
  return found ?? NONE;
}

function maybeClients(ports: ServiceModel['ports']): ReadonlySet<IpAddress> {
  let found: Set<IpAddress> | undefined;
  for (const { endpoints } of ports)
    for (const { maybeLocal, address } of endpoints) {
      if (!maybeLocal) continue;
      found ??= new Set();
      found.add(address);
    }
  return found ?? NONE;
}

type Key = readonly [IpAddress, Protocol, number];
type Elements = PlannedElement[];

/** What an entry needs beside its endpoints: refusal, fence, masquerade. */
export function filterElements({ service, entry, keepsSource }: Planned, cluster: ClusterModel): PlannedElement[] {
  const { kind, address, protocol, port, target } = entry;
  const key: Key = [address, protocol, port];
  const elements: Elements = [];
  if (target.kind !== 'serve') elements.push([target.kind === 'reject' ? 'rejected' : 'dropped', { key }]);
  policyElements(elements, key, { service, entry });
  if (!keepsSource && isMasqueraded(kind, service, cluster)) elements.push(['masqueraded', { key }]);
  return elements;
}

/** Whatever the client, besides those that would not get their replies (SVC-8). */
function isMasqueraded(kind: AddressKind, { externalLocal }: ServiceModel, { masqueradeAll }: ClusterModel): boolean {
  return isInternal(kind) ? masqueradeAll === true : !externalLocal;
}

function policyElements(elements: Elements, key: Key, { service, entry: { kind, address } }: Planned): void {
  const ranges = kind === 'load-balancer IP' ? allowedSources(service, familyOf(address)) : undefined;
  if (!ranges) return;
  elements.push(['fenced', { key }]);
  for (const range of ranges) elements.push(['sources', { key: [range, ...key] }]);
}

export interface Planned {
  readonly service: ServiceModel;
  readonly entry: Entry;
  /** Clients outside come to endpoints of this node only, whatever the policy. */
  readonly keepsSource?: boolean;
}
