import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** What a certificate is to say of its owner (PKCS #10, RFC 2986). */
export interface RequestFacts {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  readonly emails: readonly string[];
  readonly urls: readonly string[];
}

export interface RequestContent extends RequestFacts {
  /** As the request has it, byte for byte. */
  readonly subject: x509.Name;
  readonly publicKey: x509.PublicKey;
}

const SUBJECT_ALT_NAME = '2.5.29.17';

/**
 * Of a request in PEM. Throws when it is none, when who made it does not have the key, and when its subject may be taken
 * for that of somebody else.
 */
export async function readRequest(pem: string): Promise<RequestContent> {
  const request = new x509.Pkcs10CertificateRequest(pem.replaceAll('NEW CERTIFICATE REQUEST', 'CERTIFICATE REQUEST'));
  if (!(await request.verify(webcrypto))) throw new Error('the signature of the request is not of its key');
  const subject = request.subjectName;
  checkSubject(subject);
  const names = alternativeNames(request);
  const of = (type: x509.GeneralNameType): string[] =>
    names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    ...{ subject, publicKey: request.publicKey },
    commonName: subject.getField('CN')[0] ?? '',
    organizations: subject.getField('O'),
    ...{ dnsNames: of('dns'), addresses: of('ip'), emails: of('email'), urls: of('url') },
  };
}

/** Who reads the certificate must read the same names as the rules of its signer did. */
function checkSubject(subject: x509.Name): void {
  if (subject.getField('CN').length > 1) throw new Error('the subject has more than one common name');
  const values = subject.toJSON().flatMap((names) => Object.values(names).flat());
  // The library has what it does not read as texts in this form.
  if (values.some((value) => String(value).startsWith('#'))) throw new Error('the subject has a value that is no text');
}

function alternativeNames(request: x509.Pkcs10CertificateRequest): readonly x509.GeneralName[] {
  const found = request.getExtension(SUBJECT_ALT_NAME);
  return found ? new x509.SubjectAlternativeNameExtension(found.rawData).names.items : [];
}
