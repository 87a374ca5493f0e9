import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CERTIFICATE_REQUEST } from '../testing/certificate-request.ts';
import { readSignedRequest } from './signed-request.ts';

const der = Buffer.from(atob(CERTIFICATE_REQUEST).replace(/-----[^-]+-----|\s/g, ''), 'base64');
const pem = (bytes: Buffer) =>
  btoa(`-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`);

test('a request names the groups of its subject', () => {
  assert.deepEqual(readSignedRequest(CERTIFICATE_REQUEST), { organizations: ['dev'] });
});

test('no byte of a request can be changed, added or left out', () => {
  for (let index = 0; index < der.length; index++) {
    const forged = Buffer.from(der);
    forged[index] = (forged[index] ?? 0) ^ 1;
    assert.throws(() => readSignedRequest(pem(forged)), Error, `byte ${index}`);
    assert.throws(() => readSignedRequest(pem(der.subarray(0, index))), Error);
  }
  assert.throws(() => readSignedRequest(pem(Buffer.concat([der, Buffer.from([5, 0])]))), /malformed/);
  assert.throws(() => readSignedRequest(btoa('x')), /PEM block type must be CERTIFICATE REQUEST/);
});
