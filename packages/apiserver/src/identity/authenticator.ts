import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { unauthorized } from '../core/status.ts';
import type { User } from '../seam.ts';
import type { Authenticated, ServiceAccountTokens } from './service-account-tokens.ts';

export const ADMIN: User = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Tells one credential of a user from the others. */
const CREDENTIAL = 'authentication.kubernetes.io/credential-id';

/** Paths that may be read without credentials also where nobody is let in anonymously, as probes do. */
const PUBLIC = /^\/(healthz|livez|readyz)(\/|$)|^\/version\/?$/;

export interface Credentials {
  readonly socket: Socket;
  readonly authorization: string | undefined;
  readonly path: string;
}

export interface AuthenticatorParts {
  /** Static bearer tokens and who they stand for. */
  readonly tokens?: Readonly<Record<string, User>> | undefined;
  readonly serviceAccounts?: ServiceAccountTokens | undefined;
  /** What tokens have to be for to be good here; static ones are. */
  readonly audiences?: readonly string[];
  /** Requests without credentials are of user system:anonymous instead of refused. Default false. */
  readonly anonymous?: boolean | undefined;
}

/** Who speaks, on a TLS connection: a client certificate signed by the CA, or a bearer token. */
export class Authenticator {
  readonly #tokens: readonly (readonly [digest: Buffer, user: User])[];
  readonly #serviceAccounts: ServiceAccountTokens | undefined;
  readonly #audiences: readonly string[];
  readonly #anonymous: boolean;

  constructor({ tokens = {}, serviceAccounts, audiences = [], anonymous = false }: AuthenticatorParts) {
    this.#tokens = Object.entries(tokens).map(([token, user]) => [digest(token), user]);
    this.#serviceAccounts = serviceAccounts;
    this.#audiences = audiences;
    this.#anonymous = anonymous;
  }

  /** Throws 401. */
  authenticate({ socket, authorization, path }: Credentials): User {
    const certified = userOfCertificate(socket);
    if (certified) return certified;
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined && (this.#anonymous || PUBLIC.test(path))) return ANONYMOUS;
    const found = token === undefined ? undefined : this.userOfToken(token, this.#audiences);
    if (!found || 'refused' in found) throw unauthorized();
    return found.user;
  }

  /** Who a token stands for when it shall be for one of the audiences; none: those of this server. */
  userOfToken(token: string, audiences: readonly string[]): Authenticated {
    const wanted = audiences.length > 0 ? audiences : this.#audiences;
    const user = this.#staticUser(token);
    const common = user ? this.#audiences.filter((audience) => wanted.includes(audience)) : [];
    if (user && (common.length > 0 || this.#audiences.length === 0)) return { user, audiences: common };
    return this.#serviceAccounts?.authenticate(token, wanted) ?? { refused: 'invalid bearer token' };
  }

  /** Takes the same time whichever token is right, and for one that almost is. */
  #staticUser(token: string): User | undefined {
    const given = digest(token);
    let found: User | undefined;
    for (const [known, user] of this.#tokens) if (timingSafeEqual(known, given)) found = user;
    return found && { ...found, groups: [...found.groups, 'system:authenticated'] };
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function userOfCertificate(socket: Socket): User | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // With an empty object when the client sent none, whatever the types say.
  const certificate: Partial<PeerCertificate> | undefined = socket.getPeerCertificate();
  const subject: { CN?: string | string[]; O?: string | string[] } | undefined = certificate?.subject;
  // Of several the last, as Go has it.
  const name = [subject?.CN ?? []].flat().at(-1);
  if (!name) return undefined;
  const id = certificate?.raw && createHash('sha256').update(certificate.raw).digest('hex');
  const extra = id ? { extra: { [CREDENTIAL]: [`X509SHA256=${id}`] } } : {};
  return { name, groups: [...[subject?.O ?? []].flat(), 'system:authenticated'], ...extra };
}
