import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { ipBytes, tryParseIp } from '@podwire/base';
import * as asn from './der.ts';

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Bits of KeyUsage (RFC 5280, section 4.2.1.3), most significant first. */
const KEY_USAGE = { authority: [0x06, 1], leaf: [0x80, 7] } as const;

export interface Subject {
  readonly commonName: string;
  /** Groups, for a client certificate. */
  readonly organizations?: readonly string[];
}

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface CertificateRequest {
  readonly subject: Subject;
  readonly publicKey: KeyObject;
  readonly use: 'authority' | 'server' | 'client';
  /** DNS names and addresses, for a server certificate. */
  readonly names?: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly issuer: { readonly subject: Subject; readonly key: KeyPair };
}

export function newKeyPair(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

export function keyPairOf(privateKey: KeyObject): KeyPair {
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

export function privateKeyPem({ privateKey }: KeyPair): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** An X.509 v3 certificate (RFC 5280) for a P-256 key, signed with ECDSA and SHA-256; PEM. */
export function issueCertificate(request: CertificateRequest): string {
  const { subject, publicKey, notBefore, notAfter, issuer } = request;
  const algorithm = asn.sequence(asn.oid(OID.ecdsaWithSha256));
  const body = asn.sequence(
    asn.explicit(0, asn.integer(Buffer.of(2))),
    asn.integer(randomBytes(16)),
    algorithm,
    distinguishedName(issuer.subject),
    asn.sequence(asn.time(notBefore), asn.time(notAfter)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    asn.explicit(3, asn.sequence(...extensions(request))),
  );
  const signature = sign('sha256', body, issuer.key.privateKey);
  return asn.pem('CERTIFICATE', asn.sequence(body, algorithm, asn.bits(signature)));
}

function distinguishedName({ commonName, organizations = [] }: Subject): Buffer {
  const attribute = (id: string, text: string): Buffer => asn.set(asn.sequence(asn.oid(id), asn.utf8(text)));
  const groups = organizations.map((name) => attribute(OID.organization, name));
  return asn.sequence(...groups, attribute(OID.commonName, commonName));
}

function extensions({ use, publicKey, issuer, names = [] }: CertificateRequest): Buffer[] {
  const isAuthority = use === 'authority';
  const [usage, unused] = KEY_USAGE[isAuthority ? 'authority' : 'leaf'];
  const found = [
    extension(OID.basicConstraints, isAuthority ? asn.sequence(asn.boolean(true)) : asn.sequence(), true),
    extension(OID.keyUsage, asn.bits(Buffer.of(usage), unused), true),
    extension(OID.subjectKeyIdentifier, asn.octets(keyIdentifier(publicKey))),
    extension(OID.authorityKeyIdentifier, asn.sequence(asn.implicit(0, keyIdentifier(issuer.key.publicKey)))),
  ];
  if (!isAuthority) {
    const purpose = use === 'server' ? OID.serverAuth : OID.clientAuth;
    found.push(extension(OID.extendedKeyUsage, asn.sequence(asn.oid(purpose))));
  }
  if (names.length > 0) found.push(extension(OID.subjectAltName, asn.sequence(...names.map(generalName))));
  return found;
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  const flag = critical ? [asn.boolean(true)] : [];
  return asn.sequence(asn.oid(id), ...flag, asn.octets(value));
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function generalName(name: string): Buffer {
  const ip = tryParseIp(name);
  return ip ? asn.implicit(7, ipBytes(ip)) : asn.implicit(2, Buffer.from(name, 'ascii'));
}
