import { type Kind, statusError } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { parseRevisions, tooNew } from './list-options.ts';
import type { Matcher } from './selectors.ts';
import { firstFrom, inNamespace, keyOf } from './sorted-objects.ts';
import { badRequest, failure } from './status.ts';
import type { Store } from './store.ts';

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
  /** The revision all pages show; -1: each page is as new as can be. */
  readonly rv: number;
  /** The last key of the page before. */
  readonly start: string;
}

interface PageOptions {
  readonly matcher: Matcher | undefined;
  readonly query: URLSearchParams;
  /** A value of the kind's indexed field that all the matcher matches have. */
  readonly indexed?: string | undefined;
  /** Absent: all. */
  readonly namespace?: string | undefined;
}

/** One page of a list; all pages of a list show the same revision. Throws 400, 410, 422 and 504. */
export function listPage(store: Store, kind: Kind, { matcher, query, namespace, indexed }: PageOptions): Page {
  const position = positionOf(query.get('continue'));
  const limit = limitOf(query.get('limit'));
  const revision = revisionOf(store, { position, query, isLimited: limit < Number.MAX_SAFE_INTEGER });
  const all = revision === store.revision ? present(store, kind, indexed) : store.listAt(kind.id, revision);
  if (!all) throw position ? expiredPage(position) : expired(revision);
  const within = namespace ? inNamespace(all, namespace) : all;
  const rest = position ? after(within, position.start) : within;
  const selected = matcher ? rest.filter(matcher) : rest;
  const listMeta = { resourceVersion: String(revision) };
  const last = selected[limit - 1];
  if (selected.length <= limit || !last) return { items: selected, listMeta };
  const token = tokenOf({ v: 'meta.k8s.io/v1', rv: position?.rv === -1 ? -1 : revision, start: keyOf(last) });
  const remaining = isSelective(query) ? {} : { remainingItemCount: selected.length - limit };
  return { items: selected.slice(0, limit), listMeta: { ...listMeta, continue: token, ...remaining } };
}

function present(store: Store, { id }: Kind, indexed: string | undefined): readonly ApiObject[] {
  return indexed === undefined ? store.list(id) : store.listOf(id, indexed);
}

/** Kubernetes counts what remains only where it need not look at it. */
function isSelective(query: URLSearchParams): boolean {
  return Boolean(query.get('labelSelector') || query.get('fieldSelector'));
}

interface Asked {
  readonly position: Position | undefined;
  readonly query: URLSearchParams;
  readonly isLimited: boolean;
}

/** The revision a page shows. */
function revisionOf(store: Store, { position, query, isLimited }: Asked): number {
  const { revision, match } = parseRevisions(query, false);
  if (position) return position.rv === -1 ? store.revision : position.rv;
  if (!revision) return store.revision;
  if (revision > store.revision) throw tooNew(revision, store.revision);
  // Without a match a page of a list is of the very revision, as it was before there were matches.
  return match === 'Exact' || (match === undefined && isLimited) ? revision : store.revision;
}

function after(list: readonly ApiObject[], key: string): readonly ApiObject[] {
  const at = firstFrom(list, key);
  const next = list[at];
  return list.slice(next && keyOf(next) === key ? at + 1 : at);
}

function tokenOf(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
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

function expired(revision: number): Error {
  return failure(410, 'Expired', `The resourceVersion for the provided list is too old or unknown: ${revision}`);
}

/** With a token to go on with what there is now. */
function expiredPage({ start }: Position): Error {
  const message =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
    'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
    'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
    'deleted between the time the first chunk was returned and now may show up in the list.';
  const metadata = { continue: tokenOf({ v: 'meta.k8s.io/v1', rv: -1, start }) };
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata,
    status: 'Failure',
    message,
    reason: 'Expired',
    code: 410,
  };
  return statusError(status);
}
