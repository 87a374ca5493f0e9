import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { AuthorityFiles } from './certificate-authority.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

interface KeyAlgorithm {
  readonly name: string;
  readonly hash: string;
}

interface NewRequest {
  /** PEM in base64, as spec.request. */
  readonly request: string;
  /** PEM of the private key. */
  readonly key: string;
}

/** A request for a certificate of a new key; `subject` as `CN=jane, O=dev`. */
export async function newRequest(
  subject: string,
  names: x509.JsonGeneralNames = [],
  algorithm: KeyAlgorithm = P256,
): Promise<NewRequest> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const extensions = names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [];
  const made = await x509.Pkcs10CertificateRequestGenerator.create(
    { name: subject, keys, signingAlgorithm: algorithm, extensions },
    webcrypto,
  );
  return {
    request: btoa(`${made.toString('pem')}\n`),
    key: await privateKeyPem(keys.privateKey),
  };
}

/** An authority that is valid up to that day. */
export async function newAuthority(end: string, algorithm: KeyAlgorithm = P256): Promise<AuthorityFiles> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const validity = { notBefore: new Date('2025-01-01'), notAfter: new Date(end) };
  const extensions = [
    new x509.BasicConstraintsExtension(true, undefined, true),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
  ];
  const name = 'CN=authority of a test';
  const made = await x509.X509CertificateGenerator.createSelfSigned(
    { name, keys, signingAlgorithm: algorithm, extensions, ...validity },
    webcrypto,
  );
  return { certificate: made.toString('pem'), key: await privateKeyPem(keys.privateKey) };
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
}
