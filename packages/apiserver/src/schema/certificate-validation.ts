import { messageOf } from '@podwire/base';
import type { CertificateSigningRequest } from '@podwire/kube';
import type { FieldErrors } from './field-errors.ts';
import { dnsSubdomain } from './names.ts';
import { readSignedRequest } from './signed-request.ts';

const SHORTEST = 600;
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';
const DECISIONS = ['Approved', 'Denied'];
const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

export function validateCertificateRequest({ spec, status }: CertificateSigningRequest, errors: FieldErrors): void {
  const { request, usages = [], signerName = '', expirationSeconds } = spec ?? {};
  if (request && !isRequest(request))
    errors.invalid('spec.request', request, 'PEM block type must be CERTIFICATE REQUEST');
  if (usages.length === 0) errors.required('spec.usages', 'usages must be provided');
  usages.forEach((usage, index) => {
    if (!USAGES.includes(usage)) errors.unsupported(`spec.usages[${index}]`, usage, USAGES);
    if (usages.indexOf(usage) < index) errors.duplicate(`spec.usages[${index}]`, usage);
  });
  if (signerName) validateSigner(signerName, errors);
  if (expirationSeconds !== undefined && expirationSeconds < SHORTEST)
    errors.invalid(
      'spec.expirationSeconds',
      expirationSeconds,
      'may not specify a duration less than 600 seconds (10 minutes)',
    );
  const decided = (status?.conditions ?? []).map(({ type }) => type).filter((type) => DECISIONS.includes(type));
  if (new Set(decided).size > 1)
    errors.invalid('status.conditions', decided.join(), 'Approved and Denied conditions are mutually exclusive');
  status?.conditions?.forEach(({ type, status: value }, index) => {
    const at = `status.conditions[${index}].status`;
    if (DECISIONS.includes(type) && value !== 'True') errors.unsupported(at, value, ['True']);
  });
}

/** Whose key it is, and no signer of v1beta1, which signed whatever was approved; stored requests may still name it. */
export function validateNewCertificateRequest({ spec }: CertificateSigningRequest, errors: FieldErrors): void {
  const { request } = spec ?? {};
  const why = request && isRequest(request) ? signatureFault(request) : undefined;
  if (request && why !== undefined) errors.invalid('spec.request', request, why);
  if (spec?.signerName === LEGACY_SIGNER)
    errors.invalid('spec.signerName', LEGACY_SIGNER, 'the legacy signerName is not allowed via this API version');
}

function signatureFault(request: string): string | undefined {
  try {
    readSignedRequest(request);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** PEM in base64. */
function isRequest(request: string): boolean {
  return /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(Buffer.from(request, 'base64').toString('latin1'));
}

/** `example.com/my-signer`. */
function validateSigner(name: string, errors: FieldErrors): void {
  const [domain = '', path = '', ...more] = name.split('/');
  if (more.length > 0 || path === '') {
    errors.invalid(
      'spec.signerName',
      name,
      "must be a fully qualified domain and path of the form 'example.com/signer-name'",
    );
    return;
  }
  errors.invalidEach('spec.signerName', name, dnsSubdomain(domain));
  if (!domain.includes('.'))
    errors.invalid('spec.signerName', name, 'should be a domain with at least two segments separated by dots');
}

/** What is asked for stays what was asked for. */
export function validateCertificateRequestUpdate(
  next: CertificateSigningRequest,
  old: CertificateSigningRequest,
  errors: FieldErrors,
): void {
  const types = ({ status }: CertificateSigningRequest) => (status?.conditions ?? []).map(({ type }) => type);
  for (const type of [...DECISIONS, 'Failed']) {
    if (types(old).includes(type) && !types(next).includes(type))
      errors.forbidden('status.conditions', `updates may not remove a condition of type "${type}"`);
  }
  const before = old.status?.certificate;
  if (before && next.status?.certificate !== before)
    errors.forbidden('status.certificate', 'updates may not modify existing certificate content');
}
