import { PodwireError } from '@podwire/base';
import type {
  ApplyOptions,
  DeleteOptions,
  DiscoveredResource,
  DynamicClient,
  DynamicPatchOptions,
  Kind,
  KindName,
  KubeClient,
  ManifestObject,
  ObjectKey,
  ObjectOf,
  Page,
  PageOptions,
  PatchOptions,
  ResourceClient,
  SubresourceOptions,
  WatchEvent,
  WatchOptions,
} from '@podwire/kube';
import type { KindRegistry } from './kind-registry.ts';

type Known = ObjectOf<KindName>;

/** Objects of any kind the server serves now, through a client in process; always in the version they are stored in. */
export class LocalDynamicClient implements DynamicClient {
  readonly #client: KubeClient;
  readonly #kinds: KindRegistry;

  constructor(client: KubeClient, kinds: KindRegistry) {
    this.#client = client;
    this.#kinds = kinds;
  }

  async resources(apiVersion: string): Promise<readonly DiscoveredResource[]> {
    return this.#kinds.all().flatMap((kind) => (isServed(kind, apiVersion) ? [resourceOf(kind, apiVersion)] : []));
  }

  async of(apiVersion: string, kind: string): Promise<ResourceClient> {
    const found = this.#kinds.all().find((one) => one.kind === kind && isServed(one, apiVersion));
    if (found) return new LocalResourceClient(this.#client, found, resourceOf(found, apiVersion));
    const why = `no matches for kind "${kind}" in version "${apiVersion}"; install its CRD first`;
    throw new PodwireError('KUBE_NO_KIND', why, { details: { apiVersion, kind } });
  }

  async apply(object: ManifestObject, options: ApplyOptions): Promise<ManifestObject> {
    return (await this.of(object.apiVersion, object.kind)).apply(object, options);
  }

  close(): void {
    this.#client.close();
  }
}

/** The clients in process know kinds by id; that of a custom resource is as good as any. */
class LocalResourceClient implements ResourceClient {
  readonly resource: DiscoveredResource;
  readonly #client: KubeClient;
  readonly #id: KindName;

  constructor(client: KubeClient, kind: Kind, resource: DiscoveredResource) {
    this.#client = client;
    this.#id = kind.id as KindName;
    this.resource = resource;
  }

  async get(key: ObjectKey): Promise<ManifestObject | undefined> {
    const object = await this.#client.get(this.#id, key);
    return object && manifest(object);
  }

  async list(options: PageOptions = {}): Promise<Page<ManifestObject>> {
    return (await this.#client.list(this.#id, options)) as unknown as Page<ManifestObject>;
  }

  async create(object: ManifestObject, options?: SubresourceOptions): Promise<ManifestObject> {
    return manifest(await this.#client.create(this.#id, object as unknown as Known, options));
  }

  async update(object: ManifestObject, { subresource, ...rest }: SubresourceOptions = {}): Promise<ManifestObject> {
    const part = subresource === 'status' ? subresource : undefined;
    return manifest(await this.#client.update(this.#id, object as unknown as Known, part, rest));
  }

  async patch(key: ObjectKey, patch: unknown, { subresource, ...rest }: DynamicPatchOptions = {}) {
    const part: PatchOptions = subresource === 'status' || subresource === 'scale' ? { subresource } : {};
    return manifest(await this.#client.patch(this.#id, key, patch, { ...rest, ...part }));
  }

  apply(object: ManifestObject, options: ApplyOptions): Promise<ManifestObject> {
    const { name = '', namespace } = object.metadata ?? {};
    const key = namespace === undefined ? { name } : { name, namespace };
    return this.patch(key, object, { ...options, type: 'apply' });
  }

  delete(key: ObjectKey, options?: DeleteOptions): Promise<boolean> {
    return this.#client.delete(this.#id, key, options);
  }

  watch(options: WatchOptions, onEvent: (event: WatchEvent<ManifestObject>) => void): Promise<void> {
    return this.#client.watch(this.#id, options, ({ type, object }) => onEvent({ type, object: manifest(object) }));
  }
}

const manifest = (object: Known): ManifestObject => object as unknown as ManifestObject;

const isServed = ({ apiVersion, otherVersions }: Kind, asked: string): boolean =>
  [apiVersion, ...otherVersions].includes(asked);

function resourceOf(kind: Kind, apiVersion: string): DiscoveredResource {
  const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
  return {
    ...{ apiVersion, kind: kind.kind, plural: kind.plural, namespaced: kind.namespaced, singular: kind.singular },
    ...{ shortNames: kind.shortNames, verbs: kind.isReadOnly ? verbs.slice(0, 2) : verbs },
    subresources: kind.subresources,
  };
}
