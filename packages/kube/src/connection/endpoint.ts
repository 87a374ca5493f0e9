import type { ExecPlugin } from '../credentials/exec-plugin.ts';

/** Where the API server is, and as whom to speak; a unix socket needs no credentials. */
export interface Endpoint {
  /** `https://host:port/prefix`, or `http://` without TLS; or use socketPath. */
  readonly url?: string | undefined;
  /** A unix socket with cleartext HTTP/2. */
  readonly socketPath?: string | undefined;
  /** PEM. Whom to trust instead of the authorities Node knows. */
  readonly ca?: string | undefined;
  /** As ca, read again at each connection: a CA that is rotated is followed. */
  readonly caFile?: string | undefined;
  /** PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** As cert and key, read again at each connection. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The name the server's certificate is for, when it is not the host of the URL. */
  readonly serverName?: string | undefined;
  /** Any certificate will do: for tests only. */
  readonly insecure?: boolean | undefined;
  /** `http://` or `https://`: connections go through this proxy by CONNECT. */
  readonly proxyUrl?: string | undefined;
  readonly token?: string | undefined;
  /** A token that changes with time; goes before `token`. */
  readonly tokenFile?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** A program that gives credentials. */
  readonly exec?: ExecPlugin | undefined;
  /** Act as somebody else; needs the verb `impersonate`. */
  readonly impersonate?: Impersonation | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
}

export interface Impersonation {
  readonly user?: string | undefined;
  readonly uid?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** All in ms. */
export interface Timeouts {
  /** Until a connection stands, TLS included. */
  readonly connect: number;
  /** The longest silence within a request. */
  readonly request: number;
  /** How often the peer of an idle connection is asked whether it is still there, and how long it may take to answer. */
  readonly pingInterval: number;
  readonly pingTimeout: number;
  /** Servers send a bookmark at least every minute: a watch silent for longer than this is dead. */
  readonly watchSilence: number;
}

export const TIMEOUTS: Timeouts = {
  connect: 10_000,
  request: 60_000,
  pingInterval: 15_000,
  pingTimeout: 10_000,
  watchSilence: 150_000,
};

/** For messages. */
export function placeOf({ socketPath, url }: Endpoint): string {
  return socketPath ?? url ?? 'http://localhost';
}

/** The headers of RFC 9110 that impersonation is asked for with; extra keys are percent-encoded. */
export function impersonationHeaders(who: Impersonation | undefined): Readonly<Record<string, string | string[]>> {
  if (!who) return {};
  const headers: Record<string, string | string[]> = {};
  if (who.user) headers['impersonate-user'] = who.user;
  if (who.uid) headers['impersonate-uid'] = who.uid;
  if (who.groups?.length) headers['impersonate-group'] = [...who.groups];
  for (const [key, values] of Object.entries(who.extra ?? {})) {
    headers[`impersonate-extra-${encodeURIComponent(key).toLowerCase()}`] = [...values];
  }
  return headers;
}
