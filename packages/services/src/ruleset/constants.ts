import type { Family } from '@podwire/base';
import { type ClusterModel, type NodeModel, ofFamily, type ServicesModel } from '../model.ts';
import type { ServicePlan, SharedElement } from './service-plan.ts';
import type { SetName } from './sets.ts';

/** What stands in sets whatever the services are. */
export function planConstants(
  { cluster, node }: { readonly cluster: ClusterModel; readonly node: NodeModel },
  family: Family,
): ServicePlan {
  const each = (set: SetName, keys: readonly SharedElement[1][]) => keys.map((key): SharedElement => [set, key]);
  const shared = [
    ...each('pod-cidrs', ofFamily(cluster.podCidrs, family)),
    ...each('node-pod-cidrs', ofFamily(node.podCidrs, family)),
    ...each('service-cidrs', ofFamily(cluster.serviceCidrs, family)),
  ];
  return { service: '', entries: [], shared };
}

/** Cluster addresses of a service that somebody else balances. */
export function planForeign(
  service: string,
  addresses: ServicesModel['foreignAddresses'],
  family: Family,
): ServicePlan {
  const shared = ofFamily(addresses, family).map((key): SharedElement => ['foreign-ips', key]);
  return { service, entries: [], shared };
}
