import type { KindName, Namespace, ObjectOf } from './kinds.ts';

export interface ObjectKey {
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface PatchOptions {
  /** Default 'merge' (RFC 7386). */
  readonly type?: 'merge' | 'strategic' | 'json' | 'apply';
  readonly subresource?: 'status' | 'scale';
  readonly fieldManager?: string;
  readonly force?: boolean;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  /** Deletes only this incarnation. */
  readonly uid?: string;
}

export type WatchEvent<T> = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T };

/**
 * The Kubernetes API, typed. Errors are PodwireError with code KUBE_NOT_FOUND, KUBE_CONFLICT, KUBE_ALREADY_EXISTS,
 * KUBE_INVALID, KUBE_GONE, KUBE_FORBIDDEN, KUBE_UNAVAILABLE (no connection) or KUBE_API (anything else); the Status
 * object is in `details.status`.
 */
export interface KubeClient {
  /** Undefined when there is no such object. */
  get<K extends KindName>(kind: K, key: ObjectKey): Promise<ObjectOf<K> | undefined>;
  list<K extends KindName>(kind: K, options?: ListOptions): Promise<{ items: ObjectOf<K>[]; resourceVersion: string }>;
  create<K extends KindName>(kind: K, object: ObjectOf<K>): Promise<ObjectOf<K>>;
  /** PUT; fails with KUBE_CONFLICT when metadata.resourceVersion is set and old. */
  update<K extends KindName>(kind: K, object: ObjectOf<K>, subresource?: 'status'): Promise<ObjectOf<K>>;
  patch<K extends KindName>(kind: K, key: ObjectKey, patch: unknown, options?: PatchOptions): Promise<ObjectOf<K>>;
  /** False when there was no such object. */
  delete(kind: KindName, key: ObjectKey, options?: DeleteOptions): Promise<boolean>;
  /** Assigns a pod to a node; KUBE_CONFLICT when it has one. */
  bind(pod: ObjectKey, nodeName: string): Promise<void>;
  /** Replaces spec.finalizers of a Namespace; the last one gone, a terminating namespace is removed. */
  finalizeNamespace(namespace: Namespace): Promise<void>;
  /** Calls onEvent in order until the server ends the watch (resolves) or it fails (rejects; KUBE_GONE: list again). */
  watch<K extends KindName>(
    kind: K,
    options: ListOptions & { readonly resourceVersion: string; readonly signal?: AbortSignal },
    onEvent: (event: WatchEvent<ObjectOf<K>>) => void,
  ): Promise<void>;
  close(): void;
}
