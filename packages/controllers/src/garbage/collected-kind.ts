import {
  type DeleteOptions,
  KINDS,
  type KindName,
  type KnownKind,
  type ObjectCache,
  type ObjectKey,
} from '@podwire/kube';
import type { ControllerContext, Meta } from '../context.ts';
import type { CustomKind } from '../custom-kinds.ts';

/** A kind whose objects are collected; owners may be of these kinds or others. */
export interface CollectedKind {
  /** `Pod`; `widgets.example.com` for a custom resource. */
  readonly id: string;
  readonly kind: string;
  readonly group: string;
  readonly namespaced: boolean;
  readonly cache: ObjectCache<Meta>;
  readonly client: CollectorClient;
}

/** What a collector does with objects of one kind. */
interface CollectorClient {
  get(key: ObjectKey): Promise<Meta | undefined>;
  patch(key: ObjectKey, patch: object): Promise<unknown>;
  delete(key: ObjectKey, options: DeleteOptions): Promise<boolean>;
}

/** The kinds that are built in: all but Events, which live an hour. */
export const COLLECTED: readonly KindName[] = KINDS.filter(isCollected).map(({ kind }) => kind);

function isCollected({ kind, isReadOnly }: KnownKind): boolean {
  return kind !== 'Event' && !isReadOnly;
}

export function builtInKinds({ client, informers }: ControllerContext): CollectedKind[] {
  return KINDS.filter(isCollected).map(({ kind, group, namespaced }) => ({
    ...{ id: kind, kind, group, namespaced, cache: informers.of(kind) as ObjectCache<Meta> },
    client: {
      get: (key) => client.get(kind, key),
      patch: (key, patch) => client.patch(kind, key, patch),
      delete: (key, options) => client.delete(kind, key, options),
    },
  }));
}

export function collectedKind({ id, group, client, cache }: CustomKind): CollectedKind {
  const { kind, namespaced } = client.resource;
  return { id, kind, group, namespaced, client, cache: cache as ObjectCache<Meta> };
}
