import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { Authenticator } from './authenticator.ts';

/** A connection whose client has shown a certificate with this subject, which the authority did sign or not. */
function connection(subject: object, authorized = true, raw?: Buffer): TLSSocket {
  return Object.create(TLSSocket.prototype, {
    authorized: { value: authorized },
    getPeerCertificate: { value: () => ({ subject, raw }) },
  });
}

const authenticator = new Authenticator({ anonymous: true });
const userOf = (socket: TLSSocket) => authenticator.authenticate({ socket, authorization: undefined, path: '/api' });

test('a certificate is of the user that is its common name, the last of several, in the groups that are its organizations', () => {
  assert.deepEqual(userOf(connection({ CN: 'jane', O: ['dev', 'ops'] })), {
    name: 'jane',
    groups: ['dev', 'ops', 'system:authenticated'],
  });
  const id = 'X509SHA256=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  const { extra } = userOf(connection({ CN: 'jane' }, true, Buffer.from('abc')));
  assert.deepEqual(extra, { 'authentication.kubernetes.io/credential-id': [id] });
  assert.equal(userOf(connection({ CN: ['root', 'system:node:a'], O: 'system:nodes' })).name, 'system:node:a');
});

test('certificates of nobody, and of other authorities, are none', () => {
  for (const socket of [connection({ O: 'system:masters' }), connection({ CN: '' }), connection({ CN: 'jane' }, false)])
    assert.equal(userOf(socket).name, 'system:anonymous');
});
