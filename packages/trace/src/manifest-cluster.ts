import { type IpAddress, PodwireError, type Prefix, tryParsePrefix } from '@podwire/base';
import { nextNodeCidr, placePod, planMirror, planSlices, planTopology } from '@podwire/controllers';
import { type EndpointSlice, machineResources, type Namespace, type Node, type Pod, type Service } from '@podwire/kube';
import { createAddressPool } from '@podwire/pods';
import { type ClusterObjects, keyOf, type ManifestObjects, nameOf } from './cluster-objects.ts';
import { placeImports } from './manifest-imports.ts';
import { placeServices } from './manifest-services.ts';
import { routerOf, type Site } from './site.ts';
import { workloadPods } from './workload-pods.ts';

const ZONE = 'topology.kubernetes.io/zone';
const READY = [{ type: 'Ready', status: 'True' }] as const;

/**
 * What a lab would make of the manifests: nodes with podCIDRs, workloads' pods, placement, addresses, endpoints. Every
 * choice is the one the controllers would make of objects that come one after the other; pods count as ready. What the
 * manifests say already (nodeName, podIP, clusterIP, Nodes, EndpointSlices) stays. Throws TRACE_PLACEMENT.
 */
export function manifestCluster(objects: ManifestObjects, site: Site): ClusterObjects {
  const nodes = placeNodes(objects.nodes, site);
  const pods = placePods([...objects.pods, ...workloadPods(objects, nodes)], nodes);
  const services = placeServices(objects.services, site.cluster);
  const topology = planTopology(nodes);
  const written = new Set(objects.slices.map(serviceOf));
  const planned = services
    .filter((service) => !written.has(keyOf(service)))
    .flatMap((service) => planSlices(service, { pods, topology }).slices);
  const byKey = new Map(services.map((service) => [keyOf(service), service]));
  const mirrored = objects.endpoints
    .filter((endpoints) => !written.has(keyOf(endpoints)))
    .flatMap((endpoints) => planMirror(endpoints, byKey.get(keyOf(endpoints)), []).slices);
  const slices = written.has('default/kubernetes') ? [] : [apiServerSlice(site)];
  const all = [...objects.slices, ...planned, ...mirrored, ...slices];
  const imported = placeImports(objects, { services, slices: all }, site.cluster);
  const namespaces = namespacesOf([...pods, ...services, ...imported.imports, ...objects.policies], objects.namespaces);
  return {
    pods,
    services,
    ...imported,
    nodes,
    namespaces,
    policies: objects.policies,
  };
}

const serviceOf = ({ metadata }: EndpointSlice): string =>
  `${metadata?.namespace}/${metadata?.labels?.['kubernetes.io/service-name']}`;

function placeNodes(given: readonly Node[], site: Site): Node[] {
  const nodes = given.length > 0 ? given : site.nodes.map(nodeOf);
  const taken: Prefix[] = nodes
    .flatMap((node) => node.spec?.podCIDRs ?? [])
    .flatMap((text) => tryParsePrefix(text) ?? []);
  return nodes.map((node) => {
    if (node.spec?.podCIDRs || node.spec?.podCIDR) return node;
    const podCIDRs = site.cluster.podCidrs.flatMap((range) => nextNodeCidr(range, taken) ?? []);
    if (podCIDRs.length === 0) throw outOf(`Node ${nameOf(node)}`, `podCidrs ${site.cluster.podCidrs.join(', ')}`);
    taken.push(...podCIDRs);
    return { ...node, spec: { ...node.spec, podCIDRs } };
  });
}

function nodeOf({ name, address, zone }: Site['nodes'][number]): Node {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, [ZONE]: zone } },
    status: {
      addresses: [{ type: 'InternalIP', address }],
      conditions: [...READY],
      allocatable: machineResources(),
    },
  };
}

function placePods(pods: readonly Pod[], nodes: readonly Node[]): Pod[] {
  const placed: Pod[] = [];
  for (const pod of pods) {
    const place = pod.spec?.nodeName ? { node: pod.spec.nodeName } : placePod(pod, nodes, placed);
    if ('refused' in place)
      throw new PodwireError('TRACE_PLACEMENT', `pod ${keyOf(pod)} fits on no node: ${place.refused}`);
    placed.push({ ...pod, spec: { containers: [], ...pod.spec, nodeName: place.node } });
  }
  const pools = new Map(
    nodes.map((node) => [
      nameOf(node),
      createAddressPool(tryParsePrefix(node.spec?.podCIDRs?.[0] ?? node.spec?.podCIDR ?? '') ?? NO_ADDRESSES),
    ]),
  );
  for (const pod of placed)
    if (pod.status?.podIP) pools.get(pod.spec?.nodeName ?? '')?.claim(pod.status.podIP as IpAddress, keyOf(pod));
  return placed.map((pod) => {
    if (pod.status?.podIP) return pod;
    const node = nodes.find((one) => nameOf(one) === pod.spec?.nodeName);
    const own = pod.spec?.hostNetwork ? internalIp(node) : pools.get(nameOf(node ?? {}))?.allocate(keyOf(pod));
    if (!own) throw outOf(`pod ${keyOf(pod)}`, `node ${pod.spec?.nodeName}`);
    return {
      ...pod,
      status: { ...pod.status, phase: 'Running', podIP: own, podIPs: [{ ip: own }], conditions: [...READY] },
    };
  });
}

const NO_ADDRESSES = '0.0.0.0/32' as Prefix;
const internalIp = (node: Node | undefined): string | undefined =>
  node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;

function outOf(what: string, where: string): PodwireError {
  return new PodwireError('TRACE_PLACEMENT', `${what} gets no address: ${where} has none left`);
}

/** Where the router is, a lab's API server listens. */
function apiServerSlice(site: Site): EndpointSlice {
  return {
    metadata: { namespace: 'default', name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
    endpoints: [{ addresses: [routerOf(site)], conditions: { ready: true } }],
  };
}

function namespacesOf(
  objects: readonly (Pod | Service | ManifestObjects['imports' | 'policies'][number])[],
  given: readonly Namespace[],
): Namespace[] {
  const known = new Set(given.map(nameOf));
  const needed = new Set(['default', 'kube-system', ...objects.map(({ metadata }) => metadata?.namespace ?? '')]);
  return [...given, ...[...needed].filter((name) => !known.has(name)).map((name) => ({ metadata: { name } }))];
}
