import type { Pod } from '@podwire/kube';
import { asksToWatch, attributesOf } from '../authorization/attributes.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { guardCertificates } from '../authorization/certificate-approval.ts';
import { guardRoles } from '../authorization/escalation.ts';
import type { CustomResources } from '../custom/custom-resources.ts';
import type { CustomVersion } from '../custom/definition/definition.ts';
import type { TokenRequests } from '../identity/token-request.ts';
import { PodProxy } from '../proxy/pod-proxy.ts';
import type { ApiObject, ApiRequest, ApiResponse, Schema, Streams, Surface } from '../seam.ts';
import { mediaType, objectOf, readBody, readData } from './body.ts';
import { CollectionReads } from './collection-reads.ts';
import { fromStored, toStored } from './conversion.ts';
import { deprecationOf } from './deprecation.ts';
import type { WriteVerb } from './field-owner.ts';
import { jsonBytes } from './json-bytes.ts';
import { listResponse } from './json-list.ts';
import type { KindRegistry } from './kind-registry.ts';
import { listPage } from './list-page.ts';
import { bindInNamespace } from './namespace-bindings.ts';
import { patchObject } from './patch-object.ts';
import { isObject } from './patches.ts';
import { bindPod, evictPod } from './pod-requests.ts';
import { keyFor, type Registry, type WriteGuard } from './registry.ts';
import { removalOf } from './removal.ts';
import { objectAnswer, type Shape } from './representation.ts';
import { parseResourcePath, type ResourcePath } from './request-path.ts';
import { changeScale, readScale, scaleOf } from './scale.ts';
import { badRequest, failure, methodNotAllowed, noSuchResource, unsupportedMediaType } from './status.ts';
import { connectAttempt } from './subresource-attempt.ts';
import { withWarnings } from './warnings.ts';
import {
  appliedBody,
  askerOf,
  checkName,
  checkNamespace,
  checkNew,
  PATCH_TYPES,
  targetOf,
  writeOptions,
} from './write-request.ts';

export interface RestParts {
  readonly kinds: KindRegistry;
  readonly custom: CustomResources;
  readonly registry: Registry;
  readonly schema: Schema;
  readonly surface: Surface | undefined;
  readonly authorizer: Authorizer;
  readonly tokenRequests: TokenRequests;
  /** Answers questions about access and identity; undefined: none of them. */
  readonly reviews: (request: ApiRequest) => Promise<ApiResponse | undefined>;
  readonly streams: Streams | undefined;
  /** Aborted when the server stops: ends all watches. */
  readonly stopped: AbortSignal;
}

/** Of a collection: each may ask webhooks, over a connection of its own. */
const DELETIONS_AT_ONCE = 64;

/** Parts of objects, beside their status, that are read and written as the whole is. */
const OWN_PARTS: ReadonlySet<string> = new Set([
  'CertificateSigningRequest/approval',
  'Pod/ephemeralcontainers',
  'Pod/resize',
]);

type Answer = (request: ApiRequest, path: ResourcePath) => Promise<ApiResponse>;

/** The resources under /api and /apis as HTTP: from a request to an answer or a thrown Status. */
export class RestApi {
  readonly #parts: RestParts;
  readonly #reads: CollectionReads;
  /** To pods and services. */
  readonly proxy: PodProxy;

  constructor(parts: RestParts) {
    const { registry, custom, surface, stopped } = parts;
    this.#parts = parts;
    this.proxy = new PodProxy(registry.store, parts.streams);
    this.#reads = new CollectionReads({ store: registry.store, custom, surface, stopped });
  }

  async respond(request: ApiRequest): Promise<ApiResponse> {
    const path = this.pathOf(request.path);
    this.authorize(request, path);
    const own = (await this.#parts.surface?.respond(request)) ?? (await this.#parts.reviews(request));
    if (own) return own;
    if (!path) return bindInNamespace(this.#parts.registry, request);
    const answer = await this.#answerFor(request, path)(request, path);
    const deprecation = this.#version(path)?.warning ?? deprecationOf(path);
    return deprecation === undefined ? answer : withWarnings(answer, [deprecation]);
  }

  /** Throws 403 unless the user may do what the request asks for. */
  authorize(request: Pick<ApiRequest, 'method' | 'path' | 'query' | 'user'>, path: ResourcePath | undefined): void {
    this.#parts.authorizer.require(request.user, attributesOf(request, path));
  }

  /** Undefined when the path names no resource that is served. */
  pathOf(path: string): ResourcePath | undefined {
    return parseResourcePath(this.#parts.kinds, path);
  }

  /** The version of a custom resource; undefined for kinds that are built in. */
  #version({ kind, apiVersion }: ResourcePath): CustomVersion | undefined {
    return this.#parts.custom.definition(kind.id)?.versions.get(apiVersion);
  }

  /** The pod an exec, attach or port-forward is for; throws 404. */
  podOf(path: ResourcePath): Pod {
    return this.#parts.registry.get(targetOf(path)) as unknown as Pod;
  }

  /** Throws what admission has against a connection. */
  async connect(path: ResourcePath, asked: Pick<ApiRequest, 'user' | 'query' | 'annotate' | 'aside'>): Promise<void> {
    const { annotate, aside } = asked;
    await this.#parts.registry.consult(connectAttempt(path, asked), { warn: () => {}, annotate, aside });
  }

  #answerFor({ method, query }: ApiRequest, { kind, name, subresource, isWatch: byPath }: ResourcePath): Answer {
    if (subresource !== undefined) return (request, path) => this.#subresource(request, path);
    const isWatch = byPath || asksToWatch(query);
    if (byPath && method !== 'GET') throw methodNotAllowed();
    if (kind.isReadOnly && (method !== 'GET' || isWatch)) throw methodNotAllowed();
    if (method === 'GET' && isWatch) return async (request, path) => this.#reads.watch(request, path);
    const verbs: Readonly<Record<string, Answer>> = name
      ? {
          GET: async (request, path) => this.#object(200, this.#parts.registry.get(targetOf(path)), { request, path }),
          PUT: (request, path) => this.#put(request, path),
          PATCH: (request, path) => this.#patch(request, path),
          DELETE: (request, path) => this.#delete(request, path),
        }
      : {
          GET: async (request, path) => this.#reads.list(request, path),
          POST: (request, path) => this.#create(request, path),
          DELETE: (request, path) => this.#deleteCollection(request, path),
        };
    const answer = verbs[method];
    if (!answer) throw methodNotAllowed();
    return answer;
  }

  async #create(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const { kind, apiVersion, namespace } = path;
    if (kind.namespaced && !namespace) throw methodNotAllowed();
    const { data, duplicates } = await readBody(request);
    const draft = objectOf(data, kind, apiVersion);
    checkNamespace(draft, namespace);
    checkNew(draft);
    const { options: asked, warnings } = this.#writeOptions(request, 'Create', path);
    const options = { ...asked, duplicates };
    const object = await this.#parts.registry.create(kind, namespace, { draft, options });
    return withWarnings(this.#object(201, object, { request, path }), warnings);
  }

  async #put(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const target = targetOf(path);
    const { data, duplicates } = await readBody(request);
    const next = objectOf(data, path.kind, path.apiVersion);
    checkName(next, target);
    checkNamespace(next, target.namespace);
    const { options: asked, warnings } = this.#writeOptions(request, 'Update', path);
    const options = { ...asked, duplicates };
    const object = await this.#parts.registry.update(
      target,
      { ...next, metadata: { ...next.metadata, name: target.name } },
      options,
    );
    return withWarnings(this.#object(200, object, { request, path }), warnings);
  }

  async #patch(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const { registry, schema } = this.#parts;
    const target = targetOf(path);
    const type = PATCH_TYPES[mediaType(request)];
    const accepted = Object.keys(PATCH_TYPES).filter((one) => PATCH_TYPES[one] !== 'strategic' || !this.#version(path));
    if (!type || !accepted.includes(mediaType(request))) throw unsupportedMediaType(accepted);
    const { data, duplicates } = await readBody(request);
    const verb = type === 'apply' ? 'Apply' : 'Patch';
    const { options: asked, warnings } = this.#writeOptions(request, verb, path);
    const options = { ...asked, duplicates, ...(type === 'apply' ? {} : { patch: JSON.stringify(data) }) };
    const body = type === 'apply' && isObject(data) ? appliedBody(data, target, path) : data;
    const { manager: fieldManager, subresource } = options.writer;
    const patch = { type, body, fieldManager, force: request.query.get('force') === 'true', subresource };
    const old = registry.store.latest(path.kind.id, keyFor(path.kind, path.namespace, target.name));
    if (!old && type === 'apply' && !path.subresource) {
      // What creates an object needs the right to, also when it is called a patch.
      this.authorize({ ...request, method: 'POST' }, { ...path, name: undefined });
      const draft = patchObject(path.kind, undefined, patch, schema);
      checkNew(draft);
      const created = await registry.create(path.kind, path.namespace, { draft, options });
      return withWarnings(this.#object(201, created, { request, path }), warnings);
    }
    const make = (stored: ApiObject) => {
      if (type === 'apply') return patchObject(path.kind, stored, patch, schema);
      const served = fromStored(path.kind, stored, path.apiVersion);
      return toStored(path.kind, patchObject(path.kind, served, patch, schema));
    };
    return withWarnings(this.#object(200, await registry.change(target, make, options), { request, path }), warnings);
  }

  async #delete(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const { removal, dryRun } = await removalOf(request);
    const { asker, warnings } = askerOf(request);
    const result = await this.#parts.registry.remove(targetOf(path), removal, dryRun, asker);
    const isGone = 'status' in result && result.kind === 'Status';
    const answer = isGone ? { status: 200, body: result } : this.#object(200, result as ApiObject, { request, path });
    return withWarnings(answer, warnings);
  }

  async #deleteCollection(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const { kind } = path;
    if (kind.id === 'Namespace' || (kind.namespaced && !path.namespace)) throw methodNotAllowed();
    const { removal, dryRun } = await removalOf(request);
    const { asker } = askerOf(request);
    const { registry } = this.#parts;
    const { items } = listPage(registry.store, kind, {
      matcher: this.#reads.matcher(request, { ...path, namespace: undefined }),
      namespace: path.namespace,
      query: new URLSearchParams(),
    });
    await allOf(items, ({ metadata: { namespace, name = '' } }) =>
      registry.remove({ kind, namespace, name }, removal, dryRun, asker).catch(ignoreNotFound),
    );
    const head = {
      kind: `${kind.kind}List`,
      apiVersion: path.apiVersion,
      metadata: { resourceVersion: String(registry.store.revision) },
    };
    return listResponse(head, items, (object) => jsonBytes(fromStored(kind, object, path.apiVersion)));
  }

  async #subresource(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const { id, subresources } = path.kind;
    const key = `${request.method} ${path.subresource}`;
    const isPart = OWN_PARTS.has(`${id}/${path.subresource}`);
    if (isPart || (path.subresource === 'status' && subresources.includes('status'))) return this.#part(request, path);
    if (path.subresource === 'scale' && subresources.includes('scale')) return this.#scale(request, path);
    if (id === 'Namespace' && key === 'PUT finalize') return this.#finalize(request, path);
    if (id === 'ServiceAccount' && key === 'POST token') return this.#parts.tokenRequests.respond(request, path);
    if (path.rest !== undefined) return this.connect(path, request).then(() => this.proxy.respond(request, path));
    if (id !== 'Pod') throw noSuchResource();
    if (key === 'POST binding') return bindPod(this.#parts.registry, request, targetOf(path));
    if (key === 'POST eviction') return evictPod(this.#parts.registry, request, targetOf(path));
    if (key === 'GET log') return this.#log(request, path);
    if (['exec', 'attach', 'portforward'].includes(path.subresource ?? ''))
      throw badRequest('Upgrade request required');
    throw ['binding', 'eviction', 'log'].includes(path.subresource ?? '') ? methodNotAllowed() : noSuchResource();
  }

  #part(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    if (request.method === 'PUT') return this.#put(request, path);
    if (request.method === 'PATCH') return this.#patch(request, path);
    if (request.method !== 'GET') throw methodNotAllowed();
    return Promise.resolve(this.#object(200, this.#parts.registry.get(targetOf(path)), { request, path }));
  }

  async #scale(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const { registry, schema } = this.#parts;
    const paths = this.#version(path)?.scale;
    const target = targetOf(path);
    if (request.method === 'GET') return { status: 200, body: scaleOf(registry.get(target), paths) };
    const verb = request.method === 'PUT' ? 'Update' : 'Patch';
    const { options, warnings } = this.#writeOptions(request, verb, path);
    const data = await readData(request);
    if (request.method === 'PUT') {
      const scale = readScale(data, target.name);
      const body = await changeScale(registry, { target, paths }, () => scale, options);
      return withWarnings({ status: 200, body }, warnings);
    }
    const type = PATCH_TYPES[mediaType(request)];
    if (request.method !== 'PATCH') throw methodNotAllowed();
    if (!type || type === 'apply') throw unsupportedMediaType(Object.keys(PATCH_TYPES).slice(0, 3));
    const make = (old: ApiObject) => {
      const patched = patchObject(path.kind, old, { type, body: data }, schema);
      return readScale({ ...patched, kind: 'Scale' }, target.name);
    };
    const body = await changeScale(registry, { target, paths }, make, options);
    return withWarnings({ status: 200, body }, warnings);
  }

  async #finalize(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const next = objectOf(await readData(request), path.kind, path.apiVersion);
    const target = targetOf(path);
    checkName(next, target);
    const { options } = this.#writeOptions(request, 'Update', path);
    return { status: 200, body: await this.#parts.registry.finalize(target.name, next, options.dryRun) };
  }

  async #log(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const pod = this.podOf(path);
    const { streams } = this.#parts;
    if (!streams) throw failure(501, 'NotImplemented', 'this API server has no access to the containers of pods');
    return streams.log(pod, request);
  }

  /** With the rules for what this user may write. */
  #writeOptions(request: ApiRequest, verb: WriteVerb, { subresource, apiVersion }: ResourcePath) {
    const { options, warnings } = writeOptions(request, verb, subresource);
    const { authorizer } = this.#parts;
    const guard: WriteGuard = (kind, next, old) => {
      guardRoles(authorizer, { user: request.user, kind, next, old });
      guardCertificates(authorizer, { user: request.user, kind, next, old });
    };
    const { user, annotate, aside } = request;
    return { options: { ...options, guard, apiVersion, user, annotate, aside }, warnings };
  }

  #object(status: number, object: ApiObject, shape: Shape): ApiResponse {
    return objectAnswer(status, object, shape, this.#parts.surface);
  }
}

function ignoreNotFound(error: unknown): void {
  if ((error as { code?: string }).code !== 'KUBE_NOT_FOUND') throw error;
}

/** Takes DELETIONS_AT_ONCE items at a time; throws what the first that fails throws. */
async function allOf<T>(items: readonly T[], use: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const useLeft = async (): Promise<void> => {
    for (const item of left) await use(item);
  };
  await Promise.all(Array.from({ length: DELETIONS_AT_ONCE }, useLeft));
}
