import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindNamed } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import type { Attributes } from './attributes.ts';
import type { Authorizer } from './authorizer.ts';
import { guardCertificates } from './certificate-approval.ts';

const kind = kindNamed('CertificateSigningRequest');

const request = (status: object): ApiObject => ({
  ...{ apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: 'a' } },
  ...{ spec: { signerName: 'example.com/s' }, status },
});

/** Guards a change for somebody who may do that to signers. */
function change(next: object, allowed: string): () => void {
  const allows = (_user: unknown, { verb, resource }: Attributes) => allowed === `${verb} ${resource?.name}`;
  const authorizer = { allows } as unknown as Authorizer;
  const user = { name: 'jane', groups: [] };
  return () => guardCertificates(authorizer, { user, kind, next: request(next), old: request({}) });
}

test('who approves or signs needs the right to, for the signer', () => {
  const approved = { conditions: [{ type: 'Approved', status: 'True' }] };
  const signed = { certificate: 'MAA=' };
  assert.throws(change(approved, ''), {
    message:
      'certificatesigningrequests.certificates.k8s.io "a" is forbidden: ' +
      'user not permitted to approve requests with signerName "example.com/s"',
  });
  change(approved, 'approve example.com/s')();
  change(approved, 'approve example.com/*')();
  assert.throws(change(approved, 'sign example.com/s'), { message: /not permitted to approve/ });
  assert.throws(change(signed, 'approve example.com/s'), { message: /not permitted to sign/ });
  change(signed, 'sign example.com/*')();
  const failed = { conditions: [{ type: 'Failed', status: 'True' }] };
  assert.throws(change(failed, 'approve example.com/s'), { message: /not permitted to sign/ });
  change(failed, 'sign example.com/s')();
  change({ conditions: [] }, '')();
});
