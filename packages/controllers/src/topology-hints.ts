import type { ObjectOf } from '@podwire/kube';
import type { Topology } from './topology.ts';

type Service = ObjectOf<'Service'>;
export type Endpoint = ObjectOf<'EndpointSlice'>['endpoints'][number];

/** As in the API from 1.33 on; forNodes is newer than the types in use (KEP-3015). */
interface Hints {
  readonly forZones?: readonly { readonly name: string }[];
  readonly forNodes?: readonly { readonly name: string }[];
}

/** Whom the endpoints of a Service are meant for. */
export type Distribution =
  | 'anyone'
  /** The clients of an endpoint's own zone (trafficDistribution PreferSameZone, and PreferClose, its first name). */
  | 'same-zone'
  /** Those of its own node, and of its zone where the node has none (PreferSameNode). */
  | 'same-node'
  /** Zones get endpoints in proportion to their CPUs (annotation topology-mode: Auto). */
  | 'in-proportion';

/** The two names of the annotation; the older one wins where both are. */
const MODES = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode'];
const DISTRIBUTIONS: Readonly<Record<string, Distribution>> = {
  PreferClose: 'same-zone',
  PreferSameZone: 'same-zone',
  PreferSameNode: 'same-node',
};
/** How much more than its fair share an endpoint may get. */
const OVERLOAD = 0.2;

/** The annotation goes before the field; a word that means nothing is as if it were not there. */
export function distributionOf({ metadata, spec }: Service): Distribution {
  const annotations = metadata?.annotations ?? {};
  const mode = annotations[MODES.find((name) => name in annotations) ?? ''];
  if (mode === 'Auto' || mode === 'auto') return 'in-proportion';
  return DISTRIBUTIONS[spec?.trafficDistribution ?? ''] ?? 'anyone';
}

export interface Hinted {
  readonly endpoints: readonly Endpoint[];
  /** Why there are no hints although the Service asks for some. */
  readonly refused?: string;
}

/**
 * Endpoints of one family with hints, on ready ones only: proxies look at no others. Order and everything else stay.
 * Source: KEP-2433, KEP-4444, KEP-3015.
 */
export function withHints(
  endpoints: readonly Endpoint[],
  distribution: Distribution,
  { shares }: Pick<Topology, 'shares'>,
): Hinted {
  if (distribution === 'anyone') return { endpoints };
  if (distribution === 'in-proportion') return inProportion(endpoints, shares);
  const hint = ({ zone, nodeName }: Endpoint): Hints => ({
    ...(zone !== undefined && { forZones: [{ name: zone }] }),
    ...(nodeName !== undefined && distribution === 'same-node' && { forNodes: [{ name: nodeName }] }),
  });
  return { endpoints: endpoints.map((endpoint) => (isReady(endpoint) ? hinted(endpoint, hint(endpoint)) : endpoint)) };
}

function inProportion(endpoints: readonly Endpoint[], shares: Topology['shares']): Hinted {
  const ready = endpoints.filter(isReady);
  const refused = refusal(ready, shares);
  if (refused !== undefined || typeof shares === 'string') return { endpoints, refused: refused ?? String(shares) };
  const zones = new Map(
    [...allocate(ready, shares)].flatMap(([zone, list]) => list.map((endpoint) => [endpoint, zone] as const)),
  );
  return {
    endpoints: endpoints.map((endpoint) => {
      const zone = zones.get(endpoint);
      return zone === undefined ? endpoint : hinted(endpoint, { forZones: [{ name: zone }] });
    }),
  };
}

/** The safeguards. */
function refusal(ready: readonly Endpoint[], shares: Topology['shares']): string | undefined {
  if (typeof shares === 'string') return shares;
  const homeless = ready.find(({ zone }) => zone === undefined);
  if (homeless) return `endpoint ${homeless.addresses[0]} is on a node without a zone`;
  if (ready.length < shares.size) return `${ready.length} ready endpoints are fewer than the ${shares.size} zones`;
  const needed = [...shares.values()].reduce((sum, share) => sum + least(share, ready.length), 0);
  if (needed > ready.length)
    return `${ready.length} ready endpoints cannot be shared by ${shares.size} zones without an overload of more than ${OVERLOAD * 100} %`;
  return undefined;
}

/** So many endpoints a zone needs at least. Rounded, because 0.1 + 0.2 is a little more than 0.3. */
const least = (share: number, count: number): number =>
  Math.ceil(Number(((share * count) / (1 + OVERLOAD)).toFixed(9)));

/** The endpoints of each zone. All begin in their own; zones with too many give to those with too few. */
function allocate(ready: readonly Endpoint[], shares: ReadonlyMap<string, number>): ReadonlyMap<string, Endpoint[]> {
  const own = Map.groupBy(ready, ({ zone }) => zone ?? '');
  const names = [...new Set([...shares.keys(), ...own.keys()])].sort();
  const zones = new Map(names.map((zone) => [zone, own.get(zone) ?? []]));
  const share = (zone: string): number => shares.get(zone) ?? 0;
  const minimum = (zone: string): number => least(share(zone), ready.length);
  const fair = (zone: string): number => Math.max(share(zone) * ready.length, minimum(zone));
  transfer(zones, fair, (surplus, lack) => Math.min(surplus, lack) >= 0.5 && Math.max(surplus, lack) >= 1);
  // Fair numbers are no whole ones, so that a zone may still lack what others have by their roundings.
  transfer(zones, minimum, (surplus, lack) => surplus >= 1 && lack >= 1);
  return zones;
}

/** Moves one endpoint after another from the zone with the most beyond its number to the one that lacks most. */
function transfer(
  zones: ReadonlyMap<string, Endpoint[]>,
  number: (zone: string) => number,
  worthwhile: (surplus: number, lack: number) => boolean,
): void {
  for (;;) {
    const excess = [...zones].map(([zone, list]) => ({ list, amount: list.length - number(zone) }));
    const giver = excess.reduce((most, one) => (one.amount > most.amount ? one : most));
    const taker = excess.reduce((least, one) => (one.amount < least.amount ? one : least));
    const endpoint = worthwhile(giver.amount, -taker.amount) ? giver.list.pop() : undefined;
    if (!endpoint) return;
    taker.list.push(endpoint);
  }
}

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready ?? true;

function hinted(endpoint: Endpoint, hints: Hints): Endpoint {
  return Object.keys(hints).length ? { ...endpoint, hints: hints as NonNullable<Endpoint['hints']> } : endpoint;
}
