import 'reflect-metadata';
import assert from 'node:assert/strict';
import { generateKeyPairSync, KeyObject, webcrypto } from 'node:crypto';
import { test } from 'node:test';
import * as x509 from '@peculiar/x509';
import { defaultCertificate } from './default-certificate.ts';
import { readKeyPair } from './key-pair.ts';

const split = async (): Promise<[cert: string, key: string]> => {
  const pem = await defaultCertificate();
  const at = pem.indexOf('-----BEGIN PRIVATE KEY-----');
  return [pem.slice(0, at), pem.slice(at)];
};
const secret = (cert: string, key: string): Record<string, string> => ({
  'tls.crt': Buffer.from(cert).toString('base64'),
  'tls.key': Buffer.from(key).toString('base64'),
});
const fault = (cert: string, key: string): string => {
  const pair = readKeyPair(secret(cert, key));
  return 'fault' in pair ? pair.fault : 'none';
};

test('a chain and its key come back, and nothing else of the text', async () => {
  const [[cert, key], [issuer]] = await Promise.all([split(), split()]);
  const pair = readKeyPair(secret(`a note\n${cert}\nbetween\r\n${issuer}`, `${key}\nafter`));
  assert.ok('pem' in pair, JSON.stringify(pair));
  assert.deepEqual(
    pair.pem.match(/^-----BEGIN .*-----$/gm),
    ['CERTIFICATE', 'CERTIFICATE', 'PRIVATE KEY'].map((label) => `-----BEGIN ${label}-----`),
  );
  assert.doesNotMatch(pair.pem, /note|between|after/);
});

test('everything HAProxy would refuse has a fault', async () => {
  const [[cert, key], [, otherKey]] = await Promise.all([split(), split()]);
  const encrypted = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
  }).privateKey;
  assert.equal(fault(cert, key), 'none');
  assert.match(fault('', key), /holds no tls.crt and tls.key/);
  assert.match(fault(cert, otherKey), /not the key of its tls.crt/);
  assert.match(fault('no certificate', key), /no certificate in tls.crt/);
  for (const [badCert, badKey] of [
    [cert.replace(/[A-Z]{4}/, '!!!!'), key],
    [cert.slice(0, 200), key],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', key],
    [cert, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    [cert, encrypted],
  ] as const)
    assert.notEqual(fault(badCert, badKey), 'none', `${badCert}${badKey}`);
});

test('a key too short for OpenSSL has a fault, as HAProxy would not load it', async () => {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    { name: 'CN=short', keys, signingAlgorithm: algorithm },
    webcrypto,
  );
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  assert.match(fault(certificate.toString('pem'), key), /key too small/);
});
