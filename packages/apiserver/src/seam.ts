/**
 * The types between the core of the API server (core/: store, verbs, patches, admission, transport) and the parts that
 * know the kinds' fields and kubectl's needs.
 *
 *   schema/index.ts   createSchema(): Schema
 *   surface/index.ts  createSurface(options: SurfaceOptions): Surface;  openPki(options: PkiOptions): Promise<Pki>
 *   streams/index.ts  createStreams(podStreams: PodStreams | undefined): Streams
 *
 *   request ─▶ transport ─▶ authenticate ─▶ surface.respond ──undefined──▶ verbs ─▶ schema, admission ─▶ store
 *                     └─ upgrade, pods/log ─▶ streams                       └─ Accept: as=Table ─▶ surface.table
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { Kind, Pod } from '@podwire/kube';
import type { ObjectMeta, StatusCause } from 'kubernetes-types/meta/v1.js';
import type { KindRegistry } from './core/kind-registry.ts';
import type { CustomResources } from './custom/custom-resources.ts';

export type { StatusCause };

/** Any API object as plain JSON data. Stored objects are frozen in depth. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<ObjectMeta>;
  readonly [field: string]: unknown;
}

/** Who makes a request. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  /** Of the service account, or as impersonated. */
  readonly uid?: string | undefined;
  /** What else is known, by lower-case keys. */
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

export type Aside = <T>(wait: () => Promise<T>) => Promise<T>;

export interface ApiRequest {
  readonly method: string;
  /** Decoded by nobody yet: `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The query as it was sent, with its question mark; absent: none. */
  readonly search?: string;
  readonly headers: IncomingHttpHeaders;
  readonly user: User;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** Adds to the line of the audit file. */
  readonly annotate?: (key: string, value: string) => void;
  /** Waits for somebody who may be waiting for this server: the request counts as none meanwhile. */
  readonly aside?: Aside;
  /** The whole body; throws the failure Status for more than 3 MiB. */
  body(): Promise<Buffer>;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** An object is sent as application/json unless the headers name another content type. */
  readonly body?: Buffer | string | object;
  /** What comes when it comes: a watch, a log. */
  readonly stream?: Readable;
  /** A long answer, made as it is taken: each piece lasts until the next is asked for. */
  readonly chunks?: Iterable<Buffer>;
}

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface Validated {
  /** With defaults; the input itself is not changed. */
  readonly object: ApiObject;
  /** `unknown field "spec.replcas"`: 400 when Strict, Warning headers when Warn. Empty when Ignore. */
  readonly unknown: readonly string[];
  /** A value of the wrong JSON type, in the decoder's words: 400 `Pod in version "v1" cannot be handled as a Pod: ...`. */
  readonly decodeError?: string;
  /** Further Warning headers, e.g. of deprecated fields. */
  readonly warnings: readonly string[];
  /** Invalid values: 422. Each has reason, field and message as the real server writes them, e.g.
   * FieldValueRequired, `spec.ports`, `Required value`. */
  readonly causes: readonly StatusCause[];
}

export interface ValidateOptions {
  readonly fieldValidation: FieldValidation;
  /** The stored object when this is an update. */
  readonly old?: ApiObject;
  /** Of an update through a path that has rules of its own: `resize`. */
  readonly subresource?: string | undefined;
  /** The version of a custom resource the client wrote in; absent: that it is stored in. */
  readonly apiVersion?: string | undefined;
}

/** What the OpenAPI document says about a list or map field. */
export interface MergeRule {
  /** x-kubernetes-patch-strategy: 'merge', 'replace', 'retainKeys' or 'merge,retainKeys', split. */
  readonly patchStrategy: readonly string[];
  /** x-kubernetes-patch-merge-key. */
  readonly patchMergeKey?: string;
  /** x-kubernetes-list-type; server-side apply. */
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** x-kubernetes-map-type of the field or its type: 'atomic' for selectors; of a list, that of its items. */
  readonly mapType?: 'atomic' | 'granular';
}

/** Synchronous, pure, never throws. metadata has been filled in by the core before (name, namespace, uid...). */
export interface Schema {
  validateAndDefault(kind: Kind, object: ApiObject, options: ValidateOptions): Validated;
  /** `path` names fields from the root without list indexes: ['spec', 'template', 'spec', 'containers', 'ports']. */
  mergeRule(kind: Kind, path: readonly string[]): MergeRule | undefined;
}

export interface TableOptions {
  readonly includeObject: 'Metadata' | 'Object' | 'None';
  /** False for all but the first event of a watch. */
  readonly columns: boolean;
  /** The version asked for; absent: that the kind is stored in. */
  readonly apiVersion?: string;
  /** metadata of the Table. */
  readonly listMeta: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

export interface SurfaceOptions {
  readonly kinds: KindRegistry;
  /** Absent: none are served. */
  readonly custom?: CustomResources;
}

export interface Surface {
  /** /version, /api, /apis and their group lists, /openapi, health paths; undefined: none of them. */
  respond(request: ApiRequest): Promise<ApiResponse | undefined>;
  /** A meta.k8s.io/v1 Table. */
  table(kind: Kind, objects: readonly ApiObject[], options: TableOptions): object;
}

/** An upgrade for a pod that exists and a user who is let in. */
export interface UpgradeTarget {
  readonly pod: Pod;
  readonly subresource: 'exec' | 'attach' | 'portforward';
  readonly query: URLSearchParams;
}

export interface Streams {
  /** GET pods/NAME/log. */
  log(pod: Pod, request: ApiRequest): Promise<ApiResponse>;
  /** A connection to a port of a pod. */
  connect(pod: Pod, port: number): Promise<Duplex>;
  /** A connection to a port of a node. */
  connectNode(name: string, port: number): Promise<Duplex>;
  /**
   * Answers the HTTP/1.1 upgrade (WebSocket or SPDY) with 101 and owns the socket from here on; throws a Status, with
   * nothing answered yet, for what it does not take.
   */
  upgrade(target: UpgradeTarget, request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface PkiOptions {
  /** Where keys are kept (0600); absent: memory only. */
  readonly directory?: string;
  /** DNS names and addresses of the serving certificate. */
  readonly names: readonly string[];
}

/** PEM texts. Client certificates: CN is the user's name, each O a group. */
export interface Pki {
  readonly ca: string;
  /** The authority's private key. */
  readonly key: string;
  readonly serving: { readonly cert: string; readonly key: string };
  /** User kubernetes-admin in group system:masters. */
  readonly admin: { readonly cert: string; readonly key: string };
}
