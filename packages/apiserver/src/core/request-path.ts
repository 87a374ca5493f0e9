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
}

/** Undefined when the path names no resource that is served. */
export function parseResourcePath(kinds: KindRegistry, path: string): ResourcePath | undefined {
  const [, root, ...rest] = path.split('/').map(decodeSegment);
  if (root !== 'api' && root !== 'apis') return undefined;
  const apiVersion = (root === 'api' ? rest.shift() : `${rest.shift()}/${rest.shift()}`) ?? '';
  const kindAt = (plural = '') => kinds.at(apiVersion, plural);
  // `namespaces/NAME/status` names a Namespace, `namespaces/NAME/pods` what is in it.
  const inNamespace = rest[0] === 'namespaces' && rest.length >= 3 && kindAt(rest[2]) !== undefined;
  const namespace = inNamespace ? rest[1] : undefined;
  const [plural, name, subresource, ...more] = inNamespace ? rest.slice(2) : rest;
  const kind = kindAt(plural);
  if (!kind || more.length > 0 || (inNamespace && !kind.namespaced)) return undefined;
  // Only lists reach across namespaces.
  if (kind.namespaced && name && namespace === undefined) return undefined;
  return { kind, apiVersion, namespace, name: name || undefined, subresource };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape ${JSON.stringify(segment)}`);
  }
}
