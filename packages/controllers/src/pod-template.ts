import { type LabelSelector, selectorMatches } from '@podwire/base';
import { type KindName, type KubeClient, kindNamed, type ObjectOf } from '@podwire/kube';
import { type Meta, objectKey, ownedBy } from './context.ts';

type Pod = ObjectOf<'Pod'>;
type Template = NonNullable<NonNullable<ObjectOf<'ReplicaSet'>['spec']>['template']>;

/** The hash of the template a pod was made of, for kinds that replace pods in place of whole sets. */
export const REVISION_LABEL = 'controller-revision-hash';

/** Most pods made or deleted in one pass, and most that may wait for an address, per workload. */
export const PASS_LIMIT = 500;

/** How many pods may be added: a number of replicas no cluster can hold must not fill the memory with waiting pods. */
export function mayStart(pods: readonly Pod[]): number {
  return Math.max(0, PASS_LIMIT - pods.filter((pod) => !pod.status?.podIP).length);
}

/** A workload that makes pods itself: ReplicaSet, DaemonSet, StatefulSet or Job. */
export interface PodOwner extends Meta {
  readonly spec?: { readonly template?: Template };
}

/** A pod of the owner's template, with a generated name. */
export function podFromTemplate(owner: PodOwner, kind: KindName, labels: Record<string, string> = {}): Pod {
  const template = owner.spec?.template;
  const all = { ...template?.metadata?.labels, ...labels };
  return {
    metadata: {
      generateName: `${owner.metadata?.name}-`,
      ...(owner.metadata?.namespace ? { namespace: owner.metadata.namespace } : {}),
      ...(Object.keys(all).length > 0 ? { labels: all } : {}),
      ...(template?.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
      ownerReferences: [ownedBy(owner, kind, kindNamed(kind).apiVersion)],
    },
    ...(template?.spec ? { spec: template.spec } : {}),
  };
}

/** Whether the selector of a set selects the pod; one without a selector selects nothing. */
export function isSelected({ spec }: { readonly spec?: { readonly selector?: object } }, { metadata }: Pod): boolean {
  return spec?.selector !== undefined && selectorMatches(spec.selector as LabelSelector, metadata?.labels);
}

/** Deletes exactly this pod, not a later one of the same name. */
export async function deletePod(client: KubeClient, pod: Pod): Promise<void> {
  await client.delete('Pod', objectKey(pod), { ...(pod.metadata?.uid ? { uid: pod.metadata.uid } : {}) });
}

/** Whether a status already says what it should, whatever else it says. */
export function statusIs(present: object | undefined, wanted: object): boolean {
  const known = (present ?? {}) as Record<string, unknown>;
  return Object.entries(wanted).every(([field, value]) => JSON.stringify(known[field] ?? 0) === JSON.stringify(value));
}

/** The merge patch of a status: numbers that are 0 go, as Kubernetes leaves them out (omitempty), but for the `required` ones. */
export function statusPatch(status: object, required: readonly string[] = []): object {
  const entries = Object.entries(status);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value === 0 && !required.includes(name) ? null : value]),
  );
}
