import type {
  MatchCondition,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from 'kubernetes-types/admissionregistration/v1.js';
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';

/**
 * Changes objects by expressions before they are written, where a binding says so.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
 */
export interface MutatingAdmissionPolicy {
  readonly apiVersion?: 'admissionregistration.k8s.io/v1';
  readonly kind?: 'MutatingAdmissionPolicy';
  metadata?: ObjectMeta;
  spec?: Pick<ValidatingAdmissionPolicySpec, 'failurePolicy' | 'matchConstraints' | 'paramKind' | 'variables'> & {
    matchConditions?: MatchCondition[];
    /** In this order, each for what the one before made of the object. */
    mutations?: Mutation[];
    /** `IfNeeded`: once more when the object is changed afterwards. */
    reinvocationPolicy?: 'Never' | 'IfNeeded';
  };
}

interface Mutation {
  patchType: 'ApplyConfiguration' | 'JSONPatch';
  /** Gives an `Object`, which is merged as by server-side apply. */
  applyConfiguration?: { expression?: string };
  /** Gives a list of `JSONPatch` (RFC 6902). */
  jsonPatch?: { expression?: string };
}

/** Puts a MutatingAdmissionPolicy to work. */
export interface MutatingAdmissionPolicyBinding {
  readonly apiVersion?: 'admissionregistration.k8s.io/v1';
  readonly kind?: 'MutatingAdmissionPolicyBinding';
  metadata?: ObjectMeta;
  spec?: Pick<ValidatingAdmissionPolicyBindingSpec, 'policyName' | 'paramRef' | 'matchResources'>;
}
