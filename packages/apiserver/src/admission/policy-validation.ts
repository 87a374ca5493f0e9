import type { FieldErrors } from '../schema/field-errors.ts';
import { validateLabelSelector } from '../schema/metadata-validation.ts';
import { compilePolicy, type PolicySpec } from './policy-expressions.ts';
import type { MatchResources } from './resource-match.ts';

interface AdmissionPolicy {
  readonly spec?: PolicySpec & {
    readonly matchConstraints?: MatchResources;
    readonly paramKind?: unknown;
    readonly auditAnnotations?: readonly unknown[];
  };
}

interface PolicyBinding {
  readonly spec?: {
    readonly matchResources?: MatchResources;
    readonly paramRef?: unknown;
    readonly validationActions?: readonly string[];
  };
}

const ACTIONS = ['Audit', 'Deny', 'Warn'];
const NO_PARAMETERS = 'podwire does not enforce policies with parameters';

export function validateAdmissionPolicy({ spec = {} }: AdmissionPolicy, errors: FieldErrors): void {
  const { matchConstraints, validations = [], auditAnnotations = [] } = spec;
  if (!matchConstraints) errors.required('spec.matchConstraints');
  else if (!matchConstraints.resourceRules?.length) errors.required('spec.matchConstraints.resourceRules');
  validateSelectors(matchConstraints, 'spec.matchConstraints', errors);
  if (validations.length + auditAnnotations.length === 0) {
    for (const field of ['validations', 'auditAnnotations'])
      errors.required(`spec.${field}`, 'validations or auditAnnotations must contain at least one item');
  }
  for (const { field, text, why } of compilePolicy(spec).faults) errors.invalid(field, text, why);
}

export function validatePolicyBinding({ spec = {} }: PolicyBinding, errors: FieldErrors): void {
  const { matchResources, validationActions: actions = [] } = spec;
  const at = 'spec.validationActions';
  if (actions.length === 0) errors.required(at, 'at least one validation action is required');
  for (const action of actions) if (!ACTIONS.includes(action)) errors.unsupported(at, action, ACTIONS);
  if (actions.includes('Deny') && actions.includes('Warn'))
    errors.invalid(at, actions, 'must not contain both Deny and Warn (a failure is told once)');
  validateSelectors(matchResources, 'spec.matchResources', errors);
}

function validateSelectors(match: MatchResources | undefined, at: string, errors: FieldErrors): void {
  for (const field of ['namespaceSelector', 'objectSelector'] as const)
    validateLabelSelector(match?.[field] as Parameters<typeof validateLabelSelector>[0], `${at}.${field}`, errors);
}

/** What is stored and not acted on. */
export function admissionPolicyWarnings({ spec }: AdmissionPolicy): readonly string[] {
  return spec?.paramKind ? [`spec.paramKind: ${NO_PARAMETERS}`] : [];
}

export function policyBindingWarnings({ spec }: PolicyBinding): readonly string[] {
  return spec?.paramRef ? [`spec.paramRef: ${NO_PARAMETERS}`] : [];
}
