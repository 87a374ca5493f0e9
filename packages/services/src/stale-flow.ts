import type { UdpFlow } from './conntrack.ts';
import { endpointName } from './model.ts';

/** Per UDP service entry (`10.96.0.10 udp 53`) the `address:port` its connections may lead to. */
export type UdpEntries = ReadonlyMap<string, readonly string[]>;

/**
 * Whether connections tracked under `before` can be wrong under `after`: an endpoint or an entry has gone, or an entry
 * without endpoints has got some. True when nothing is known about before.
 */
export function mayBeStale(before: UdpEntries | undefined, after: UdpEntries): boolean {
  if (!before) return after.size > 0;
  for (const [id, endpoints] of before) {
    const now = after.get(id);
    if (now === endpoints) continue;
    if (!now || endpoints.some((endpoint) => !now.includes(endpoint))) return true;
    if (endpoints.length === 0 && now.length > 0) return true;
  }
  return [...after.keys()].some((id) => !before.has(id));
}

/** All entries as they were before a change, of all that are settled after it. */
export function entriesBefore(
  settled: UdpEntries,
  { udpBefore, udpAfter }: { readonly udpBefore: UdpEntries; readonly udpAfter: UdpEntries },
): UdpEntries {
  const entries = new Map(settled);
  for (const id of udpAfter.keys()) entries.delete(id);
  for (const [id, endpoints] of udpBefore) entries.set(id, endpoints);
  return entries;
}

/** Flows to a service entry that lead elsewhere than to one of its endpoints; untranslated ones too (SVC-25). */
export function staleFlows<Flow extends UdpFlow>(
  flows: readonly Flow[],
  before: UdpEntries | undefined,
  after: UdpEntries,
): Flow[] {
  return flows.filter((flow) => {
    const id = `${flow.destination} udp ${flow.destinationPort}`;
    const endpoints = after.get(id);
    if (endpoints) return !endpoints.includes(endpointName({ address: flow.endpoint, port: flow.endpointPort }));
    return before?.has(id) === true && flow.endpoint !== flow.destination;
  });
}
