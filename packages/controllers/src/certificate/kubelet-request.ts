import type { RequestFacts } from './request-content.ts';
import { KUBELET_CLIENT, SIGNER_RULES } from './signer-rules.ts';

/** A right that makes approval of a request go by itself. */
export interface ApprovalRight {
  /** Of certificatesigningrequests, with the verb create. */
  readonly subresource: 'selfnodeclient' | 'nodeclient';
  /** Of the condition Approved. */
  readonly message: string;
}

const SELF: ApprovalRight = {
  subresource: 'selfnodeclient',
  message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
};
const ANY: ApprovalRight = {
  subresource: 'nodeclient',
  message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
};

/** Of which one is enough: a node may renew its own certificate with the first, somebody else may get one with the second. */
export function recognizedRights(
  facts: RequestFacts,
  { signerName, username, usages = [] }: { signerName: string; username?: string; usages?: readonly string[] },
): readonly ApprovalRight[] {
  if (signerName !== KUBELET_CLIENT || SIGNER_RULES.get(KUBELET_CLIENT)?.(facts, usages) !== undefined) return [];
  return username === facts.commonName ? [SELF, ANY] : [ANY];
}
