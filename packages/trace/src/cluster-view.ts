import { isPodOver, type Pod } from '@podwire/kube';
import { type ClusterObjects, keyOf, nameOf } from './cluster-objects.ts';
import { type NodeView, planNode } from './node-view.ts';
import { podAddress } from './pod-attachment.ts';
import { NODE_LOCAL_DNS, type Site } from './site.ts';

/** The whole cluster as planned; a node is planned when it is first asked for. */
export class ClusterView {
  readonly objects: ClusterObjects;
  readonly site: Site;
  readonly #nodes = new Map<string, NodeView>();

  constructor(objects: ClusterObjects, site: Site) {
    this.objects = objects;
    this.site = site;
  }

  node(name: string): NodeView | undefined {
    const known = this.#nodes.get(name);
    const object = this.objects.nodes.find((node) => nameOf(node) === name);
    if (known || !object) return known;
    const view = planNode(object, this.objects, this.site);
    this.#nodes.set(name, view);
    return view;
  }

  nodes(): NodeView[] {
    return this.objects.nodes.flatMap((node) => this.node(nameOf(node)) ?? []);
  }

  pod(key: string): Pod | undefined {
    return this.objects.pods.find((pod) => keyOf(pod) === key);
  }

  /** The pod whose own address it is. */
  podAt(address: string): Pod | undefined {
    return this.objects.pods.find((pod) => !pod.spec?.hostNetwork && !isPodOver(pod) && podAddress(pod) === address);
  }

  /** The node that an address belongs to; none for those that every node has. */
  nodeAt(address: string): NodeView | undefined {
    const everywhere = ['127.0.0.1', this.site.cluster.dnsAddress, NODE_LOCAL_DNS] as string[];
    return everywhere.includes(address) ? undefined : this.nodes().find((node) => node.local.has(address));
  }

  /** `shop/front-1`, `node-1`, or the address alone. */
  nameOf(address: string): string {
    const pod = this.podAt(address);
    if (pod) return keyOf(pod);
    return this.objects.nodes.map(nameOf).find((name) => this.node(name)?.address === address) ?? address;
  }
}
