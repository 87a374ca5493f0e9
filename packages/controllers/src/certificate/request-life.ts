import { X509Certificate } from 'node:crypto';
import type { ObjectOf } from '@podwire/kube';
import { timeOf } from '../clock.ts';

type Request = ObjectOf<'CertificateSigningRequest'>;

const HOUR = 3600_000;
const PENDING = 24 * HOUR;

/** Whether a condition of the type holds. */
export function hasCondition({ status }: Request, type: 'Approved' | 'Denied' | 'Failed'): boolean {
  return status?.conditions?.some((one) => one.type === type && (one.status ?? 'True') === 'True') ?? false;
}

/** Nobody has said yes or no. */
export const isPending = (request: Request): boolean =>
  !hasCondition(request, 'Approved') && !hasCondition(request, 'Denied');

/**
 * When a request may go, in ms since the epoch: a day after it was made if nobody decided, an hour after it was denied,
 * failed, or was approved and has its certificate, and when that ends. What is approved and waits for a signer stays.
 */
export function endOfRequest(request: Request): number | undefined {
  const { metadata, status } = request;
  const certificate = status?.certificate;
  const ends = (status?.conditions ?? []).map(({ type, lastUpdateTime }) => {
    const isOver = type === 'Denied' || type === 'Failed' || (type === 'Approved' && Boolean(certificate));
    const time = isOver ? timeOf(lastUpdateTime as string | undefined) : undefined;
    return time === undefined ? undefined : time + HOUR;
  });
  const made = timeOf(metadata?.creationTimestamp as string | undefined);
  if (isPending(request) && made !== undefined) ends.push(made + PENDING);
  if (certificate) ends.push(endOfCertificate(certificate));
  const known = ends.filter((end) => end !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** Of a PEM text in base64; undefined: it is none. */
function endOfCertificate(certificate: string): number | undefined {
  try {
    return new X509Certificate(Buffer.from(certificate, 'base64')).validToDate.getTime();
  } catch {
    return undefined;
  }
}
