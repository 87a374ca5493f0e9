import type { CustomResources } from '../custom/custom-resources.ts';
import type { ApiObject, ApiRequest, ApiResponse, Surface } from '../seam.ts';
import { indexedValue } from './field-index.ts';
import { jsonBytes } from './json-bytes.ts';
import { listResponse } from './json-list.ts';
import { listPage } from './list-page.ts';
import { shapeOf, wantsMetadata, wantsTable } from './representation.ts';
import type { ResourcePath } from './request-path.ts';
import { type Matcher, parseSelection } from './selectors.ts';
import type { Store } from './store.ts';
import { WatchResponse } from './watch-response.ts';

interface ReadParts {
  readonly store: Store;
  readonly custom: CustomResources;
  readonly surface: Surface | undefined;
  /** Aborted when the server stops: ends all watches. */
  readonly stopped: AbortSignal;
}

/** Lists and watches as HTTP. */
export class CollectionReads {
  readonly #parts: ReadParts;

  constructor(parts: ReadParts) {
    this.#parts = parts;
  }

  list(request: ApiRequest, path: ResourcePath): ApiResponse {
    const { query } = request;
    const { items, listMeta } = listPage(this.#parts.store, path.kind, {
      matcher: this.matcher(request, { ...path, namespace: undefined }),
      indexed: indexedValue(path.kind.id, query.get('fieldSelector')),
      namespace: path.namespace,
      query,
    });
    const includeObject = wantsTable(request);
    if (includeObject && this.#parts.surface) {
      return {
        status: 200,
        body: this.#parts.surface.table(path.kind, items, {
          includeObject,
          columns: true,
          listMeta,
          apiVersion: path.apiVersion,
        }),
      };
    }
    const kind = wantsMetadata(request) ? 'PartialObjectMetadataList' : `${path.kind.kind}List`;
    const apiVersion = wantsMetadata(request) ? 'meta.k8s.io/v1' : path.apiVersion;
    return listResponse({ kind, apiVersion, metadata: listMeta }, items, (object) =>
      jsonBytes(shapeOf(object, { request, path })),
    );
  }

  watch(request: ApiRequest, path: ResourcePath): ApiResponse {
    const { store, surface, stopped, custom } = this.#parts;
    const includeObject = wantsTable(request);
    const table = includeObject && surface ? { surface, includeObject } : undefined;
    const convert = (object: ApiObject) => shapeOf(object, { request, path });
    const served = custom.served(path.kind.id);
    const signal = AbortSignal.any([request.signal, stopped, ...(served ? [served] : [])]);
    const matcher = this.matcher(request, path);
    const { query } = request;
    const indexed = indexedValue(path.kind.id, query.get('fieldSelector'));
    return new WatchResponse(store, { path, matcher, indexed, query, table, convert, signal }).start();
  }

  /** What a request selects; throws 400. Undefined: everything of the kind. */
  matcher({ query }: ApiRequest, path: ResourcePath): Matcher | undefined {
    const { kind, apiVersion, namespace, name } = path;
    const { custom } = this.#parts;
    const one = name ? `metadata.name=${name}` : undefined;
    const fieldSelector = [query.get('fieldSelector'), one].filter(Boolean).join(',');
    const selectableFields = custom.definition(kind.id)?.versions.get(apiVersion)?.selectableFields;
    return parseSelection(kind.id, {
      namespace,
      labelSelector: query.get('labelSelector'),
      fieldSelector,
      selectableFields,
    });
  }
}
