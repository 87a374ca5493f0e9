import type { IPAddress, ServiceCIDR, ServiceImport } from '@podwire/kube';
import type { Endpoints, Service, ServicePort } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass, NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import { type Column, firstThree, formatLabels, formatSelector, NONE, text, wide } from './columns.ts';
import { age } from './workload-columns.ts';

export const SERVICE_COLUMNS: readonly Column<Service>[] = [
  text('Type', ({ spec }) => spec?.type ?? 'ClusterIP'),
  text('Cluster-IP', ({ spec }) => spec?.clusterIPs?.[0] || spec?.clusterIP || NONE),
  text('External-IP', externalAddress),
  text('Port(s)', ({ spec }) => (spec?.ports ?? []).map(formatPort).join(',') || NONE),
  age(),
  wide('Selector', ({ spec }) => formatLabels(spec?.selector)),
];

function formatPort({ port, nodePort, protocol = 'TCP' }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}

function externalAddress({ spec, status }: Service): string {
  const { externalIPs = [], externalName, type } = spec ?? {};
  if (type === 'ExternalName') return externalName ?? '';
  if (type !== 'LoadBalancer') return externalIPs.join(',') || NONE;
  return [...balancerAddresses(status), ...externalIPs].join(',') || '<pending>';
}

type BalancerStatus = { loadBalancer?: { ingress?: readonly { ip?: string; hostname?: string }[] } };

function balancerAddresses(status: BalancerStatus | undefined): readonly string[] {
  const all = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
  return [...new Set(all)].sort();
}

export const ENDPOINTS_COLUMNS: readonly Column<Endpoints>[] = [text('Endpoints', formatEndpoints), age()];

function formatEndpoints({ subsets = [] }: Endpoints): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(({ ip }) => ip);
    return ports.flatMap(({ port }) => addresses.map(({ ip }) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`));
  });
  return firstThree(all, NONE);
}

export const ENDPOINT_SLICE_COLUMNS: readonly Column<EndpointSlice>[] = [
  text('AddressType', ({ addressType }) => addressType),
  text('Ports', ({ ports }) =>
    firstThree(
      (ports ?? []).map(({ port }) => (port === undefined ? '*' : `${port}`)),
      '<unset>',
    ),
  ),
  text('Endpoints', ({ endpoints }) =>
    firstThree(
      (endpoints ?? []).flatMap(({ addresses }) => addresses),
      '<unset>',
    ),
  ),
  age(),
];

export const INGRESS_COLUMNS: readonly Column<Ingress>[] = [
  text('Class', ({ spec }) => spec?.ingressClassName ?? NONE),
  text('Hosts', ({ spec }) =>
    firstThree(
      (spec?.rules ?? []).flatMap(({ host }) => host || []),
      '*',
    ),
  ),
  text('Address', ({ status }) => balancerAddresses(status).join(',')),
  text('Ports', ({ spec }) => (spec?.tls?.length ? '80, 443' : '80')),
  age(),
];

export const INGRESS_CLASS_COLUMNS: readonly Column<IngressClass>[] = [
  text('Controller', ({ spec }) => spec?.controller ?? ''),
  text('Parameters', ({ spec }) => {
    if (!spec?.parameters) return NONE;
    const { apiGroup, kind, name } = spec.parameters;
    return `${kind}${apiGroup ? `.${apiGroup}` : ''}/${name}`;
  }),
  age(),
];

export const NETWORK_POLICY_COLUMNS: readonly Column<NetworkPolicy>[] = [
  text('Pod-Selector', ({ spec }) => formatSelector(spec?.podSelector)),
  age(),
];

export const SERVICE_CIDR_COLUMNS: readonly Column<ServiceCIDR>[] = [
  text('CIDRs', ({ spec }) => (spec?.cidrs ?? []).join(',')),
  age(),
];

export const IP_ADDRESS_COLUMNS: readonly Column<IPAddress>[] = [
  text('ParentRef', ({ spec }) => {
    if (!spec?.parentRef) return NONE;
    const { group, resource, namespace, name } = spec.parentRef;
    const place = group ? `${resource}.${group}` : resource;
    return [place.toLowerCase(), namespace, name].filter(Boolean).join('/');
  }),
  age(),
];

/** As the custom resource has them elsewhere: the addresses are shown as JSON. */
export const SERVICE_IMPORT_COLUMNS: readonly Column<ServiceImport>[] = [
  text('Type', ({ spec }) => spec?.type ?? null),
  text('IP', ({ spec }) => (spec?.ips ? JSON.stringify(spec.ips) : null)),
  age(),
];
