import type {
  CallOptions,
  DeleteOptions,
  ObjectKey,
  Page,
  PageOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../client.ts';
import { Connection } from '../connection/connection.ts';
import type { Endpoint } from '../connection/endpoint.ts';
import type { ManifestObject } from '../manifest.ts';
import { type PatchQuery, RestClient, type Target } from '../rest-client.ts';
import { type DiscoveredResource, Discovery } from './discovery.ts';

export interface SubresourceOptions extends WriteOptions {
  /** `status`, `scale` ... */
  readonly subresource?: string;
}

export interface DynamicPatchOptions extends SubresourceOptions {
  /** Default 'merge' (RFC 7386); custom resources have no 'strategic'. */
  readonly type?: PatchQuery['type'];
}

export interface ApplyOptions extends SubresourceOptions {
  /** Who owns the fields that are applied from now on. */
  readonly fieldManager: string;
  /** Takes over what others manage; otherwise that is KUBE_CONFLICT, which names them. */
  readonly force?: boolean;
}

/** Objects of one kind, as plain data. Errors are those of KubeClient. */
export interface ResourceClient {
  readonly resource: DiscoveredResource;
  /** Undefined when there is no such object. */
  get(key: ObjectKey, options?: CallOptions & { readonly subresource?: string }): Promise<ManifestObject | undefined>;
  list(options?: PageOptions): Promise<Page<ManifestObject>>;
  create(object: ManifestObject, options?: SubresourceOptions): Promise<ManifestObject>;
  update(object: ManifestObject, options?: SubresourceOptions): Promise<ManifestObject>;
  patch(key: ObjectKey, patch: unknown, options?: DynamicPatchOptions): Promise<ManifestObject>;
  /** Server-side apply (KEP-555): the object has these fields, whatever it has beside them. */
  apply(object: ManifestObject, options: ApplyOptions): Promise<ManifestObject>;
  /** False when there was no such object. */
  delete(key: ObjectKey, options?: DeleteOptions): Promise<boolean>;
  watch(options: WatchOptions, onEvent: (event: WatchEvent<ManifestObject>) => void): Promise<void>;
}

/** Kinds that are known at run time only, e.g. of CRDs. */
export interface DynamicClient {
  /** What the server has of a group version; empty when it has none. */
  resources(apiVersion: string): Promise<readonly DiscoveredResource[]>;
  /** Throws KUBE_NO_KIND. */
  of(apiVersion: string, kind: string): Promise<ResourceClient>;
  /** Server-side apply of an object of whatever kind. */
  apply(object: ManifestObject, options: ApplyOptions): Promise<ManifestObject>;
  close(): void;
}

export function createDynamicClient(endpoint: Endpoint): DynamicClient {
  const rest = new RestClient(new Connection(endpoint));
  const discovery = new Discovery(rest);
  const of = async (apiVersion: string, kind: string): Promise<ResourceClient> =>
    new RestResourceClient(rest, await discovery.resource(apiVersion, kind));
  return {
    resources: (apiVersion) => discovery.resources(apiVersion),
    of,
    apply: async (object, options) => (await of(object.apiVersion, object.kind)).apply(object, options),
    close: () => rest.close(),
  };
}

class RestResourceClient implements ResourceClient {
  readonly resource: DiscoveredResource;
  readonly #rest: RestClient;

  constructor(rest: RestClient, resource: DiscoveredResource) {
    this.#rest = rest;
    this.resource = resource;
  }

  async get(key: ObjectKey, { subresource, signal }: { subresource?: string; signal?: AbortSignal } = {}) {
    return (await this.#rest.get(this.#target(key, subresource), signal)) as ManifestObject | undefined;
  }

  async list(options: PageOptions = {}): Promise<Page<ManifestObject>> {
    return (await this.#rest.list(this.resource, options)) as Page<ManifestObject>;
  }

  async create(object: ManifestObject, options: SubresourceOptions = {}): Promise<ManifestObject> {
    return (await this.#rest.create(this.#targetOf(object, options), this.#typed(object), options)) as ManifestObject;
  }

  async update(object: ManifestObject, options: SubresourceOptions = {}): Promise<ManifestObject> {
    return (await this.#rest.update(this.#targetOf(object, options), this.#typed(object), options)) as ManifestObject;
  }

  async patch(key: ObjectKey, patch: unknown, options: DynamicPatchOptions = {}): Promise<ManifestObject> {
    const { type = 'merge', subresource } = options;
    return (await this.#rest.patch(this.#target(key, subresource), patch, { ...options, type })) as ManifestObject;
  }

  async apply(object: ManifestObject, options: ApplyOptions): Promise<ManifestObject> {
    const target = this.#targetOf(object, options);
    return (await this.#rest.patch(target, this.#typed(object), { ...options, type: 'apply' })) as ManifestObject;
  }

  delete(key: ObjectKey, options?: DeleteOptions): Promise<boolean> {
    return this.#rest.delete(this.#target(key), options);
  }

  watch(options: WatchOptions, onEvent: (event: WatchEvent<ManifestObject>) => void): Promise<void> {
    return this.#rest.watch(this.resource, options, (event) => onEvent(event as WatchEvent<ManifestObject>));
  }

  #target(key: ObjectKey, subresource?: string): Target {
    return { resource: this.resource, key, subresource };
  }

  #targetOf({ metadata }: ManifestObject, { subresource }: SubresourceOptions): Target {
    const name = metadata?.name ?? '';
    const namespace = metadata?.namespace ?? 'default';
    return this.#target(this.resource.namespaced ? { namespace, name } : { name }, subresource);
  }

  #typed(object: ManifestObject): ManifestObject {
    const { apiVersion, kind } = this.resource;
    return { ...object, apiVersion, kind };
  }
}
