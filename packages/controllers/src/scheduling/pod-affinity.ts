import { type LabelSelector, selectorMatches } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { namespaceOf } from '../context.ts';
import type { ClusterView, NodeView } from './cluster-view.ts';

type Pod = ObjectOf<'Pod'>;
type Affinity = NonNullable<NonNullable<Pod['spec']>['affinity']>;
type Term = NonNullable<NonNullable<Affinity['podAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']>[number];

/** Why a node is out because of the pods around it; undefined: it is not. */
export type Neighbourhood = (at: NodeView) => string | undefined;

const required = (affinity: Affinity['podAffinity']): readonly Term[] =>
  affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** What required affinity and anti-affinity say, the anti-affinity of pods that are there already included. */
export function neighbourhoodOf(pod: Pod, view: ClusterView): Neighbourhood {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const wanted = required(podAffinity).map((term) => ({ term, domains: domainsOf(term, pod, view) }));
  const unwanted = required(podAntiAffinity).map((term) => ({ term, domains: domainsOf(term, pod, view) }));
  const repelled = domainsOfRepellents(pod, view);
  const isFirst = wanted.every(({ term, domains }) => domains.size === 0 && selects(term, { of: pod, pod, view }));
  return ({ labels }) => {
    const near = ({ term, domains }: (typeof wanted)[number]): boolean => domains.has(labels[term.topologyKey] ?? '');
    const isPlaced = wanted.every(({ term }) => term.topologyKey in labels);
    if (!isPlaced || !(isFirst || wanted.every(near))) return "node(s) didn't match pod affinity rules";
    if (unwanted.some(near)) return "node(s) didn't match pod anti-affinity rules";
    const isRepelled = repelled.some(({ key, value }) => labels[key] === value);
    return isRepelled ? "node(s) didn't satisfy existing pods anti-affinity rules" : undefined;
  };
}

/** Sum of the weights of preferred affinity less those of preferred anti-affinity. */
export function podPreference(pod: Pod, view: ClusterView): (at: NodeView) => number {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const weighted = [
    ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((one) => ({ ...one, sign: 1 })),
    ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((one) => ({ ...one, sign: -1 })),
  ].map(({ weight, sign, podAffinityTerm: term }) => ({
    ...{ score: weight * sign, key: term.topologyKey, domains: domainsOf(term, pod, view) },
  }));
  return ({ labels }) =>
    weighted.reduce((sum, { score, key, domains }) => sum + (domains.has(labels[key] ?? '') ? score : 0), 0);
}

/** Values of the topology key where pods are that the term selects. */
function domainsOf(term: Term, of: Pod, view: ClusterView): Set<string> {
  const found = new Set<string>();
  for (const { labels, pods } of view.nodes) {
    const value = labels[term.topologyKey];
    if (value !== undefined && !found.has(value) && pods.some((pod) => selects(term, { of, pod, view })))
      found.add(value);
  }
  return found;
}

function domainsOfRepellents(pod: Pod, view: ClusterView): { key: string; value: string }[] {
  return view.repellent.flatMap(({ pod: of, at }) =>
    required(of.spec?.affinity?.podAntiAffinity).flatMap((term) => {
      const value = at.labels[term.topologyKey];
      if (value === undefined || !selects(term, { of, pod, view })) return [];
      return [{ key: term.topologyKey, value }];
    }),
  );
}

interface Selection {
  /** Whose term it is: without namespaces in the term, its own counts. */
  readonly of: Pod;
  readonly pod: Pod;
  readonly view: ClusterView;
}

function selects({ labelSelector, namespaces = [], namespaceSelector }: Term, { of, pod, view }: Selection): boolean {
  if (!labelSelector) return false;
  const namespace = namespaceOf(pod);
  const listed = namespaces.length > 0 || namespaceSelector ? namespaces : [namespaceOf(of)];
  const isNear =
    listed.includes(namespace) ||
    (namespaceSelector && selectorMatches(namespaceSelector as LabelSelector, view.labelsOfNamespace(namespace)));
  return Boolean(isNear) && selectorMatches(labelSelector as LabelSelector, pod.metadata?.labels);
}
