import { type LabelSelector, selectorMatches } from '@podwire/base';
import type { Direction, Peer, Policy, PolicyModel, PolicyPod } from './model.ts';

/** Answers "which pods" for one model; each distinct question is worked out once. */
export class Selection {
  readonly #model: PolicyModel;
  readonly #byNamespace: ReadonlyMap<string, readonly PolicyPod[]>;
  readonly #answers = new Map<string, readonly PolicyPod[]>();

  constructor(model: PolicyModel) {
    this.#model = model;
    this.#byNamespace = Map.groupBy(model.pods, (pod) => pod.namespace);
  }

  inNamespace(namespace: string, selector: LabelSelector): readonly PolicyPod[] {
    return (this.#byNamespace.get(namespace) ?? []).filter((pod) => selectorMatches(selector, pod.labels));
  }

  /** The pods a peer of a policy in `namespace` stands for. */
  peerPods(peer: Extract<Peer, { kind: 'pods' }>, namespace: string): readonly PolicyPod[] {
    const question = JSON.stringify([peer.namespaces ?? namespace, peer.pods]);
    let answer = this.#answers.get(question);
    if (!answer) {
      answer = this.#namespacesOf(peer, namespace).flatMap((name) => this.inNamespace(name, peer.pods ?? {}));
      this.#answers.set(question, answer);
    }
    return answer;
  }

  #namespacesOf({ namespaces }: Extract<Peer, { kind: 'pods' }>, own: string): readonly string[] {
    if (!namespaces) return [own];
    return [...this.#model.namespaces]
      .filter(([, labels]) => selectorMatches(namespaces, labels))
      .map(([name]) => name);
  }
}

/** Every local pod that some policy isolates in that direction, with the policies that do. */
export function isolatedPods(model: PolicyModel, selection: Selection, direction: Direction): Map<PolicyPod, Policy[]> {
  const isolated = new Map<PolicyPod, Policy[]>();
  for (const policy of model.policies) {
    if (policy[direction] === undefined) continue;
    for (const pod of selection.inNamespace(policy.namespace, policy.selector)) {
      if (!pod.local) continue;
      const policies = isolated.get(pod);
      if (policies) policies.push(policy);
      else isolated.set(pod, [policy]);
    }
  }
  return isolated;
}
