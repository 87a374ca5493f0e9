import { equalJson, type ObjectOf } from '@podwire/kube';
import { timestamp } from './clock.ts';
import type { Meta } from './context.ts';

type Conditions = NonNullable<NonNullable<ObjectOf<'Namespace'>['status']>['conditions']>;

/** Objects of one kind that are left in a namespace. */
export interface Remainder {
  /** `pods.`, `deployments.apps`. */
  readonly resource: string;
  readonly objects: readonly Meta[];
}

/**
 * What a namespace says while it is emptied: which resources are left, and which finalizers hold them. Undefined: it says so
 * already.
 */
export function namespaceConditions(
  present: Conditions,
  left: readonly Remainder[],
  now: number,
): Conditions | undefined {
  const said = [...CLEAR, remaining(left), finalizers(left)];
  const next = said.map((one) => {
    const before = present.find(({ type }) => type === one.type);
    const lastTransitionTime = before?.status === one.status ? before.lastTransitionTime : timestamp(now);
    return { ...one, lastTransitionTime };
  });
  const others = present.filter(({ type }) => !said.some((one) => one.type === type));
  const isSaid = said.every((one) =>
    present.some((old) => equalJson({ ...old, lastTransitionTime: '' }, { ...one, lastTransitionTime: '' })),
  );
  return isSaid ? undefined : ([...others, ...next] as Conditions);
}

interface Said {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Kinds are known here, and what cannot be deleted is tried again: nothing to tell. */
const CLEAR: readonly Said[] = [
  {
    ...{ type: 'NamespaceDeletionDiscoveryFailure', status: 'False', reason: 'ResourcesDiscovered' },
    message: 'All resources successfully discovered',
  },
  {
    ...{ type: 'NamespaceDeletionGroupVersionParsingFailure', status: 'False', reason: 'ParsedGroupVersions' },
    message: 'All legacy kube types successfully parsed',
  },
  {
    ...{ type: 'NamespaceDeletionContentFailure', status: 'False', reason: 'ContentDeleted' },
    message: 'All content successfully deleted, may be waiting on finalization',
  },
];

function remaining(left: readonly Remainder[]): Said {
  const type = 'NamespaceContentRemaining';
  const lines = left.map(({ resource, objects }) => `${resource} has ${objects.length} resource instances`).sort();
  if (lines.length === 0)
    return { type, status: 'False', reason: 'ContentRemoved', message: 'All content successfully removed' };
  const message = `Some resources are remaining: ${lines.join(', ')}`;
  return { type, status: 'True', reason: 'SomeResourcesRemain', message };
}

function finalizers(left: readonly Remainder[]): Said {
  const type = 'NamespaceFinalizersRemaining';
  const counts = new Map<string, number>();
  for (const { metadata } of left.flatMap(({ objects }) => objects))
    for (const name of metadata?.finalizers ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
  const lines = [...counts].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  if (lines.length === 0) {
    const message = 'All content-preserving finalizers finished';
    return { type, status: 'False', reason: 'ContentHasNoFinalizers', message };
  }
  const message = `Some content in the namespace has finalizers remaining: ${lines.join(', ')}`;
  return { type, status: 'True', reason: 'SomeFinalizersRemain', message };
}
