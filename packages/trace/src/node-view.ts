import type { IpAddress, Prefix } from '@podwire/base';
import { type FabricDesired, fabricModel, planFabric } from '@podwire/fabric';
import type { Node } from '@podwire/kube';
import { announcedAddresses, announcingNodes, planAnnouncement } from '@podwire/loadbalancer';
import type { Table } from '@podwire/nft';
import { type Attachment, gatewayOf, ownNode, planTables, podsModel } from '@podwire/pods';
import { buildModel, type PolicyModel, plan as planPolicy } from '@podwire/policy';
import { modelFromApi, plan as planServices, type ServicesModel } from '@podwire/services';
import { type ClusterObjects, keyOf, nameOf } from './cluster-objects.ts';
import { hasDirectReturn } from './direct-step.ts';
import { attachmentOf } from './pod-attachment.ts';
import { NODE_LOCAL_DNS, type Site, UNDERLAY_MTU, UPLINK } from './site.ts';

/** What the rooms of one node plan, side by side. */
export interface NodeView {
  readonly name: string;
  readonly address: IpAddress | undefined;
  readonly podCidr: Prefix | undefined;
  /** In the order in which chains of one hook and priority run. */
  readonly tables: readonly Table[];
  readonly services: ServicesModel;
  readonly policy: PolicyModel;
  readonly fabric: FabricDesired | undefined;
  /** Of the pods on this node, by address. */
  readonly attachments: ReadonlyMap<string, Attachment>;
  /** What the node itself answers to, and why. */
  readonly local: ReadonlyMap<string, string>;
}

export function planNode(node: Node, objects: ClusterObjects, site: Site): NodeView {
  const name = nameOf(node);
  const { cluster } = site;
  const own = ownNode(cluster, node);
  const attachments = objects.pods
    .filter((pod) => pod.spec?.nodeName === name)
    .flatMap((pod) => attachmentOf(pod, cluster) ?? []);
  const services = modelFromApi({ ...objects, node, nodeName: name, ...cluster });
  const policy = buildModel({ ...objects, nodeName: name, dnsAddresses: [cluster.dnsAddress, NODE_LOCAL_DNS] });
  const fabric = planFabric(fabricModel(name, cluster, objects.nodes), {
    link: UPLINK,
    mtu: UNDERLAY_MTU,
    onLink: [site.underlay],
  });
  return {
    ...{ name, services, policy, fabric, address: own.address, podCidr: own.podCidr },
    tables: [
      ...planTables(podsModel(cluster, own, objects.nodes, attachments)),
      ...planServices(hasDirectReturn(cluster.proxyMode) ? services : withoutDirect(services)).tables,
      planPolicy(policy).table,
    ],
    attachments: new Map(attachments.map((attachment) => [attachment.address, attachment])),
    local: localAddresses({ name, address: own.address, podCidr: own.podCidr, fabric }, objects, site),
  };
}

/** As modes see it that serve every client the ordinary way. */
function withoutDirect(model: ServicesModel): ServicesModel {
  return { ...model, services: model.services.map(({ forwarding: _, ...service }) => service) };
}

type Basics = Pick<NodeView, 'name' | 'address' | 'podCidr' | 'fabric'>;

function localAddresses(view: Basics, objects: ClusterObjects, { cluster }: Site): Map<string, string> {
  const { name, address, podCidr, fabric } = view;
  const local = new Map<string, string>([
    ['127.0.0.1', 'loopback'],
    [cluster.dnsAddress, `the DNS server of ${name}`],
    [NODE_LOCAL_DNS, `the DNS server of ${name}`],
  ]);
  if (address) local.set(address, `node ${name}`);
  if (fabric?.vxlan) local.set(fabric.vxlan.address, `the VTEP of ${name}`);
  if (podCidr && cluster.wiring === 'bridge') local.set(gatewayOf(podCidr), `the bridge of ${name}`);
  for (const [own, service] of announced(name, objects, cluster.loadBalancerPools)) local.set(own, service);
  return local;
}

/** Load-balancer addresses this node has on its uplink. */
function announced(nodeName: string, objects: ClusterObjects, pools: readonly Prefix[]): [IpAddress, string][] {
  const nodes = announcingNodes(objects.nodes);
  const slices = Map.groupBy(
    objects.slices,
    ({ metadata }) => `${metadata?.namespace}/${metadata?.labels?.['kubernetes.io/service-name']}`,
  );
  const addresses = objects.services.flatMap((service) =>
    announcedAddresses(service, slices.get(keyOf(service)) ?? [], pools),
  );
  return planAnnouncement({ nodeName, nodes, addresses }).own.map((own) => [
    own,
    `a load-balancer address on ${nodeName}`,
  ]);
}
