import { createHash, randomUUID } from 'node:crypto';
import { remember } from '@podwire/base';
import type { Store } from '../core/store.ts';
import type { ApiObject, User } from '../seam.ts';
import { signJwt, verifyJwt } from './jwt.ts';
import type { SigningKey } from './signing-key.ts';

/** An object a token lives and dies with. */
export interface BoundObject {
  readonly kind: BoundKind;
  readonly name: string;
  readonly uid: string;
}

export type BoundKind = 'Pod' | 'Secret' | 'Node';

export interface TokenOrder {
  readonly account: ApiObject;
  readonly audiences: readonly string[];
  readonly seconds: number;
  readonly bound?: BoundObject | undefined;
}

export interface Issued {
  readonly token: string;
  readonly expires: Date;
}

/** A token that holds, and for which of the audiences asked for; or why it does not. */
export type Authenticated =
  | { readonly user: User; readonly audiences: readonly string[] }
  | { readonly refused: string };

interface Reference {
  readonly name: string;
  readonly uid: string;
}

/** The private claim of Kubernetes, and the registered ones (RFC 7519). Times are in seconds. */
interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly jti: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: Reference;
    readonly pod?: Reference;
    readonly secret?: Reference;
    readonly node?: Reference;
  };
}

export interface TokenParts {
  readonly store: Store;
  readonly key: SigningKey;
  /** A URL: who the tokens say they are from. */
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const BOUND = { pod: 'Pod', secret: 'Secret', node: 'Node' } as const;
const MAX_REMEMBERED = 4096;

/** Makes and verifies the tokens of service accounts. */
export class ServiceAccountTokens {
  readonly issuer: string;
  readonly key: SigningKey;
  readonly #store: Store;
  readonly #now: () => number;
  /** Claims of tokens whose signature was right, by hash: what is asked of the store is asked each time. */
  readonly #verified = new Map<string, Claims>();

  constructor({ store, key, issuer, now = Date.now }: TokenParts) {
    this.issuer = issuer;
    this.key = key;
    this.#store = store;
    this.#now = now;
  }

  issue({ account, audiences, seconds, bound }: TokenOrder): Issued {
    const { namespace = '', name = '', uid = '' } = account.metadata;
    const iat = Math.floor(this.#now() / 1000);
    const claims: Claims = {
      aud: audiences,
      exp: iat + seconds,
      iat,
      iss: this.issuer,
      jti: randomUUID(),
      'kubernetes.io': {
        namespace,
        ...(bound ? { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } } : {}),
        serviceaccount: { name, uid },
      },
      nbf: iat,
      sub: accountUser(namespace, name),
    };
    return { token: signJwt(claims, this.key), expires: new Date(claims.exp * 1000) };
  }

  /** Undefined for a token that is none of ours. */
  authenticate(token: string, audiences: readonly string[]): Authenticated | undefined {
    const claims = this.#claimsOf(token);
    if (!claims) return undefined;
    const refused = this.#refusal(claims);
    if (refused) return { refused };
    const common = claims.aud.filter((audience) => audiences.includes(audience));
    if (common.length > 0) return { user: userOf(claims), audiences: common };
    const [given, wanted] = [JSON.stringify(claims.aud), JSON.stringify(audiences)];
    return { refused: `token audiences ${given} is invalid for the target audiences ${wanted}` };
  }

  #claimsOf(token: string): Claims | undefined {
    const hash = createHash('sha256').update(token).digest('base64');
    const known = this.#verified.get(hash);
    if (known) return known;
    // Whatever this key signed was made here.
    const claims = verifyJwt(token, this.key) as Claims | undefined;
    if (!claims || claims.iss !== this.issuer) return undefined;
    remember(this.#verified, hash, claims, MAX_REMEMBERED);
    return claims;
  }

  /** Why a token of ours is void; undefined when it is not. */
  #refusal({ exp, nbf, 'kubernetes.io': about }: Claims): string | undefined {
    const now = this.#now() / 1000;
    if (now >= exp) return 'service account token has expired';
    if (now < nbf) return 'service account token is not valid yet';
    const { namespace, serviceaccount } = about;
    const account = this.#store.get('ServiceAccount', `${namespace}/${serviceaccount.name}`);
    if (!isThere(account, serviceaccount, this.#now()))
      return `service account ${namespace}/${serviceaccount.name} has been deleted`;
    for (const [claim, kind] of Object.entries(BOUND)) {
      const reference = about[claim as keyof typeof BOUND];
      if (!reference) continue;
      const object = this.#store.get(kind, kind === 'Node' ? reference.name : `${namespace}/${reference.name}`);
      if (!isThere(object, reference, this.#now())) return `service account token has been invalidated`;
    }
    return undefined;
  }
}

/** A deleted object counts until its grace is over: a pod that ends still needs its token. */
function isThere(object: ApiObject | undefined, { uid }: Reference, now: number): boolean {
  if (object?.metadata.uid !== uid) return false;
  const { deletionTimestamp } = object.metadata;
  return !deletionTimestamp || Date.parse(deletionTimestamp) > now;
}

/** `system:serviceaccount:default:builder`. */
function accountUser(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** The groups every service account of a namespace is in. */
export function accountGroups(namespace: string): readonly string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}

function userOf({ sub, jti, 'kubernetes.io': { namespace, serviceaccount, pod, node } }: Claims): User {
  const prefix = 'authentication.kubernetes.io';
  const extra: Record<string, readonly string[]> = { [`${prefix}/credential-id`]: [`JTI=${jti}`] };
  for (const [word, reference] of Object.entries({ pod, node })) {
    if (!reference) continue;
    extra[`${prefix}/${word}-name`] = [reference.name];
    extra[`${prefix}/${word}-uid`] = [reference.uid];
  }
  return { name: sub, uid: serviceaccount.uid, groups: [...accountGroups(namespace), 'system:authenticated'], extra };
}
