import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { User } from '../seam.ts';
import { unauthorized } from './status.ts';

export const ADMIN: User = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Paths anybody may read, as the default roles of Kubernetes allow. */
const PUBLIC = /^\/(healthz|livez|readyz)(\/|$)|^\/version\/?$/;

export interface Credentials {
  readonly socket: Socket;
  readonly authorization: string | undefined;
  readonly path: string;
}

/** Who speaks, on a TLS connection: a client certificate signed by the CA, or a bearer token. Throws 401. */
export class Authenticator {
  /** By hash, so that the comparison takes the same time for every token. */
  readonly #users: ReadonlyMap<string, User>;

  constructor(tokens: Readonly<Record<string, User>> = {}) {
    this.#users = new Map(Object.entries(tokens).map(([token, user]) => [digest(token), user]));
  }

  authenticate({ socket, authorization, path }: Credentials): User {
    const certified = userOfCertificate(socket);
    if (certified) return certified;
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const user = token === undefined ? undefined : this.#users.get(digest(token));
    if (user) return { ...user, groups: [...user.groups, 'system:authenticated'] };
    if (token === undefined && PUBLIC.test(path)) return ANONYMOUS;
    throw unauthorized();
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function userOfCertificate(socket: Socket): User | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // With an empty object when the client sent none, whatever the types say.
  const subject: { CN?: string | string[]; O?: string | string[] } | undefined = socket.getPeerCertificate()?.subject;
  const name = [subject?.CN ?? []].flat()[0];
  if (!name) return undefined;
  return { name, groups: [...[subject?.O ?? []].flat(), 'system:authenticated'] };
}
