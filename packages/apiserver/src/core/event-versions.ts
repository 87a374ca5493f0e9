import type { ApiObject } from '../seam.ts';

/** Fields of an Event that core/v1 and events.k8s.io/v1 name differently. */
const NAMES: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
];

/** An Event of events.k8s.io/v1 as core/v1 has it. */
export function eventToCore(object: ApiObject): ApiObject {
  return renamed(object, new Map(NAMES.map(([core, events]) => [events, core])));
}

/** An Event of core/v1 as events.k8s.io/v1 has it. */
export function eventFromCore(object: ApiObject): ApiObject {
  return renamed(object, new Map(NAMES));
}

function renamed(object: ApiObject, names: ReadonlyMap<string, string>): ApiObject {
  return Object.fromEntries(
    Object.entries(object).map(([field, value]) => [names.get(field) ?? field, value]),
  ) as unknown as ApiObject;
}
