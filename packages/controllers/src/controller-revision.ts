import { type Informer, type KubeClient, kindNamed, type ObjectOf } from '@podwire/kube';
import { controllerOf, nameOf, namespaceOf, objectKey, ownedBy, visible } from './context.ts';
import { isSelected, type PodOwner, REVISION_LABEL } from './pod-template.ts';

type Revision = ObjectOf<'ControllerRevision'>;
type Pod = ObjectOf<'Pod'>;

/** Of a DaemonSet or StatefulSet: its past templates are kept as ControllerRevisions, for `rollout history` and `undo`. */
export interface Revised {
  readonly kind: 'DaemonSet' | 'StatefulSet';
  readonly set: PodOwner & { readonly spec?: { readonly revisionHistoryLimit?: number; readonly selector?: object } };
  /** Of the present template: the name of the ControllerRevision, and what its pods are labelled with. */
  readonly name: string;
  readonly label: string;
  readonly pods: readonly Pod[];
  /** The name of one that is kept although no pod is of it; absent: none. */
  readonly inUse?: string | undefined;
}

export interface RevisionStore {
  readonly client: KubeClient;
  readonly revisions: Informer<'ControllerRevision'>;
}

/** The present template has the highest revision number; those no pod is of go, the oldest first, beyond the limit. */
export async function keepRevisions({ client, revisions }: RevisionStore, revised: Revised): Promise<void> {
  const { set, name, pods, inUse } = revised;
  const near = revisions.list().filter((one) => namespaceOf(one) === namespaceOf(set));
  for (const one of near.filter((other) => isLeftBehind(other, set))) {
    const owner = ownedBy(set, revised.kind, kindNamed(revised.kind).apiVersion);
    const { resourceVersion = '' } = one.metadata ?? {};
    const patch = { metadata: { resourceVersion, ownerReferences: [...(one.metadata?.ownerReferences ?? []), owner] } };
    await visible(revisions, await client.patch('ControllerRevision', objectKey(one), patch));
  }
  const mine = revisions.list().filter((one) => controllerOf(one)?.uid === set.metadata?.uid);
  const present = mine.find((one) => nameOf(one) === name);
  const past = mine.filter((one) => one !== present).toSorted((a, b) => a.revision - b.revision);
  const highest = past.at(-1)?.revision ?? 0;
  if (!present) await visible(revisions, await client.create('ControllerRevision', revisionOf(revised, highest + 1)));
  else if (present.revision <= highest)
    await visible(revisions, await client.patch('ControllerRevision', objectKey(present), { revision: highest + 1 }));
  const labels = new Set(pods.map((pod) => pod.metadata?.labels?.[REVISION_LABEL]));
  const unused = past.filter((one) => nameOf(one) !== inUse && !labels.has(one.metadata?.labels?.[REVISION_LABEL]));
  const extra = unused.length - (set.spec?.revisionHistoryLimit ?? 10);
  for (const one of unused.slice(0, Math.max(0, extra))) await client.delete('ControllerRevision', objectKey(one));
}

/** Of a set of this name that was deleted without what it owned. */
function isLeftBehind(revision: Revision, set: Revised['set']): boolean {
  const { metadata } = revision;
  return (
    !controllerOf(revision) &&
    !metadata?.deletionTimestamp &&
    nameOf(revision).startsWith(`${nameOf(set)}-`) &&
    isSelected(set, { ...(metadata ? { metadata } : {}) })
  );
}

/** Its data is a strategic merge patch that brings the template back. */
function revisionOf({ kind, set, name, label }: Revised, revision: number): Revision {
  const template = set.spec?.template;
  const annotations = (set.metadata as { annotations?: Record<string, string> } | undefined)?.annotations;
  return {
    metadata: {
      name,
      namespace: namespaceOf(set),
      labels: { ...template?.metadata?.labels, [REVISION_LABEL]: label },
      ...(annotations ? { annotations } : {}),
      ownerReferences: [ownedBy(set, kind, kindNamed(kind).apiVersion)],
    },
    data: { spec: { template: { ...template, $patch: 'replace' } } } as NonNullable<Revision['data']>,
    revision,
  };
}
