import { type IpAddress, prefixContains, tryParseIp, tryParsePort } from '@podwire/base';
import {
  type EndpointSlice,
  IMPORT_NAME_LABEL,
  type ServiceImport,
  type ServiceImportPort,
  SOURCE_CLUSTER_LABEL,
} from '@podwire/kube';
import { keyOf, type NodeModel, type ServiceModel } from './model.ts';
import { serviceFromApi } from './model-from-api.ts';

/** On a ServiceImport: the Service by which its controller has the import served. */
const DERIVED_SERVICE = 'multicluster.kubernetes.io/derived-service';

type ApiEndpoint = EndpointSlice['endpoints'][number];

/** Not those without an address, and not those a Service stands for, which has the import's addresses and endpoints. */
export function isProxied({ metadata, spec }: ServiceImport): boolean {
  if (metadata?.annotations?.[DERIVED_SERVICE]) return false;
  return spec?.type !== 'Headless' && Boolean(spec?.ips?.length);
}

export function importKey({ metadata }: ServiceImport): string {
  return keyOf({ kind: 'ServiceImport', namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });
}

/** The ServiceImport a slice is for; a slice may be for a Service as well. */
export function importKeyOfSlice({ metadata }: EndpointSlice): string | undefined {
  const name = metadata?.labels?.[IMPORT_NAME_LABEL];
  return name ? keyOf({ kind: 'ServiceImport', namespace: metadata?.namespace ?? '', name }) : undefined;
}

/**
 * The import as a service whose cluster addresses are its own: everything that is so of the cluster IP of a Service is so of
 * them. Total, as `serviceFromApi`; slices are those labelled with the import's name, of all clusters.
 */
export function serviceFromImport(
  { metadata, spec }: ServiceImport,
  slices: readonly EndpointSlice[],
  node: NodeModel,
): ServiceModel {
  const { ips = [], ports = [], sessionAffinity, sessionAffinityConfig, internalTrafficPolicy } = spec ?? {};
  const kept = ports.filter((port, i) => ports.findIndex((other) => isSamePort(port, other)) === i);
  const model = serviceFromApi(
    {
      ...(metadata && { metadata }),
      spec: {
        clusterIPs: ips.filter((ip) => !isUnusable(ip, node)),
        ports: kept,
        ...(sessionAffinity && { sessionAffinity }),
        ...(sessionAffinityConfig && { sessionAffinityConfig }),
        ...(internalTrafficPolicy && { internalTrafficPolicy }),
      },
    },
    slices.map((slice) => sliceSeenFrom(node, slice)),
    node.name,
  );
  const misread = [...(model.misread ?? []), ...misreadAddresses(ips, node), ...misreadPorts(ports)];
  return { ...model, kind: 'ServiceImport', ...(misread.length > 0 && { misread }) };
}

const protocolOf = ({ protocol = 'TCP' }: ServiceImportPort): string => protocol;
const isSamePort = (a: ServiceImportPort, b: ServiceImportPort): boolean =>
  a.port === b.port && protocolOf(a) === protocolOf(b);

/** Unspecified, loopback, link-local, multicast, broadcast. */
const UNUSABLE = /^(0\.|127\.|169\.254\.|22[4-9]\.|23\d\.|255\.255\.255\.255$|::1?$|fe[89ab].:|ff..:)/;

/** Where ports that an import does not have must not be refused: its address would be the node's or a pod's no more. */
function isUnusable(ip: string, node: NodeModel): boolean {
  const address = tryParseIp(ip);
  return address === undefined || UNUSABLE.test(address) || isOn(node, address);
}

function misreadAddresses(ips: readonly string[], node: NodeModel): string[] {
  const reason = (ip: string): string =>
    tryParseIp(ip) === undefined
      ? 'is no IP address and has no effect; write 10.1.2.3 or fd00::1'
      : 'is no address for a service and has no effect; take one of no node, pod or link';
  return ips.filter((ip) => isUnusable(ip, node)).map((ip) => `ips: ${JSON.stringify(ip)} ${reason(ip)}`);
}

function misreadPorts(ports: readonly ServiceImportPort[]): string[] {
  return ports.flatMap((port, i) => {
    const where = `ports: ${protocolOf(port)} ${port.port}`;
    if (tryParsePort(port.port) === undefined) return [`${where} is no port and has no effect; write 1 to 65535`];
    const first = ports.findIndex((other) => isSamePort(port, other));
    return first < i ? [`${where} is there twice, and the first one counts; remove the other`] : [];
  });
}

/**
 * Nodes of several clusters may have the same name, and slices say no more than that name: an endpoint is on this node when
 * its slice names the node and its address is one of the node's or in its podCIDRs. All others are somewhere else, with
 * hints for nodes of their cluster.
 */
function sliceSeenFrom(node: NodeModel, slice: EndpointSlice): EndpointSlice {
  const cluster = slice.metadata?.labels?.[SOURCE_CLUSTER_LABEL] ?? '';
  const elsewhere = (name: string): string => `${cluster}/${name}`;
  const seen = (endpoint: ApiEndpoint): ApiEndpoint => {
    const { nodeName, hints, ...rest } = endpoint;
    if (nodeName === node.name && isOn(node, endpoint.addresses?.[0])) return endpoint;
    return {
      ...rest,
      ...(nodeName && { nodeName: elsewhere(nodeName) }),
      ...(hints && { hints: hintsOf(hints, elsewhere) }),
    };
  };
  return { ...slice, endpoints: (slice.endpoints ?? []).map(seen) };
}

function hintsOf(hints: NonNullable<ApiEndpoint['hints']>, elsewhere: (name: string) => string) {
  // newer than the types in use (KEP-3015)
  const { forNodes }: typeof hints & { readonly forNodes?: readonly { readonly name: string }[] } = hints;
  return { ...hints, ...(forNodes && { forNodes: forNodes.map(({ name }) => ({ name: elsewhere(name) })) }) };
}

function isOn({ podCidrs, addresses }: NodeModel, text = ''): boolean {
  const address: IpAddress | undefined = tryParseIp(text);
  if (address === undefined) return false;
  return addresses.includes(address) || podCidrs.some((cidr) => prefixContains(cidr, address));
}
