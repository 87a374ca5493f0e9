import type { Kind } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { changedApproval, changedCertificate } from './certificate-requests.ts';
import { completed, withoutStaleBalancer } from './completion.ts';
import { changedObject, changedStatus } from './lifecycle.ts';
import { changedEphemeralContainers, changedResources } from './pod-parts.ts';
import { sharing } from './shared-parts.ts';
import { conflict, modifiedMeanwhile } from './status.ts';
import type { Target, WriteOptions } from './write-options.ts';

/** How often a change is tried again when what it starts from is changed while webhooks are asked. */
export const ROUNDS = 8;

/** What a change starts from. */
export interface From {
  readonly old: ApiObject;
  readonly options: WriteOptions;
}

/** Throws 409 when what is written is of another object, or of it as it was before. */
export function checkSame(
  { kind, name }: Target,
  { metadata: { uid, resourceVersion } }: ApiObject,
  old: ApiObject,
): void {
  if (uid && uid !== old.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`;
    throw conflict(kind, name, why);
  }
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw modifiedMeanwhile(kind, name);
}

/** The stored object with what a write of this part of it may change. */
export function changedPart(kind: Kind, next: ApiObject, { old, options }: From): ApiObject {
  return sharing(changedBy(options.subresource, kind, next, old), old);
}

function changedBy(part: WriteOptions['subresource'], kind: Kind, next: ApiObject, old: ApiObject): ApiObject {
  const isRequest = kind.id === 'CertificateSigningRequest';
  if (part === 'ephemeralcontainers') return changedEphemeralContainers(next, old);
  if (part === 'resize') return changedResources(next, old);
  if (part === 'approval') return changedApproval(next, old);
  if (part === 'status') return changedStatus(kind, isRequest ? changedCertificate(next, old) : next, old);
  return withoutStaleBalancer(kind, changedObject(kind, completed(kind, next, old), old));
}

/** For a second look: what the client said twice has been told. */
export const toldOf = (options: WriteOptions): WriteOptions => ({ ...options, duplicates: [] });
