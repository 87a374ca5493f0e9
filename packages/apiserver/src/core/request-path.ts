import type { Kind } from '@podwire/kube';
import type { KindRegistry } from './kind-registry.ts';
import { badRequest } from './status.ts';

/** What a path under /api or /apis names. */
export interface ResourcePath {
  readonly kind: Kind;
  /** The version asked for; kind.apiVersion except for old versions that are converted. */
  readonly apiVersion: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** The path asks to watch, as `/api/v1/watch/pods`: an old way to say `?watch=true`. */
  readonly isWatch?: boolean;
  /** What comes after a subresource `proxy`, as it was sent: `/a%2Fb`; empty: nothing. */
  readonly rest?: string;
}

/** Subresources that lead on to paths of others. */
const LEADING: readonly string[] = ['Pod/proxy', 'Service/proxy', 'Node/proxy'];

const OF_NAMESPACES: readonly string[] = ['status', 'finalize'];

/** Undefined when the path names no resource that is served. */
export function parseResourcePath(kinds: KindRegistry, path: string): ResourcePath | undefined {
  const [, root, ...rest] = path.split('/').map(decodeSegment);
  if (root !== 'api' && root !== 'apis') return undefined;
  const apiVersion = (root === 'api' ? rest.shift() : `${rest.shift()}/${rest.shift()}`) ?? '';
  const isWatch = rest[0] === 'watch' && rest.length > 1;
  if (isWatch) rest.shift();
  const kindAt = (plural = '') => kinds.at(apiVersion, plural);
  // `namespaces/NAME/status` names a Namespace, `namespaces/NAME/pods` what is in it.
  const inNamespace = rest[0] === 'namespaces' && rest.length >= 3 && kindAt(rest[2]) !== undefined;
  const namespace = inNamespace ? rest[1] : undefined;
  const [plural, name, subresource, ...more] = inNamespace ? rest.slice(2) : rest;
  const kind = kindAt(plural);
  if (!kind || (inNamespace && !kind.namespaced)) return undefined;
  // What is in a namespace is not a part of it, even if nothing of that name is served.
  if (kind.id === 'Namespace' && subresource !== undefined && !OF_NAMESPACES.includes(subresource)) return undefined;
  const leadsOn = LEADING.includes(`${kind.id}/${subresource}`);
  if (more.length > 0 && !leadsOn) return undefined;
  // Only lists reach across namespaces.
  if (kind.namespaced && name && namespace === undefined) return undefined;
  const found = { kind, apiVersion, namespace, name: name || undefined, subresource };
  if (isWatch) return subresource === undefined ? { ...found, isWatch } : undefined;
  if (!leadsOn) return found;
  return { ...found, rest: more.length > 0 ? `/${path.split('/').slice(-more.length).join('/')}` : '' };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape ${JSON.stringify(segment)}`);
  }
}
