import type { KindId } from '@podwire/kube';

/** Policies have no say in these, so that they can be taken back. */
export const POLICY_KINDS: ReadonlySet<KindId> = new Set<KindId>([
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
]);
