import { type Family, familyOf, tryParseIp } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { nameOf, namespaceOf, ownedBy } from './context.ts';
import { FreeNames, hasSelector, MANAGED_BY, SERVICE_NAME } from './slices.ts';
import { TRIGGER_TIME } from './trigger-times.ts';

type Service = ObjectOf<'Service'>;
type Endpoints = ObjectOf<'Endpoints'>;
type EndpointSlice = ObjectOf<'EndpointSlice'>;
type Subset = NonNullable<Endpoints['subsets']>[number];
type Address = NonNullable<Subset['addresses']>[number];

const MIRROR_MANAGER = 'endpointslicemirroring-controller.k8s.io';
const SKIP_MIRROR = 'endpointslice.kubernetes.io/skip-mirror';
/** Locks of leader election were once kept in Endpoints. */
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Of one subset; an EndpointSlice can hold no more. */
export const MAX_MIRRORED = 1000;

export interface MirrorPlan {
  readonly slices: readonly EndpointSlice[];
  /** How many addresses of the Endpoints are no IP addresses, and how many are too many. */
  readonly invalid: number;
  readonly surplus: number;
}

const NOTHING: MirrorPlan = { slices: [], invalid: 0, surplus: 0 };

/** Whether the Endpoints were written by hand for a Service that has no selector, and nobody said that they are not meant. */
export function isMirrored(endpoints: Endpoints, service: Service | undefined): boolean {
  const { labels, annotations, deletionTimestamp } = endpoints.metadata ?? {};
  const wanted = labels?.[SKIP_MIRROR] !== 'true' && !(LEADER in (annotations ?? {})) && !deletionTimestamp;
  return wanted && service !== undefined && service.spec?.type !== 'ExternalName' && !hasSelector(service);
}

/**
 * EndpointSlices of the same content as hand-made Endpoints: one for each family of each subset, by the names of the
 * present ones where they can stay. `present`: all slices of the Service; `isTaken`: whether the namespace has a slice of
 * this name. Source: KEP-752.
 */
export function planMirror(
  endpoints: Endpoints,
  service: Service | undefined,
  present: readonly EndpointSlice[],
  isTaken?: (name: string) => boolean,
): MirrorPlan {
  if (!isMirrored(endpoints, service)) return NOTHING;
  const names = new FreeNames(nameOf(endpoints), present.map(nameOf), isTaken);
  const own = mirrorsOf(nameOf(endpoints), present).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const subsets = (endpoints.subsets ?? []).map(readSubset);
  const slices = subsets.flatMap(({ ports, byFamily }) =>
    [...byFamily].map(([family, list]) => {
      const addressType = family === 'ipv4' ? 'IPv4' : 'IPv6';
      const reused = own.findIndex((slice) => slice.addressType === addressType);
      const name = reused < 0 ? names.next() : nameOf(own.splice(reused, 1)[0] as EndpointSlice);
      return sliceOf(endpoints, { name, addressType, endpoints: list, ports });
    }),
  );
  const sum = (part: 'invalid' | 'surplus') => subsets.reduce((total, subset) => total + subset[part], 0);
  return { slices, invalid: sum('invalid'), surplus: sum('surplus') };
}

/** Whether the slice was made by mirroring. */
export const isMirror = ({ metadata }: EndpointSlice): boolean => metadata?.labels?.[MANAGED_BY] === MIRROR_MANAGER;

/** Those of the Endpoints of this name, among slices of its namespace. */
export function mirrorsOf(name: string, slices: readonly EndpointSlice[]): EndpointSlice[] {
  return slices.filter((slice) => isMirror(slice) && slice.metadata?.labels?.[SERVICE_NAME] === name);
}

type Endpoint = EndpointSlice['endpoints'][number];

function readSubset({ addresses = [], notReadyAddresses = [], ports = [] }: Subset) {
  const all = [
    ...addresses.map((address) => endpointOf(address, true)),
    ...notReadyAddresses.map((address) => endpointOf(address, false)),
  ];
  const valid = all.filter((endpoint) => endpoint !== undefined);
  const mirrored = valid.slice(0, MAX_MIRRORED);
  return {
    ports: ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      ...{ name, port, protocol },
      ...(appProtocol ? { appProtocol } : {}),
    })),
    byFamily: Map.groupBy(mirrored, ({ addresses: [first = ''] }): Family => familyOf(first as never)),
    invalid: all.length - valid.length,
    surplus: valid.length - mirrored.length,
  };
}

function endpointOf({ ip, nodeName, hostname, targetRef }: Address, ready: boolean): Endpoint | undefined {
  const address = tryParseIp(ip);
  return address === undefined
    ? undefined
    : {
        addresses: [address],
        conditions: { ready },
        ...(nodeName ? { nodeName } : {}),
        ...(hostname ? { hostname } : {}),
        ...(targetRef ? { targetRef } : {}),
      };
}

function sliceOf(
  endpoints: Endpoints,
  { name, ...content }: Omit<EndpointSlice, 'metadata'> & { readonly name: string },
): EndpointSlice {
  const annotations = Object.entries(endpoints.metadata?.annotations ?? {}).filter(
    ([key]) => key !== LAST_APPLIED && key !== TRIGGER_TIME,
  );
  return {
    metadata: {
      name,
      namespace: namespaceOf(endpoints),
      labels: {
        ...endpoints.metadata?.labels,
        [SERVICE_NAME]: nameOf(endpoints),
        [MANAGED_BY]: MIRROR_MANAGER,
      },
      annotations: Object.fromEntries(annotations),
      ownerReferences: [ownedBy(endpoints, 'Endpoints', 'v1')],
    },
    ...content,
  };
}
