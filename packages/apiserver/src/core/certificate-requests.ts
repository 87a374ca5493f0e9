import { type CertificateSigningRequest, equalJson, type Kind } from '@podwire/kube';
import { readSignedRequest } from '../schema/signed-request.ts';
import type { ApiObject, User } from '../seam.ts';
import { timestamp } from './lifecycle.ts';
import { forbidden } from './status.ts';

type Status = NonNullable<CertificateSigningRequest['status']>;
type Condition = NonNullable<Status['conditions']>[number];

/** What approvers decide, and nobody else. */
const DECISIONS = ['Approved', 'Denied'];
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

/** A new request, with who asks for the certificate: signers go by that. */
export function withRequester(object: ApiObject, { name, groups, uid, extra }: User): ApiObject {
  const { username: _, uid: __, groups: ___, extra: ____, ...spec } = (object.spec ?? {}) as Record<string, unknown>;
  const who = { username: name, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
  return { ...object, spec: { ...spec, ...who } };
}

/** Nobody becomes a master by a certificate that was asked for here. Throws 403. */
export function requireAllowedSubject(kind: Kind, { metadata, spec }: ApiObject): void {
  const { signerName, request = '' } = (spec ?? {}) as Partial<CertificateSigningRequest['spec'] & object>;
  if (signerName !== CLIENT_SIGNER || !readSignedRequest(request).organizations.includes('system:masters')) return;
  throw forbidden(kind, metadata.name ?? '', `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
}

/** The stored request with what a write of /approval may change: what was decided, and conditions of others. */
export function changedApproval(next: ApiObject, old: ApiObject): ApiObject {
  const { conditions } = statusIn(next);
  const { conditions: _, ...kept } = statusIn(old);
  const before = statusIn(old).conditions ?? [];
  return { ...old, ...managed(next, old), status: { ...kept, ...withTimes(conditions, before) } };
}

/** The stored request with what a write of /status may change: all but what was decided. */
export function changedCertificate(next: ApiObject, old: ApiObject): ApiObject {
  const given = statusIn(next);
  const before = statusIn(old).conditions ?? [];
  const isDecision = ({ type }: Condition) => DECISIONS.includes(type);
  const conditions = [...before.filter(isDecision), ...(given.conditions ?? []).filter((one) => !isDecision(one))];
  const { conditions: _, ...status } = given;
  return { ...next, status: { ...status, ...withTimes(conditions, before) } };
}

/** What its signer says changed: the certificate, or conditions such as Failed. */
export function newSignature(next: ApiObject, old: ApiObject): boolean {
  const said = ({ certificate, conditions = [] }: Status) => ({
    certificate: certificate ?? '',
    conditions: conditions.filter(({ type }) => !DECISIONS.includes(type)),
  });
  return !equalJson(said(statusIn(next)), said(statusIn(old)));
}

/** What was decided about it, and that was not decided before. */
export function newDecisions(next: ApiObject, old: ApiObject | undefined): boolean {
  const decided = (object: ApiObject | undefined) =>
    (object ? (statusIn(object).conditions ?? []) : []).filter(({ type }) => DECISIONS.includes(type)).length;
  return decided(next) !== decided(old);
}

const statusIn = ({ status }: ApiObject): Status => (status ?? {}) as Status;

function managed(next: ApiObject, old: ApiObject): Pick<ApiObject, 'metadata'> {
  const { managedFields } = next.metadata;
  return { metadata: managedFields ? { ...old.metadata, managedFields } : old.metadata };
}

function withTimes(conditions: readonly Condition[] = [], before: readonly Condition[]): Pick<Status, 'conditions'> {
  const now = timestamp();
  const dated = conditions.map((condition) => {
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
    const lastTransitionTime = condition.lastTransitionTime ?? same?.lastTransitionTime ?? now;
    return { ...condition, lastUpdateTime: condition.lastUpdateTime ?? now, lastTransitionTime };
  });
  return dated.length > 0 ? { conditions: dated } : {};
}
