import { type Family, familyOf, selectorMatches, tryParseIp } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { keyOf, type Meta, nameOf, namespaceOf, ownedBy } from './context.ts';
import { endpointOf, portsOf, type SlicePort } from './slice-endpoint.ts';
import { type Packed, packEndpoints } from './slice-packing.ts';
import type { Topology } from './topology.ts';
import { distributionOf, withHints } from './topology-hints.ts';

type Pod = ObjectOf<'Pod'>;
type Service = ObjectOf<'Service'>;
type EndpointSlice = ObjectOf<'EndpointSlice'>;
type Endpoint = EndpointSlice['endpoints'][number];

export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
export const MANAGER = 'endpointslice-controller.k8s.io';
export const SERVICE_NAME = 'kubernetes.io/service-name';
const HEADLESS = 'service.kubernetes.io/headless';
const MAX_ENDPOINTS = 100;

/** What slices are made from. */
export interface SliceSources {
  readonly pods: readonly Pod[];
  readonly topology: Topology;
  /** Those that are there for the Service, whoever made them; absent: none. */
  readonly slices?: readonly EndpointSlice[];
  /** Whether the namespace has a slice of this name; absent: only if it is one of those. */
  readonly isTaken?: (name: string) => boolean;
}

export interface SlicePlan {
  readonly slices: readonly EndpointSlice[];
  /** Those that the Service selects. */
  readonly pods: readonly Pod[];
  /** Why there are no topology hints, by address type, although the Service asks for some. */
  readonly unhinted: Readonly<Record<string, string>>;
}

/** Whether pods are the endpoints of a Service. */
export function hasSelector({ spec }: Service): boolean {
  return spec?.type !== 'ExternalName' && Object.keys(spec?.selector ?? {}).length > 0;
}

/**
 * The slices a Service with a selector should have: of one family and one set of port numbers each, since a named target
 * port may be another number on each pod; at most 100 endpoints each; by the names of the present ones where they can
 * stay. Deterministic: an unchanged cluster gives the same slices.
 */
export function planSlices(service: Service, { pods, topology, slices = [], isTaken }: SliceSources): SlicePlan {
  if (!hasSelector(service)) return { slices: [], pods: [], unhinted: {} };
  const names = new FreeNames(nameOf(service), slices.map(nameOf), isTaken);
  const own = slices.filter((slice) => isOurs(slice, service)).sort(byKey);
  const chosen = pods.filter((pod) => selects(service, pod)).sort(byKey);
  const unhinted: Record<string, string> = {};
  const planned = familiesOf(service).flatMap((family) => {
    const addressType = ADDRESS_TYPES[family];
    const { groups, refused } = groupsOf(chosen, service, { family, topology });
    if (refused !== undefined) unhinted[addressType] = refused;
    const present = own.filter((slice) => slice.addressType === addressType);
    return packEndpoints(groups, present, MAX_ENDPOINTS).map((packed) =>
      sliceOf(service, addressType, { ...packed, name: packed.name ?? names.next() }),
    );
  });
  return { slices: planned, pods: chosen, unhinted };
}

const ADDRESS_TYPES: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };
const byKey = (a: Meta, b: Meta): number => (keyOf(a) < keyOf(b) ? -1 : 1);

/** As the API server set them; one that knows no families tells by the address. */
export function familiesOf({ spec }: Service): Family[] {
  const named = (spec?.ipFamilies ?? []).map((word): Family => (word === 'IPv6' ? 'ipv6' : 'ipv4'));
  const address = tryParseIp(spec?.clusterIP ?? '');
  return named.length > 0 ? named : [address ? familyOf(address) : 'ipv4'];
}

/** `namespace/name` of the Service that a slice says it is for. */
export const serviceKeyOf = ({ metadata }: EndpointSlice): string =>
  `${metadata?.namespace ?? ''}/${metadata?.labels?.[SERVICE_NAME] ?? ''}`;

/** The manager's label and the owner together: a Service that was made again does not take over the slices of the old one. */
export function isOurs({ metadata }: EndpointSlice, service: Service): boolean {
  const owner = metadata?.ownerReferences?.find(({ kind }) => kind === 'Service');
  return (
    metadata?.labels?.[MANAGED_BY] === MANAGER &&
    metadata.labels[SERVICE_NAME] === nameOf(service) &&
    owner?.uid === service.metadata?.uid
  );
}

function selects(service: Service, pod: Pod): boolean {
  const selector = { matchLabels: service.spec?.selector ?? {} };
  return namespaceOf(pod) === namespaceOf(service) && selectorMatches(selector, pod.metadata?.labels);
}

interface Where {
  readonly family: Family;
  readonly topology: Topology;
}

/** Hints are given to all endpoints of a family together, whatever their port numbers. */
function groupsOf(pods: readonly Pod[], service: Service, { family, topology }: Where) {
  const found = pods.flatMap((pod) => {
    const endpoint = endpointOf(pod, service, { family, zones: topology.zones });
    return endpoint ? [{ endpoint, ports: portsOf(service, pod) }] : [];
  });
  const { endpoints, refused } = withHints(
    found.map(({ endpoint }) => endpoint),
    distributionOf(service),
    topology,
  );
  const groups = new Map<string, { ports: SlicePort[]; endpoints: Endpoint[] }>();
  for (const [i, { ports }] of found.entries()) {
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpoints[i] as Endpoint);
    groups.set(key, group);
  }
  return { groups: [...groups.values()], refused };
}

/** `web-0`, `web-1`, ... but those that are taken. */
export class FreeNames {
  readonly #base: string;
  readonly #isTaken: (name: string) => boolean;
  #next = 0;

  constructor(base: string, taken: readonly string[], isTaken: (name: string) => boolean = () => false) {
    const known = new Set(taken);
    this.#base = base;
    this.#isTaken = (name) => known.has(name) || isTaken(name);
  }

  next(): string {
    while (this.#isTaken(`${this.#base}-${this.#next}`)) this.#next++;
    return `${this.#base}-${this.#next++}`;
  }
}

function sliceOf(service: Service, addressType: string, { name, ports, endpoints }: Packed & { name: string }) {
  const { [HEADLESS]: _, ...labels } = service.metadata?.labels ?? {};
  const slice: EndpointSlice = {
    metadata: {
      name,
      namespace: namespaceOf(service),
      labels: {
        ...labels,
        [SERVICE_NAME]: nameOf(service),
        [MANAGED_BY]: MANAGER,
        ...(service.spec?.clusterIP === 'None' ? { [HEADLESS]: '' } : {}),
      },
      ownerReferences: [ownedBy(service, 'Service', 'v1')],
    },
    addressType,
    endpoints: [...endpoints],
    ports: [...ports],
  };
  return slice;
}
