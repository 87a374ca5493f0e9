import 'reflect-metadata';
import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { extendedUsages, keyUsages } from './key-usage.ts';
import type { RequestContent } from './request-content.ts';

/** PEM texts. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface SigningOrder {
  readonly content: RequestContent;
  readonly usages: readonly string[];
  /** In seconds; absent: a year. */
  readonly expirationSeconds?: number | undefined;
  /** In ms since the epoch. */
  readonly now: number;
}

const SECOND = 1000;
const YEAR = 365 * 24 * 3600 * SECOND;
/** For clocks that are behind. */
const BACKDATE = 5 * 60 * SECOND;
/** A certificate for less than this is as long as asked for, not shorter by the backdating. */
const SHORT = 8 * 3600 * SECOND;

/**
 * Signs a certificate for the key and names of a request; PEM. It holds a year at most, and no longer than the authority's
 * own. Throws when that is over.
 */
export async function signCertificate(authority: AuthorityFiles, order: SigningOrder): Promise<string> {
  const own = new x509.X509Certificate(authority.certificate);
  const { subject, publicKey } = order.content;
  const key = createPrivateKey(authority.key);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...{ subject, publicKey, issuer: own.subjectName, ...validityOf(order, own.notAfter.getTime()) },
      extensions: extensionsOf(order, own),
      signingKey: await signingKey(key),
      signingAlgorithm: algorithmOf(key),
    },
    webcrypto,
  );
  return `${certificate.toString('pem')}\n`;
}

/** Whole seconds: RFC 5280 knows no fractions. */
function validityOf({ expirationSeconds, now }: SigningOrder, end: number): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now / SECOND) * SECOND;
  if (end <= second) throw new Error(`the certificate of the authority ended at ${new Date(end).toISOString()}`);
  const asked = Math.min(Math.max((expirationSeconds ?? YEAR / SECOND) * SECOND, 2 * BACKDATE), YEAR);
  const length = asked < SHORT ? asked : asked - BACKDATE;
  return { notBefore: new Date(second - BACKDATE), notAfter: new Date(Math.min(second + length, end)) };
}

function extensionsOf({ content, usages }: SigningOrder, authority: x509.X509Certificate): x509.Extension[] {
  const { dnsNames, addresses, emails, urls, subject } = content;
  const named = (type: x509.GeneralNameType, values: readonly string[]) => values.map((value) => ({ type, value }));
  const names = [
    ...named('dns', dnsNames),
    ...named('ip', addresses),
    ...named('email', emails),
    ...named('url', urls),
  ];
  const [flags, extended] = [keyUsages(usages), extendedUsages(usages)];
  const issuer = authority.getExtension(x509.SubjectKeyIdentifierExtension);
  const isNameless = subject.toJSON().length === 0;
  return [
    ...(flags === 0 ? [] : [new x509.KeyUsagesExtension(flags, true)]),
    ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
    new x509.BasicConstraintsExtension(false, undefined, true),
    ...(issuer ? [new x509.AuthorityKeyIdentifierExtension(issuer.keyId)] : []),
    ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names, isNameless)]),
  ];
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject) {
  if (asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  if (asymmetricKeyType === 'ed25519') return { name: 'Ed25519' };
  const namedCurve = CURVES[asymmetricKeyDetails?.namedCurve ?? ''] ?? 'P-256';
  return { name: 'ECDSA', namedCurve, hash: 'SHA-256' };
}

function signingKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, algorithmOf(key), false, ['sign']);
}
