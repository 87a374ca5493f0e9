import { bodyOf } from '../authorization/reviews.ts';
import { timestamp } from '../core/lifecycle.ts';
import type { ResourcePath } from '../core/request-path.ts';
import { badRequest, conflict, invalid, invalidValue, notFound } from '../core/status.ts';
import type { Store } from '../core/store.ts';
import type { ApiObject, ApiRequest, ApiResponse } from '../seam.ts';
import type { BoundKind, BoundObject, ServiceAccountTokens } from './service-account-tokens.ts';

const API_VERSION = 'authentication.k8s.io/v1';
const DEFAULT_SECONDS = 60 * 60;
const SHORTEST = 10 * 60;
const LONGEST = 2 ** 32;
const BOUND: Readonly<Record<BoundKind, { readonly group: ''; readonly plural: string }>> = {
  Pod: { group: '', plural: 'pods' },
  Secret: { group: '', plural: 'secrets' },
  Node: { group: '', plural: 'nodes' },
};

/** `spec` of a TokenRequest. */
export interface TokenSpec {
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: Readonly<Partial<Record<'kind' | 'apiVersion' | 'name' | 'uid', string>>>;
}

export interface TokenRequestParts {
  readonly store: Store;
  readonly tokens: ServiceAccountTokens;
  /** Of a request that names none. */
  readonly audiences: readonly string[];
}

/** POST serviceaccounts/NAME/token: a token for the account, as `kubectl create token` asks for. */
export class TokenRequests {
  readonly #parts: TokenRequestParts;

  constructor(parts: TokenRequestParts) {
    this.#parts = parts;
  }

  async respond(request: ApiRequest, { kind, namespace = '', name = '' }: ResourcePath): Promise<ApiResponse> {
    const body = await bodyOf(request, API_VERSION, 'TokenRequest');
    const account = this.#parts.store.get('ServiceAccount', `${namespace}/${name}`);
    if (!account) throw notFound(kind, name);
    const { token, expires, audiences, seconds, bound } = this.issue(account, (body.spec ?? {}) as TokenSpec);
    const answered = {
      kind: 'TokenRequest',
      apiVersion: API_VERSION,
      metadata: { name, namespace, creationTimestamp: timestamp() },
      spec: {
        audiences,
        expirationSeconds: seconds,
        boundObjectRef: bound ? { kind: bound.kind, apiVersion: 'v1', name: bound.name, uid: bound.uid } : null,
      },
      status: { token, expirationTimestamp: timestamp(expires) },
    };
    return { status: 201, body: answered };
  }

  /** Throws 400, 404, 409 and 422 for what cannot be had. */
  issue(account: ApiObject, spec: TokenSpec) {
    const seconds = spec.expirationSeconds ?? DEFAULT_SECONDS;
    requireSeconds(seconds);
    const bound = this.#bound(account, spec);
    const audiences = spec.audiences?.length ? spec.audiences : this.#parts.audiences;
    return { ...this.#parts.tokens.issue({ account, audiences, seconds, bound }), audiences, seconds, bound };
  }

  #bound({ metadata }: ApiObject, { boundObjectRef }: TokenSpec): BoundObject | undefined {
    if (!boundObjectRef) return undefined;
    const { kind = '', apiVersion = '', name = '', uid } = boundObjectRef;
    const known = Object.hasOwn(BOUND, kind) ? (kind as BoundKind) : undefined;
    if (!known || apiVersion !== 'v1')
      throw badRequest(`cannot bind token to object of type ${apiVersion}, Kind=${kind}`);
    const key = known === 'Node' ? name : `${metadata.namespace}/${name}`;
    const object = this.#parts.store.get(known, key);
    if (!object) throw notFound(BOUND[known], name);
    const found = object.metadata.uid ?? '';
    if (uid && uid !== found) {
      const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
      throw conflict(BOUND[known], name, why);
    }
    const { serviceAccountName = 'default' } = (object.spec ?? {}) as { serviceAccountName?: string };
    if (known === 'Pod' && serviceAccountName !== metadata.name) {
      const account = JSON.stringify(metadata.name);
      throw badRequest(
        `cannot bind token for serviceaccount ${account} to pod running with different serviceaccount name.`,
      );
    }
    return { kind: known, name, uid: found };
  }
}

function requireSeconds(seconds: number): void {
  const why =
    seconds < SHORTEST
      ? 'may not specify a duration less than 10 minutes'
      : seconds > LONGEST
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (!why) return;
  const cause = invalidValue('spec.expirationSeconds', seconds, why);
  throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [cause]);
}
