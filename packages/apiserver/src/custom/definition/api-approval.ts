/** Where a definition of a group of Kubernetes says who approved it. */
export const APPROVED = 'api-approved.kubernetes.io';

const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111';
const MISSING = `protected groups must have approval annotation "${APPROVED}", ${SEE}`;
const INVALID = `protected groups must have approval annotation "${APPROVED}" with either a URL or a reason starting with "unapproved", ${SEE}`;

export interface Approval {
  readonly state: 'approved' | 'bypassed' | 'missing' | 'invalid';
  readonly why: string;
}

/** What the annotation says; undefined for groups that need none. */
export function approvalOf(group: string, annotation: string | undefined): Approval | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return undefined;
  if (!annotation) return { state: 'missing', why: MISSING };
  if (/^https?:\/\/[^/]+/.test(annotation)) return { state: 'approved', why: `approved in ${annotation}` };
  if (!annotation.startsWith('unapproved')) return { state: 'invalid', why: INVALID };
  return { state: 'bypassed', why: `not approved: ${JSON.stringify(annotation)}` };
}

const REASONS = {
  approved: 'ApprovedAnnotation',
  bypassed: 'UnapprovedAnnotation',
  missing: 'MissingAnnotation',
  invalid: 'InvalidAnnotation',
} as const;

/** The same as a condition. */
export function approvalCondition({ state, why }: Approval) {
  return {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: state === 'approved' ? 'True' : 'False',
    reason: REASONS[state],
    message: why,
  };
}
