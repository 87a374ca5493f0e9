import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Pki, PkiOptions } from '../seam.ts';
import {
  type CertificateRequest,
  issueCertificate,
  type KeyPair,
  keyPairOf,
  newKeyPair,
  privateKeyPem,
} from './certificate.ts';

const DAY = 24 * 60 * 60 * 1000;
const YEARS = 10;
/** A certificate that ends sooner is made anew. */
const RENEW_BEFORE = 30 * DAY;
const AUTHORITY = { commonName: 'podwire' };
const ADMIN = { commonName: 'kubernetes-admin', organizations: ['system:masters'] };

/**
 * The certificates of an API server: those kept in the directory, or new ones. An authority is kept as long as it is
 * valid, so kubeconfigs that were handed out stay good; the serving certificate is made anew when names are missing.
 */
export async function openPki({ directory, names }: PkiOptions): Promise<Pki> {
  const kept = directory === undefined ? undefined : await readKept(join(directory, FILE));
  const authority = kept && isValid(kept.ca) ? kept : newAuthority();
  const issue = issuerFor(authority.key);
  const fresh = authority !== kept;
  const serving =
    !fresh && covers(kept.serving.cert, names)
      ? kept.serving
      : issue('server', { commonName: 'podwire-apiserver' }, names);
  const admin = !fresh && isValid(kept.admin.cert) ? kept.admin : issue('client', ADMIN);
  const state: Pki = { ca: authority.ca, key: authority.key, serving, admin };
  if (directory !== undefined) await writeKept(directory, state);
  return state;
}

const FILE = 'pki.json';

function newAuthority(): Pick<Pki, 'ca' | 'key'> {
  const pair = newKeyPair();
  const issuer = { subject: AUTHORITY, key: pair };
  const ca = issueCertificate({
    subject: AUTHORITY,
    publicKey: pair.publicKey,
    use: 'authority',
    ...validity(),
    issuer,
  });
  return { ca, key: privateKeyPem(pair) };
}

type Issue = (
  use: CertificateRequest['use'],
  subject: CertificateRequest['subject'],
  names?: readonly string[],
) => Pki['serving'];

function issuerFor(keyPem: string): Issue {
  const key: KeyPair = keyPairOf(createPrivateKey(keyPem));
  return (use, subject, names = []) => {
    const pair = newKeyPair();
    const issuer = { subject: AUTHORITY, key };
    const cert = issueCertificate({ subject, publicKey: pair.publicKey, use, names, ...validity(), issuer });
    return { cert, key: privateKeyPem(pair) };
  };
}

/** From an hour ago, for clocks that are behind. */
function validity(): Pick<CertificateRequest, 'notBefore' | 'notAfter'> {
  const now = Date.now();
  return { notBefore: new Date(now - DAY / 24), notAfter: new Date(now + YEARS * 365 * DAY) };
}

function isValid(cert: string): boolean {
  return new X509Certificate(cert).validToDate.getTime() - Date.now() > RENEW_BEFORE;
}

function covers(cert: string, names: readonly string[]): boolean {
  const certificate = new X509Certificate(cert);
  return isValid(cert) && names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)));
}

/** Undefined when there is none, or one that cannot be read: then all is made anew. */
async function readKept(path: string): Promise<Pki | undefined> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Pki;
    for (const cert of [kept.ca, kept.serving.cert, kept.admin.cert]) new X509Certificate(cert);
    createPrivateKey(kept.key);
    return kept;
  } catch {
    return undefined;
  }
}

async function writeKept(directory: string, state: Pki): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, FILE);
  await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${path}.new`, path);
}
