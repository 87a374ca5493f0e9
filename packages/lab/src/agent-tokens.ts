import { renameSync, writeFileSync } from 'node:fs';
import type { ApiServer } from '@podwire/apiserver';

/** As kubelets ask for pods' tokens: short enough to be worth little, long enough for a sleeping machine. */
const SECONDS = 3600;
/** Renewed when this part of its time is over. */
const RENEW_AT = 0.8;

/** What agents and controllers are: service accounts of kube-system with the roles of their names (podwire:agent ...). */
export const AGENT = { namespace: 'kube-system', name: 'podwire-agent' } as const;
export const CONTROLLERS = { namespace: 'kube-system', name: 'podwire-controllers' } as const;

/** Keeps a valid token of the agents' account in each of the files (0600), each a token of its own. */
export function keepAgentTokens(
  server: Pick<ApiServer, 'serviceAccountToken'>,
  files: readonly string[],
): { stop(): void } {
  const renew = (): void => {
    for (const file of files) writeToken(server, file);
  };
  renew();
  const timer = setInterval(renew, SECONDS * RENEW_AT * 1000).unref();
  return { stop: () => clearInterval(timer) };
}

function writeToken(server: Pick<ApiServer, 'serviceAccountToken'>, file: string): void {
  const issued = server.serviceAccountToken(AGENT, { expirationSeconds: SECONDS });
  // Somebody deleted the account: nobody gets in as it, until it is back.
  if (!issued) return;
  writeFileSync(`${file}.new`, issued.token, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The user and groups of a service account, as its tokens stand for. */
export function userOf({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}
