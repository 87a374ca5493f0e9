import type { Endpoint } from '../connection/endpoint.ts';
import { TokenFile } from './token-file.ts';

/** As whom one speaks at this moment. */
export interface Credential {
  /** Value of the authorization header. */
  readonly authorization?: string | undefined;
  /** PEM, for the TLS handshake. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface CredentialSource {
  current(): Promise<Credential>;
  /** The server answered 401: what was cached must not be used again. True when asking again may help. */
  refused(): boolean;
}

/** Where the credentials of an endpoint come from: a program, a file, or they are written in it. */
export async function credentialSource(endpoint: Endpoint): Promise<CredentialSource> {
  const { exec, tokenFile, token, username, password = '' } = endpoint;
  if (exec) {
    // Few need it: most agents have a token.
    const { ExecCredentials } = await import('./exec-credentials.ts');
    return new ExecCredentials(exec, endpoint);
  }
  if (tokenFile) return new TokenFile(tokenFile);
  const basic = username ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` : undefined;
  const authorization = token ? `Bearer ${token}` : basic;
  return { current: async () => ({ authorization }), refused: () => false };
}
