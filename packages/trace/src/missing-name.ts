import { keyOf, nameOf } from './cluster-objects.ts';
import type { ClusterView } from './cluster-view.ts';

/** Which part of a name that gives no address is the one that is not there. */
export function missingPart(cluster: ClusterView, name: string, namespace: string): string {
  const { cluster: config } = cluster.site;
  const { namespaces, services } = cluster.objects;
  const suffix = `.svc.${config.clusterDomain}`;
  const plain = name.replace(/\.$/, '').toLowerCase();
  const setSuffix = `.svc.${config.clusterSetDomain}`;
  if (plain.endsWith(setSuffix)) return missingImport(cluster, plain.slice(0, -setSuffix.length));
  const inner = plain.endsWith(suffix) ? plain.slice(0, -suffix.length) : plain.replace(/\.svc$/, '');
  const labels = inner.split('.');
  const others = config.upstreamResolvers.join(', ') || "the node's own resolver";
  const upstream = `beyond the cluster ${others} would be asked, whose answer is not known here`;
  if (labels.length > 2) return `"${plain}" is no name of the cluster; ${upstream}`;
  const [service = '', owner = namespace] = labels;
  if (!namespaces.some((one) => nameOf(one) === owner)) return `there is no namespace "${owner}"; ${upstream}`;
  const found = services.find((one) => keyOf(one) === `${owner}/${service}`);
  if (found?.spec?.type === 'ExternalName')
    return `Service ${owner}/${service} stands for ${found.spec.externalName}; ${upstream}`;
  if (found) return `Service ${owner}/${service} is headless and has no ready endpoint`;
  const known = services.filter(({ metadata }) => metadata?.namespace === owner).map(nameOf);
  return `namespace ${owner} has no Service "${service}", it has ${known.toSorted().join(', ') || 'none'}`;
}

/** The same of a name of the cluster set, by what comes before its domain. */
function missingImport(cluster: ClusterView, inner: string): string {
  const [service = '', namespace = ''] = inner.split('.').slice(-2);
  const found = cluster.objects.imports.find((one) => keyOf(one) === `${namespace}/${service}`);
  if (!found) return `there is no ServiceImport ${namespace}/${service}: no cluster of the set exports that Service`;
  return found.spec?.type === 'Headless'
    ? `ServiceImport ${namespace}/${service} is headless and has no ready endpoint of that name`
    : `ServiceImport ${namespace}/${service} has no IPv4 address yet`;
}
