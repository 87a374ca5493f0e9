import type { IpAddress } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { Node, RoomContext } from '@podwire/kube';
import { openNet } from '@podwire/net';
import type { NodeModel } from './model.ts';
import { nodeFromApi } from './model-from-api.ts';

/** Cluster autoscaler's word that a node goes soon. */
const DOOMED = 'ToBeDeletedByClusterAutoscaler';

interface Context extends Pick<RoomContext, 'nodeName' | 'config'> {
  readonly netns?: Netns;
}

/** What the room knows of its own node, from the API server and, for node ports in given ranges, from the kernel. */
export class NodeState {
  readonly #context: Context;
  #node: Node | undefined;
  #deleted = false;
  #dirty = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Another node changes nothing. */
  put(node: Node): void {
    if (node.metadata?.name !== this.#context.nodeName) return;
    this.#node = node;
    this.#deleted = false;
    this.#dirty = true;
  }

  /** The API server told something since `model` was read. */
  get dirty(): boolean {
    return this.#dirty;
  }

  /** A deleted node keeps its rules: traffic goes on while it drains. */
  remove(node: Node): void {
    if (node.metadata?.name === this.#context.nodeName) this.#deleted = true;
  }

  /** Balancers may send to it: it is not being deleted. */
  get eligible(): boolean {
    const { metadata, spec } = this.#node ?? {};
    return !this.#deleted && !metadata?.deletionTimestamp && !spec?.taints?.some(({ key }) => key === DOOMED);
  }

  /** Whether the model depends on what the kernel has. */
  get movable(): boolean {
    return (this.#context.config.nodePortAddresses?.length ?? 0) > 0;
  }

  /** What to do about a Node object that is not there, in words; once all objects have been told. */
  problems(): readonly string[] {
    const { nodeName } = this.#context;
    if (!this.#node)
      return [
        `there is no Node ${nodeName}, whose addresses, pod ranges and zone the rules need: until it is there no node port has an address by it, and hints for zones are not followed; see that it is registered, or give the agent the name it has (--node)`,
      ];
    return this.#deleted
      ? [`Node ${nodeName} was deleted: its services stay as they are, and balancers are told to send nothing`]
      : [];
  }

  model(): NodeModel {
    const { nodeName, config } = this.#context;
    const ranges = config.nodePortAddresses ?? [];
    const local = this.movable ? this.#localAddresses() : [];
    this.#dirty = false;
    return nodeFromApi(this.#node, nodeName, { ranges, local });
  }

  #localAddresses(): IpAddress[] {
    const net = openNet(this.#context.netns);
    try {
      return net.addresses().map(({ address }) => address);
    } finally {
      net.close();
    }
  }
}
