import type { Prefix } from '@podwire/base';
import type { EndpointSlice, Node, Service } from '@podwire/kube';
import type { ClusterModel, ServicesModel } from './model.ts';
import { clusterAddresses, disjointPrefixes, nodeFromApi, proxiedBy, serviceFromApi } from './model-from-api.ts';

export interface Snapshot {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  /** The node the rules are for. */
  readonly node: Node | undefined;
  readonly nodeName: string;
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly masqueradeAll?: boolean;
  readonly ipvsScheduler?: ClusterModel['ipvsScheduler'];
  /** Ranges of the node's addresses with node ports; empty or absent: the primary ones. */
  readonly nodePortAddresses?: readonly Prefix[];
}

/** The whole model at once, as `podwire plan` and tests need it; the controller keeps it per service instead. */
export function modelFromApi(snapshot: Snapshot): ServicesModel {
  const slices = Map.groupBy(snapshot.slices, serviceKeyOfSlice);
  const ours = snapshot.services.filter((service) => proxiedBy(service) === 'us');
  return {
    cluster: clusterModel(snapshot),
    node: nodeFromApi(snapshot.node, snapshot.nodeName, { ranges: snapshot.nodePortAddresses ?? [], local: [] }),
    services: ours.map((service) => serviceFromApi(service, slices.get(serviceKey(service)) ?? [], snapshot.nodeName)),
    foreignAddresses: snapshot.services.filter((service) => proxiedBy(service) === 'other').flatMap(clusterAddresses),
  };
}

export function clusterModel({
  podCidrs,
  serviceCidrs,
  masqueradeAll,
  ipvsScheduler,
}: Pick<Snapshot, 'podCidrs' | 'serviceCidrs' | 'masqueradeAll' | 'ipvsScheduler'>): ClusterModel {
  return {
    podCidrs: disjointPrefixes(podCidrs),
    serviceCidrs: disjointPrefixes(serviceCidrs),
    ...(masqueradeAll && { masqueradeAll }),
    ...(ipvsScheduler && { ipvsScheduler }),
  };
}

export function serviceKey({ metadata }: Service): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}

export function serviceKeyOfSlice({ metadata }: EndpointSlice): string {
  return `${metadata?.namespace ?? ''}/${metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`;
}
