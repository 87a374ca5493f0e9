import { type Amounts, addAmounts, amountsOf, isPodOver, type ObjectOf, podRequests } from '@podwire/kube';
import { isActive, nameOf, namespaceOf } from '../context.ts';
import { type HostPort, hostPortsOf } from './host-ports.ts';
import { NO_STORAGE, type StorageView } from './storage-view.ts';

type Pod = ObjectOf<'Pod'>;
type Node = ObjectOf<'Node'>;

/** A node and the pods it has, as one scheduling pass sees them. */
export interface NodeView {
  readonly node: Node;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined: the node does not say; it holds whatever comes. */
  readonly allocatable: Amounts | undefined;
  pods: Pod[];
  requested: Amounts;
  hostPorts: HostPort[];
}

interface Around {
  readonly namespaces?: readonly ObjectOf<'Namespace'>[];
  readonly storage?: StorageView;
}

/** What the cluster looks like, with the choices of this pass. */
export class ClusterView {
  readonly nodes: readonly NodeView[];
  readonly storage: StorageView;
  /** Pods that keep others away, with where they are. */
  repellent: { readonly pod: Pod; readonly at: NodeView }[] = [];
  readonly #byName: ReadonlyMap<string, NodeView>;
  readonly #namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;

  constructor(nodes: readonly Node[], pods: readonly Pod[], { namespaces = [], storage = NO_STORAGE }: Around = {}) {
    this.storage = storage;
    this.nodes = nodes.map(viewOf);
    this.#byName = new Map(this.nodes.map((view) => [view.name, view]));
    this.#namespaces = new Map(namespaces.map((one) => [nameOf(one), one.metadata?.labels ?? {}]));
    for (const pod of pods) if (pod.spec?.nodeName) this.place(pod, pod.spec.nodeName);
  }

  at(nodeName: string): NodeView | undefined {
    return this.#byName.get(nodeName);
  }

  /** The pod is on this node from now on; one that is over takes nothing. */
  place(pod: Pod, nodeName: string): void {
    const view = this.#byName.get(nodeName);
    if (!view || isPodOver(pod)) return;
    const [requested, ports] = [podRequests(pod), hostPortsOf(pod)];
    view.pods.push(pod);
    view.requested = addAmounts(view.requested, requested);
    view.hostPorts.push(...ports);
    if (pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length)
      this.repellent.push({ pod, at: view });
  }

  /** As if the pod was gone from this node. */
  remove(pod: Pod, at: NodeView): void {
    at.pods = at.pods.filter((other) => other !== pod);
    at.requested = at.pods.reduce((all, other) => addAmounts(all, podRequests(other)), new Map<string, number>());
    at.hostPorts = at.pods.flatMap(hostPortsOf);
    this.repellent = this.repellent.filter((one) => one.pod !== pod);
  }

  labelsOfNamespace(name: string): Readonly<Record<string, string>> {
    return this.#namespaces.get(name) ?? {};
  }
}

function viewOf(node: Node): NodeView {
  const { allocatable } = node.status ?? {};
  return {
    ...{ node, name: nameOf(node), labels: node.metadata?.labels ?? {} },
    allocatable: allocatable && amountsOf(allocatable),
    ...{ pods: [], requested: new Map(), hostPorts: [] },
  };
}

/** Pods of one namespace that are neither over nor on their way out. */
export function livingPods({ pods }: NodeView, namespace: string): Pod[] {
  return pods.filter((pod) => isActive(pod) && namespaceOf(pod) === namespace);
}
