import type { Kind } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import type { Matcher } from './selectors.ts';
import { badRequest, failure } from './status.ts';
import { keyOf, type Store } from './store.ts';

export interface Page {
  readonly items: readonly ApiObject[];
  readonly listMeta: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

interface Position {
  readonly v: 'meta.k8s.io/v1';
  /** The revision all pages show. */
  readonly rv: number;
  /** The last key of the page before. */
  readonly start: string;
}

/** One page of a list; all pages of a list show the same revision. Throws 400 and 410. */
export function listPage(
  store: Store,
  kind: Kind,
  { matcher, query }: { matcher: Matcher | undefined; query: URLSearchParams },
): Page {
  const position = positionOf(query.get('continue'));
  const exact = query.get('resourceVersionMatch') === 'Exact' ? Number(query.get('resourceVersion')) : undefined;
  const revision = position?.rv ?? exact ?? store.revision;
  const all = revision === store.revision ? store.list(kind.id) : store.listAt(kind.id, revision);
  if (!all) throw expired(position !== undefined, revision);
  const selected = matcher ? all.filter(matcher) : all;
  const from = position ? selected.findIndex((object) => keyOf(object) > position.start) : 0;
  const rest = from < 0 ? [] : selected.slice(from);
  const limit = limitOf(query.get('limit'));
  const listMeta = { resourceVersion: String(revision) };
  const last = rest[limit - 1];
  if (rest.length <= limit || !last) return { items: rest, listMeta };
  const next: Position = { v: 'meta.k8s.io/v1', rv: revision, start: keyOf(last) };
  const token = Buffer.from(JSON.stringify(next)).toString('base64url');
  const remaining = matcher ? {} : { remainingItemCount: rest.length - limit };
  return { items: rest.slice(0, limit), listMeta: { ...listMeta, continue: token, ...remaining } };
}

function limitOf(text: string | null): number {
  const limit = Number(text ?? 0);
  if (!Number.isInteger(limit) || limit < 0)
    throw badRequest(`limit: Invalid value: ${JSON.stringify(text)}: must be a whole number`);
  return limit || Number.MAX_SAFE_INTEGER;
}

function positionOf(token: string | null): Position | undefined {
  if (!token) return undefined;
  try {
    const position = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as Position;
    if (position.v === 'meta.k8s.io/v1' && Number.isInteger(position.rv) && typeof position.start === 'string')
      return position;
  } catch {
    // Not a token of ours.
  }
  throw badRequest('continue key is not valid');
}

function expired(isContinued: boolean, revision: number): Error {
  const message = isContinued
    ? 'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.'
    : `The resourceVersion for the provided list is too old or unknown: ${revision}`;
  return failure(410, 'Expired', message);
}
