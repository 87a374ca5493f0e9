import { createHash } from 'node:crypto';
import { type Kind, parseApiVersion } from '@podwire/kube';
import type { CustomResources } from '../custom/custom-resources.ts';
import { publishedSchemas } from '../custom/openapi.ts';
import { REQUEST_TYPES } from '../schema/catalogue.ts';
import { openApiDocument, type PublishedSchema, type ServedKind } from '../schema/index.ts';
import { openApiV2Document } from '../schema/openapi-v2.ts';
import type { ApiResponse } from '../seam.ts';
import {
  aggregatedDiscovery,
  type GroupVersion,
  groupList,
  groupVersions,
  ownParts,
  resourceList,
  singleGroup,
} from './discovery.ts';
import { encodeOpenApiV2 } from './openapi-v2-protobuf.ts';

export const VERSION = {
  major: '1',
  minor: '33',
  gitVersion: 'v1.33.0+podwire',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: 'linux/amd64',
} as const;

const JSON_TYPE = 'application/json';

/** How clients of Kubernetes ask for OpenAPI 2.0, and what they get; both are the media type of one message. */
const OPENAPI_V2_ASKED = 'com.github.proto-openapi.spec.v2';
const OPENAPI_V2_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Answers by path. `accept` picks between the two forms of discovery. */
export type Document = (accept: string) => ApiResponse;

/** Everything the server says about itself that depends on its kinds only. */
export function selfDocuments(kinds: readonly Kind[], custom?: CustomResources): ReadonlyMap<string, Document> {
  const all = groupVersions(kinds);
  const documents = new Map<string, Document>([
    ['/version', () => json(VERSION)],
    [
      '/api',
      discovery(
        all.filter(({ group }) => group === ''),
        { kind: 'APIVersions', versions: ['v1'] },
      ),
    ],
    [
      '/apis',
      discovery(
        all.filter(({ group }) => group !== ''),
        groupList(all),
      ),
    ],
  ]);
  for (const groupVersion of all) {
    const { group } = groupVersion;
    const list = json(resourceList(groupVersion));
    documents.set(`/${pathOf(groupVersion)}`, () => list);
    if (group && !documents.has(`/apis/${group}`)) {
      const one = json(singleGroup(group, all));
      documents.set(`/apis/${group}`, () => one);
    }
  }
  const described = [...servedKinds(kinds), ...REVIEWS];
  const published = custom && publishedSchemas(custom);
  documents.set('/openapi/v2', openApiV2(described, published));
  addOpenApi(documents, described, published);
  return documents;
}

function json(body: object, contentType = JSON_TYPE): ApiResponse {
  return { status: 200, headers: { 'content-type': contentType }, body: JSON.stringify(body) };
}

function pathOf({ group, version }: Pick<GroupVersion, 'group' | 'version'>): string {
  return group ? `apis/${group}/${version}` : `api/${version}`;
}

/** Kinds of questions that are answered, not stored. */
const REVIEWS: readonly ServedKind[] = REQUEST_TYPES.filter(([, kind]) => kind.endsWith('Review')).map(
  ([apiVersion, kind]) => ({
    kind,
    apiVersion,
    ...parseApiVersion(apiVersion),
    plural: `${kind.toLowerCase()}s`,
    namespaced: kind.startsWith('Local'),
  }),
);

/** Each kind once for every version it is served in. */
function servedKinds(kinds: readonly Kind[]): readonly ServedKind[] {
  return kinds.flatMap((kind) =>
    [kind.apiVersion, ...kind.otherVersions].map((apiVersion) => ({
      ...kind,
      ...parseApiVersion(apiVersion),
      apiVersion,
      parts: ownParts(kind),
    })),
  );
}

function discovery(groups: readonly GroupVersion[], plain: object): Document {
  const plainAnswer = json(plain);
  return (accept) => {
    const wanted = /;v=(v2|v2beta1);as=APIGroupDiscoveryList/.exec(accept.replace(/\s/g, ''))?.[1];
    if (wanted !== 'v2' && wanted !== 'v2beta1') return plainAnswer;
    const type = `${JSON_TYPE};g=apidiscovery.k8s.io;v=${wanted};as=APIGroupDiscoveryList`;
    return json(aggregatedDiscovery(groups, wanted), type);
  };
}

/** All kinds in one document, as JSON or protobuf; made when it is first asked for, since most clients read version 3. */
function openApiV2(kinds: readonly ServedKind[], published?: PublishedSchema): Document {
  const document = () => openApiV2Document(kinds, published);
  const asJson = once(() => json(document()));
  const asProtobuf = once(() => {
    return { status: 200, headers: { 'content-type': OPENAPI_V2_TYPE }, body: encodeOpenApiV2(document()) };
  });
  return (accept) => (accept.includes(OPENAPI_V2_ASKED) ? asProtobuf() : asJson());
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** /openapi/v3 and one document per group version, whose address changes with its content. */
function addOpenApi(documents: Map<string, Document>, kinds: readonly ServedKind[], published?: PublishedSchema): void {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const apiVersion of new Set(kinds.map((kind) => kind.apiVersion))) {
    const own = kinds.filter((kind) => kind.apiVersion === apiVersion);
    const [first] = own;
    if (!first) continue;
    const answer = json(openApiDocument(own, published));
    const hash = createHash('sha256').update(String(answer.body)).digest('hex').slice(0, 32);
    const path = `/openapi/v3/${pathOf(first)}`;
    documents.set(path, () => ({ ...answer, headers: { ...answer.headers, etag: `"${hash}"` } }));
    paths[pathOf(first)] = { serverRelativeURL: `${path}?hash=${hash}` };
  }
  const index = json({ paths });
  documents.set('/openapi/v3', () => index);
}
