import type { Prefix } from '@podwire/base';
import type { EndpointSlice, Node, Service, ServiceImport } from '@podwire/kube';
import { type ClusterModel, keyOf, type ServicesModel } from './model.ts';
import { clusterAddresses, disjointPrefixes, nodeFromApi, proxiedBy, serviceFromApi } from './model-from-api.ts';
import { peersFromApi } from './peers.ts';
import { importKey, importKeyOfSlice, isProxied, serviceFromImport } from './service-import.ts';

export interface Snapshot {
  readonly services: readonly Service[];
  readonly imports?: readonly ServiceImport[];
  /** Of Services and of ServiceImports. */
  readonly slices: readonly EndpointSlice[];
  /** The node the rules are for. */
  readonly node: Node | undefined;
  readonly nodeName: string;
  /** All nodes of the cluster, for direct server return. */
  readonly nodes?: readonly Node[];
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly masqueradeAll?: boolean;
  readonly ipvsScheduler?: ClusterModel['ipvsScheduler'];
  /** Ranges of the node's addresses with node ports; empty or absent: the primary ones. */
  readonly nodePortAddresses?: readonly Prefix[];
}

/** The whole model at once, as `podwire plan` and tests need it; the controller keeps it per service instead. */
export function modelFromApi(snapshot: Snapshot): ServicesModel {
  const slices = new Map<string, EndpointSlice[]>();
  for (const slice of snapshot.slices)
    for (const key of keysOfSlice(slice)) {
      const known = slices.get(key);
      if (known) known.push(slice);
      else slices.set(key, [slice]);
    }
  const node = nodeFromApi(snapshot.node, snapshot.nodeName, { ranges: snapshot.nodePortAddresses ?? [], local: [] });
  const imports = (snapshot.imports ?? []).filter(isProxied);
  const ours = snapshot.services.filter((service) => proxiedBy(service) === 'us');
  return {
    cluster: clusterModel(snapshot),
    node,
    services: [
      ...ours.map((service) => serviceFromApi(service, slices.get(serviceKey(service)) ?? [], node.name)),
      ...imports.map((one) => serviceFromImport(one, slices.get(importKey(one)) ?? [], node)),
    ],
    foreignAddresses: snapshot.services.filter((service) => proxiedBy(service) === 'other').flatMap(clusterAddresses),
    ...(snapshot.nodes && { peers: peersFromApi(snapshot.nodes) }),
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
  return keyOf({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });
}

/** Whom a slice is for: a Service, a ServiceImport, or one of each. */
export function keysOfSlice(slice: EndpointSlice): string[] {
  const { namespace = '', labels } = slice.metadata ?? {};
  const name = labels?.['kubernetes.io/service-name'];
  const imported = importKeyOfSlice(slice);
  return [...(name ? [keyOf({ namespace, name })] : []), ...(imported ? [imported] : [])];
}
