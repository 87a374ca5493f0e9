import { hindranceOf, importedSlice, planImport } from '@podwire/controllers';
import type { ClusterConfig, EndpointSlice, Service, ServiceImport } from '@podwire/kube';
import { keyOf, type ManifestObjects } from './cluster-objects.ts';
import { FIRST } from './manifest-services.ts';
import { NumberPool } from './number-pool.ts';

interface Placed {
  /** With their addresses. */
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

interface Imported {
  readonly imports: readonly ServiceImport[];
  readonly slices: readonly EndpointSlice[];
}

/** What ServiceExports of the manifests make in a cluster that is the only one of its set; imports of the manifests stay. */
export function placeImports(
  { imports, exports }: Pick<ManifestObjects, 'imports' | 'exports'>,
  { services, slices }: Placed,
  cluster: ClusterConfig,
): Imported {
  const taken = [...services.flatMap(({ spec }) => spec?.clusterIPs ?? []), ...imports.flatMap(addressesOf)];
  const pool = new NumberPool(taken);
  const made = exports.flatMap((exported): Imported[] => {
    const key = keyOf(exported);
    const service = services.find((one) => keyOf(one) === key);
    if (!service || hindranceOf(service) || imports.some((one) => keyOf(one) === key)) return [];
    const plan = planImport([{ cluster: cluster.clusterName, exported, service }]);
    if (!plan) return [];
    const isHeadless = plan.spec.type === 'Headless';
    const ips = isHeadless ? [] : [pool.address(cluster.serviceCidrs, FIRST, `ServiceImport ${key}`)];
    const { namespace = '', name = '' } = exported.metadata ?? {};
    const owner: ServiceImport = { metadata: { namespace, name }, spec: { ...plan.spec, ips } };
    const origin = { cluster: cluster.clusterName, isLocal: true, owner };
    const own = slices.filter((slice) => isOf(slice, service)).map((slice) => importedSlice(slice, origin));
    return [{ imports: [owner], slices: own }];
  });
  return {
    imports: [...imports, ...made.flatMap((one) => one.imports)],
    slices: [...slices, ...made.flatMap((one) => one.slices)],
  };
}

const addressesOf = ({ spec }: ServiceImport): readonly string[] => spec?.ips ?? [];

function isOf({ metadata }: EndpointSlice, service: Service): boolean {
  const name = metadata?.labels?.['kubernetes.io/service-name'];
  return name === service.metadata?.name && metadata?.namespace === service.metadata?.namespace;
}
