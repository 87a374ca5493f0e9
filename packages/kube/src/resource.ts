import type { ObjectKey } from './client.ts';

/** A kind of objects as the API serves it. */
export interface Resource {
  /** `v1` or `group/version`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The path of one object, or of a list when the name is empty. */
export function resourcePath(resource: Resource, { namespace, name }: ObjectKey, subresource = ''): string {
  const { apiVersion, plural, namespaced } = resource;
  // Of a namespaced kind one object is always in a namespace; a list may be of all.
  const inside = namespaced ? (namespace ?? (name ? 'default' : undefined)) : undefined;
  const group = apiVersion.includes('/') ? 'apis' : 'api';
  const place = inside ? ['namespaces', inside] : [];
  const segments = [group, ...apiVersion.split('/'), ...place, plural, name, ...subresource.split('/')];
  return segments.flatMap((segment) => (segment ? [`/${encodeURIComponent(segment)}`] : [])).join('');
}

/** Empty when there is nothing to say. */
export function queryOf(query: Query): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return pairs.length > 0 ? `?${pairs.join('&')}` : '';
}
