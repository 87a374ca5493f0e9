import { createHash } from 'node:crypto';
import { type Kind, parseApiVersion } from '@podwire/kube';
import type { CustomResources } from '../custom/custom-resources.ts';
import { publishedSchemas } from '../custom/openapi.ts';
import { REQUEST_TYPES } from '../schema/catalogue.ts';
import { openApiDocument, type PublishedSchema, type ServedKind } from '../schema/index.ts';
import type { ApiResponse } from '../seam.ts';
import {
  aggregatedDiscovery,
  type GroupVersion,
  groupList,
  groupVersions,
  resourceList,
  singleGroup,
} from './discovery.ts';

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

const HEALTHY = { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'ok' } as const;
const JSON_TYPE = 'application/json';

/**
 * OpenAPI v2 as protobuf, with nothing in it but `swagger: "2.0"`: kubectl checks the items of a List by this document
 * on its own side, and lets kinds pass that are not described. Who wants to know the kinds reads version 3.
 */
const OPENAPI_V2 = {
  status: 200,
  headers: { 'content-type': 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' },
  body: Buffer.from('\n\x032.0', 'latin1'),
} as const;

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
  for (const path of ['/healthz', '/livez', '/readyz']) documents.set(path, () => HEALTHY);
  for (const groupVersion of all) {
    const { group } = groupVersion;
    const list = json(resourceList(groupVersion));
    documents.set(`/${pathOf(groupVersion)}`, () => list);
    if (group && !documents.has(`/apis/${group}`)) {
      const one = json(singleGroup(group, all));
      documents.set(`/apis/${group}`, () => one);
    }
  }
  documents.set('/openapi/v2', () => OPENAPI_V2);
  addOpenApi(documents, [...servedKinds(kinds), ...REVIEWS], custom && publishedSchemas(custom));
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
