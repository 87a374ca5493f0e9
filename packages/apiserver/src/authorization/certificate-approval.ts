import type { CertificateSigningRequest } from '@podwire/kube';
import { newDecisions, newSignature } from '../core/certificate-requests.ts';
import { failure } from '../core/status.ts';
import type { Authorizer } from './authorizer.ts';
import type { GuardedWrite } from './escalation.ts';

const GROUP = 'certificates.k8s.io';

/**
 * Who approves a certificate needs the verb `approve` for its signer, by name or by `DOMAIN/*`; who signs it, or says that
 * it failed, the verb `sign`. Throws 403.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization
 */
export function guardCertificates(authorizer: Authorizer, { user, kind, next, old }: GuardedWrite): void {
  if (kind.id !== 'CertificateSigningRequest' || !old) return;
  const { signerName } = (next as unknown as CertificateSigningRequest).spec;
  const demand = (verb: 'approve' | 'sign') => {
    const names = [signerName, `${signerName.split('/')[0]}/*`];
    const resource = { group: GROUP, version: 'v1', resource: 'signers', subresource: '', namespace: '' };
    if (names.some((name) => authorizer.allows(user, { verb, resource: { ...resource, name }, path: '' }))) return;
    const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`;
    const name = next.metadata.name ?? '';
    const message = `certificatesigningrequests.${GROUP} "${name}" is forbidden: ${why}`;
    throw failure(403, 'Forbidden', message, { name, group: GROUP, kind: kind.plural });
  };
  if (newDecisions(next, old)) demand('approve');
  if (newSignature(next, old)) demand('sign');
}
