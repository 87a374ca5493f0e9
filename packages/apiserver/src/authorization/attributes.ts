import type { ResourcePath } from '../core/request-path.ts';
import type { User } from '../seam.ts';

/** What somebody wants to do, as roles speak of it. */
export interface Attributes {
  /** get, list, watch, create, update, patch, delete, deletecollection; for other paths the HTTP method in lower case. */
  readonly verb: string;
  /** Absent: `path` counts. */
  readonly resource?: ResourceAttributes;
  /** Of the request. */
  readonly path: string;
}

export interface ResourceAttributes {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, lower case. */
  readonly resource: string;
  /** Empty: the resource itself. */
  readonly subresource: string;
  /** Empty: at the cluster scope. */
  readonly namespace: string;
  /** Empty when the request names no object. */
  readonly name: string;
}

/** The part of a request that counts. */
export interface AskedFor {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

export function asksToWatch(query: URLSearchParams): boolean {
  return query.get('watch') === 'true' || query.get('watch') === '1';
}

/**
 * The attributes of a request. `served` is what the server takes its path for, so that what is asked of the roles is
 * what is done; a path that names nothing served is read as the path of a resource all the same.
 */
export function attributesOf(request: AskedFor, served: ResourcePath | undefined): Attributes {
  const { method, path, query } = request;
  const resource = served ? servedResource(served) : unservedResource(path);
  if (!resource) return { verb: method.toLowerCase(), path };
  const basic = VERBS[method] ?? method.toLowerCase();
  const isOne = resource.name !== '' || resource.subresource !== '';
  const isWatch = served?.isWatch || (asksToWatch(query) && resource.subresource === '');
  if (basic === 'get' && isWatch)
    return { verb: 'watch', resource: { ...resource, name: resource.name || nameSelected(query) }, path };
  if (isOne || (basic !== 'get' && basic !== 'delete')) return { verb: basic, resource, path };
  const named = { ...resource, name: nameSelected(query) };
  return { verb: basic === 'get' ? 'list' : 'deletecollection', resource: named, path };
}

function servedResource({
  kind,
  apiVersion,
  namespace,
  name = '',
  subresource = '',
}: ResourcePath): ResourceAttributes {
  const [group = '', version] = apiVersion.split('/');
  return {
    ...(version === undefined ? { group: '', version: group } : { group, version }),
    resource: kind.plural,
    subresource,
    // A namespace is in itself: who is admin of it may read it.
    namespace: namespace ?? (kind.id === 'Namespace' ? name : ''),
    name,
  };
}

function unservedResource(path: string): ResourceAttributes | undefined {
  const [, root, ...rest] = path.split('/');
  if (root !== 'api' && root !== 'apis') return undefined;
  const group = root === 'apis' ? (rest.shift() ?? '') : '';
  const version = rest.shift() ?? '';
  if (rest.length === 0 || rest[0] === '') return undefined;
  const isInside = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== '';
  const namespace = isInside ? (rest[1] ?? '') : '';
  const [resource = '', name = '', ...more] = isInside ? rest.slice(2) : rest;
  return { group, version, resource, subresource: more.join('/'), namespace, name };
}

/** `fieldSelector=metadata.name=x` asks for one object. */
function nameSelected(query: URLSearchParams): string {
  const terms = (query.get('fieldSelector') ?? '').split(',').map((term) => term.trim());
  for (const term of terms) {
    const name = /^metadata\.name\s*==?\s*([-a-z0-9.:_]+)$/i.exec(term)?.[1];
    if (name) return name;
  }
  return '';
}

/** `User "x" cannot list resource "pods" in API group "" in the namespace "default"`. */
export function cannotText({ name }: Pick<User, 'name'>, { verb, resource, path }: Attributes): string {
  const who = `User ${JSON.stringify(name)} cannot`;
  if (!resource) return `${who} ${verb} path ${JSON.stringify(path)}`;
  const { namespace, group } = resource;
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope';
  const what = `resource ${JSON.stringify(resourceText(resource))} in API group ${JSON.stringify(group)}`;
  return `${who} ${verb} ${what} ${where}`;
}

/** `pods`, `pods/log`. */
export function resourceText({ resource, subresource }: Pick<ResourceAttributes, 'resource' | 'subresource'>): string {
  return subresource ? `${resource}/${subresource}` : resource;
}
