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

/** One list, or one page of it: all pages with the same `continue` chain show the same revision. */
export interface PageOptions extends ListOptions, CallOptions {
  /** At most so many objects; a server may give all at once. Absent: all. */
  readonly limit?: number;
  /** Where the page before ended. The server forgets it after some minutes: KUBE_GONE. */
  readonly continue?: string;
}

export interface Page<T> {
  readonly items: T[];
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly continue?: string;
}

export interface WatchOptions extends ListOptions, CallOptions {
  /** Events after this one; of no meaning with sendInitialEvents. */
  readonly resourceVersion: string;
  /**
   * The present objects come first, as ADDED, and a BOOKMARK annotated `k8s.io/initial-events-end` after them (KEP-3157).
   * Servers before 1.32, 1.33, and those without feature WatchList refuse it: KUBE_INVALID.
   */
  readonly sendInitialEvents?: boolean;
  /** Called when the server has agreed to the watch, be there events or not; clients in process do not call it. */
  readonly opened?: () => void;
}

export interface CallOptions {
  /** Ends the request; the call rejects with the signal's reason. Clients in process may answer nevertheless. */
  readonly signal?: AbortSignal;
}

/** What a write may ask for; a client in process checks strictly and knows no trial run. */
export interface WriteOptions extends CallOptions {
  /** Who owns the fields that are written (KEP-555). */
  readonly fieldManager?: string;
  /** Checks and answers as if, but changes nothing. */
  readonly dryRun?: boolean;
  /** What of unknown and repeated fields. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
}

export interface PatchOptions extends WriteOptions {
  /** Default 'merge' (RFC 7386). */
  readonly type?: 'merge' | 'strategic' | 'json' | 'apply';
  readonly subresource?: 'status' | 'scale';
  /** Of an apply: takes over fields that others manage. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
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
  get<K extends KindName>(kind: K, key: ObjectKey, options?: CallOptions): Promise<ObjectOf<K> | undefined>;
  list<K extends KindName>(kind: K, options?: PageOptions): Promise<Page<ObjectOf<K>>>;
  create<K extends KindName>(kind: K, object: ObjectOf<K>, options?: WriteOptions): Promise<ObjectOf<K>>;
  /** PUT; fails with KUBE_CONFLICT when metadata.resourceVersion is set and old. */
  update<K extends KindName>(
    kind: K,
    object: ObjectOf<K>,
    subresource?: 'status' | 'approval',
    options?: WriteOptions,
  ): Promise<ObjectOf<K>>;
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
    options: WatchOptions,
    onEvent: (event: WatchEvent<ObjectOf<K>>) => void,
  ): Promise<void>;
  /** Whether watch() knows sendInitialEvents; the server behind it may not. Absent: no. */
  readonly streamsLists?: boolean;
  close(): void;
}
