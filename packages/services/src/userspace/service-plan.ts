import { familyOf } from '@podwire/base';
import type { SetElement } from '@podwire/nft';
import { describeEntry, type Entry, isInternal, portEntries } from '../entry.ts';
import { allowedSources, endpointName, keyOf, ofFamily, type ServiceModel, type ServicePortModel } from '../model.ts';
import type { EntryPlan, Place, PlannedElement, ServicePlan, SharedElement } from '../ruleset/service-plan.ts';
import type { Target } from '../target.ts';
import type { ListenerPlan, PortOf } from './listener-plan.ts';

/** What one service needs in one family: listeners first, and then, when these have ports, elements. */
export interface RelayPlan {
  readonly listeners: readonly ListenerPlan[];
  elements(portOf: PortOf): ServicePlan;
}

/** An entry and the listeners its connections go to. */
interface Relayed {
  readonly entry: Entry;
  readonly service: ServiceModel;
  readonly listener?: ListenerPlan | undefined;
  readonly inside?: ListenerPlan | undefined;
}

/** Depends on that service and the node only. */
export function planService(service: ServiceModel, place: Place): RelayPlan {
  const listeners: ListenerPlan[] = [];
  const entries = service.ports.flatMap((port) => planPort(service, port, { place, listeners }));
  const shared = ofFamily(service.clusterAddresses, place.family).map(
    (address): SharedElement => ['cluster-ips', address],
  );
  return {
    listeners,
    elements: (portOf) => ({ service: keyOf(service), entries: entries.map((one) => entryPlan(one, portOf)), shared }),
  };
}

/** Addresses that lead to the same endpoints share a listener. */
function planPort(
  service: ServiceModel,
  port: ServicePortModel,
  { place, listeners }: { readonly place: Place; readonly listeners: ListenerPlan[] },
): Relayed[] {
  const byTarget = new Map<Target, ListenerPlan | undefined>();
  const listenerFor = (target: Target | undefined, variant: string): ListenerPlan | undefined => {
    if (!target) return undefined;
    if (byTarget.has(target)) return byTarget.get(target);
    const listener = listenerOf(service, port, { target, variant, place });
    byTarget.set(target, listener);
    if (listener) listeners.push(listener);
    return listener;
  };
  return portEntries(service, port, { ...place, loopback: true }).map((entry) => ({
    entry,
    service,
    listener: listenerFor(entry.target, isInternal(entry.kind) ? 'internal' : 'external'),
    inside: listenerFor(entry.inside, 'inside'),
  }));
}

function listenerOf(
  service: ServiceModel,
  { protocol, port }: ServicePortModel,
  { target, variant, place }: { readonly target: Target; readonly variant: string; readonly place: Place },
): ListenerPlan | undefined {
  const { affinitySeconds, balance } = service;
  const [address] = ofFamily(place.node.addresses, place.family);
  if (protocol === 'sctp' || target.kind !== 'serve' || !address) return undefined;
  return {
    id: `${keyOf(service)} ${protocol} ${port} ${variant} ${address}`,
    protocol,
    address,
    endpoints: target.endpoints,
    affinitySeconds,
    ...(balance && { balance }),
  };
}

function entryPlan({ entry, service, listener, inside }: Relayed, portOf: PortOf): EntryPlan {
  const { id, kind, address, port, protocol, target, why } = entry;
  const key: SetElement['key'] = [address, protocol, port];
  const elements: PlannedElement[] = [];
  const endpoints: string[] = [];
  const send = (map: 'svc' | 'inside', to: ListenerPlan | undefined): boolean => {
    const listening = to && portOf(to.id);
    if (!listening) return false;
    elements.push([map, { key, data: [to.address, listening] }]);
    endpoints.push(endpointName({ address: to.address, port: listening }));
    return true;
  };
  const isRelayed = send('svc', listener);
  send('inside', inside);
  if (target.kind === 'drop') elements.push(['dropped', { key }]);
  else if (!isRelayed) elements.push(['rejected', { key }]);
  elements.push(...fence(entry, service, key));
  const own = keyOf(service);
  const describe = () => ({ what: describeRelayed(entry, service, listener), why });
  return { id, service: own, kind, address, protocol, choices: [], elements, endpoints, describe };
}

function describeRelayed(entry: Entry, { balance }: ServiceModel, listener: ListenerPlan | undefined): string {
  if (entry.target.kind === 'serve' && !listener) return `${entry.kind} ${entry.id} is refused: not relayed`;
  return describeEntry(entry, balance ? [balance] : []);
}

/** Who may use a load-balancer address (SVC-17). */
function fence({ kind, address }: Entry, service: ServiceModel, key: SetElement['key']): PlannedElement[] {
  if (kind !== 'load-balancer IP') return [];
  const ranges = allowedSources(service, familyOf(address));
  if (!ranges) return [];
  return [['fenced', { key }], ...ranges.map((range): PlannedElement => ['sources', { key: [range, ...key] }])];
}
