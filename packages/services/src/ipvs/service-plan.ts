import type { SetElement } from '@podwire/nft';
import { describeEntry, type Entry, portEntries, reachable } from '../entry.ts';
import { endpointName, keyOf, type ServiceModel } from '../model.ts';
import {
  type EntryPlan,
  filterElements,
  type Place,
  type PlannedElement,
  type ServicePlan,
  sharedElements,
} from '../ruleset/service-plan.ts';
import type { EntryKey } from './layout.ts';
import { type Scheduling, schedulerOf, schedulingOf } from './scheduler.ts';
import { type ServerBasis, type VirtualServer, virtualServer } from './virtual-server.ts';

/** What one service needs in one family: virtual servers, and elements that lead to them. */
export interface IpvsPlan extends ServicePlan {
  /** By entry; those without a virtual server are absent. */
  readonly servers: ReadonlyMap<EntryPlan, readonly VirtualServer[]>;
}

export interface IpvsPlace extends Place {
  /** The mark of an entry's virtual server for clients inside; undefined: there are no more. */
  markOf(id: string): number | undefined;
}

/** Depends on that service, the node and the marks only. */
export function planService(service: ServiceModel, place: IpvsPlace): IpvsPlan {
  const scheduling = schedulingOf(schedulerOf(service, place.cluster));
  const servers = new Map<EntryPlan, readonly VirtualServer[]>();
  const entries = service.ports.flatMap((port) =>
    portEntries(service, port, place).map((entry) => {
      const planned = planEntry(entry, { service, scheduling, place });
      if (planned.servers.length) servers.set(planned.plan, planned.servers);
      return planned.plan;
    }),
  );
  return {
    service: keyOf(service),
    entries,
    shared: sharedElements(service, entries, place.family),
    servers,
  };
}

interface Planning {
  readonly service: ServiceModel;
  readonly scheduling: Scheduling;
  readonly place: IpvsPlace;
}

function planEntry(
  entry: Entry,
  { service, scheduling, place }: Planning,
): { readonly plan: EntryPlan; readonly servers: readonly VirtualServer[] } {
  const { id, kind, address, protocol, port, target, inside } = entry;
  const key: EntryKey = [address, protocol, port];
  const elements: PlannedElement[] = filterElements({ service, entry }, place.cluster);
  const servers: VirtualServer[] = [];
  const basis: ServerBasis = { service, node: place.node, scheduling };
  const element: SetElement = { key };
  if (target.kind === 'serve') {
    elements.push(['svc', element]);
    servers.push(virtualServer(key, target.endpoints, basis));
  }
  const mark = inside?.kind === 'serve' ? place.markOf(id) : undefined;
  if (inside?.kind === 'serve' && mark !== undefined) {
    elements.push(['inside', { key, data: [mark] }]);
    const known = { value: mark, family: place.family };
    servers.push(virtualServer(key, inside.endpoints, { ...basis, mark: known }));
  }
  const by = servers.length ? `; scheduler ${scheduling.scheduler}` : '';
  const describe = () => ({ what: `${describeEntry(entry)}${by}`, why: entry.why });
  const endpoints = reachable(entry).map(endpointName);
  return {
    plan: { id, service: entry.service, kind, address, protocol, choices: [], elements, endpoints, describe },
    servers,
  };
}
